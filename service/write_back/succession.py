"""A composed profile and what stands of ours in, the same as the next version of that out; and which algorithm counts.

A new major version of the algorithm has ids of its own, so its panels stand beside those of the one before. Until the
source's owner names it (`algorithm = 1`), they are preliminary, and Patients go on bearing the other's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from service.compose import Composed, Identity
from service.compose.status import RELEASED, following, restated
from service.write_back.reasons import level_of
from service.write_back.record import Stood
from service.write_back.stood import Panels


@dataclass
class Succession:
    """`counting` is the major version whose panels count on this source; `differing` the levels that ours changes;
    `waiting` those that a person has to accept first."""

    identity: Identity
    standing: Panels
    chosen: int | None
    counting: int = field(init=False)
    differing: Counter[str] = field(default_factory=Counter)
    waiting: int = 0

    def __post_init__(self) -> None:
        self.counting = self._in_use() if self.chosen is None else self.chosen

    @property
    def on_trial(self) -> bool:
        return self.counting != self.identity.major

    def settled(self, composed: Composed) -> Composed:
        """Preliminary beside the algorithm that counts, and with the status that follows from what stands."""
        self.waiting += composed.panel["status"] == "preliminary"
        if self.on_trial:
            composed = self._beside(composed)
        seen = self.standing.seen(composed.panel["id"])
        return following(composed, seen.status, seen.content, self.identity) if seen else composed

    def replaced(self, patient: str) -> Stood | None:
        """The panel of another version that ours takes the place of; only where the owner chose ours."""
        return self._other(patient, self.identity.others()) if self.chosen == self.identity.major else None

    def otherwise(self, composed: Composed) -> Iterator[str]:
        """What the algorithm that counts says of the same patient, where that is another level."""
        other = self._other(composed.patient, [replace(self.identity, major=self.counting)])
        if other and other.level != level_of(composed.panel):
            yield f"algorithm {self.counting} says {other.level or 'no level'}"

    def notes(self) -> Iterator[str]:
        if self.waiting:
            yield f"{self.waiting:,} profiles wait for a person: personalize review list {self.identity.source}"
        if self.on_trial and self.differing:
            ours, theirs, total = self.identity.major, self.counting, self.differing.total()
            yield (
                f"algorithm {ours} is preliminary beside algorithm {theirs}: {self.differing['level']:,} of {total:,} "
                f"levels differ; algorithm = {ours} under this source lets it take the other's place"
            )

    def _beside(self, composed: Composed) -> Composed:
        other = self._other(composed.patient, [replace(self.identity, major=self.counting)])
        if other:
            self.differing["level" if other.level != level_of(composed.panel) else "same"] += 1
        return replace(restated(composed, "preliminary", self.identity), extension=None)

    def _in_use(self) -> int:
        """The version whose panels were released first: ours, unless another's stand and count already."""
        for panel_id in self.standing:
            seen = self.standing.seen(panel_id)
            if seen is None or seen.status not in RELEASED or panel_id == self.identity.panel(seen.patient):
                continue
            for other in self.identity.others():
                if other.panel(seen.patient) == panel_id:
                    return other.major
        return self.identity.major

    def _other(self, patient: str, others: Iterable[Identity]) -> Stood | None:
        found = (self.standing.seen(other.panel(patient)) for other in others)
        return next((seen for seen in found if seen), None)
