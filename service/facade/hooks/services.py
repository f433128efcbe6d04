"""The services that are offered, one for each hook, as discovery tells them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Service:
    """`context` are the fields that the hook's definition requires."""

    id: str
    hook: str
    title: str
    description: str
    context: tuple[str, ...]

    @property
    def discovered(self) -> dict[str, str]:
        """No prefetch is asked for: the profile is here."""
        return {name: getattr(self, name) for name in ("hook", "id", "title", "description")}


_TOLD = "Shows the level of attention and the pathways of the patient's personalization profile, with the reasons."
SERVICES = {
    each.id: each
    for each in (
        Service("personalization-patient-view", "patient-view", "Personalization profile", _TOLD, ()),
        Service(
            "personalization-appointment-book",
            "appointment-book",
            "Personalization profile while booking",
            _TOLD,
            ("appointments",),
        ),
        Service(
            "personalization-encounter-start",
            "encounter-start",
            "Personalization profile as an encounter starts",
            _TOLD,
            ("encounterId",),
        ),
    )
}
