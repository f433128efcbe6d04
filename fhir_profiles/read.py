"""A Patient that bears the extension, or a panel Observation, goes in; its PersonalizationProfile comes out.

This is all that a reader in Python needs: no server and no service, only the JSON that a FHIR server answered, in STU3,
R4, R4B or R5. What the profile says is built of what these share, so that one reader reads them all; a difference is
told where it shows (`level_absent`).
"""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from fhir_profiles import CANONICAL
from fhir_profiles.values import Measure, PersonalizationProfile, Rationale, UsualProvider

__all__ = [
    "Measure",
    "NoProfile",
    "PersonalizationProfile",
    "Rationale",
    "UnreadableProfile",
    "UsualProvider",
    "read_profile",
]

Json = dict[str, Any]
T = TypeVar("T")

_VALIDATE = "ask its server to validate it against meta.profile"


class NoProfile(ValueError):
    """The resource holds no profile, or one that does not count."""


class UnreadableProfile(ValueError):
    """The resource holds a profile that breaks its own definition; the message says where."""


def read_profile(resource: Json) -> PersonalizationProfile:
    """The profile that this Patient or panel Observation (parsed JSON, of any FHIR version from STU3 on) holds.

    Raises NoProfile where there is none or where it was entered in error, UnreadableProfile where it breaks its
    definition. A profile past its `valid_until` is read all the same: the caller knows the time.
    """
    extension = _profile_extension(resource)
    try:
        return _profile(resource, extension)
    except (LookupError, TypeError, AttributeError, ValueError) as broken:
        reason = f"{broken.args[0]} is missing" if isinstance(broken, KeyError) else str(broken)
        raise UnreadableProfile(f"{_this(resource)} holds a broken profile: {reason}; {_VALIDATE}") from broken


def _profile_extension(resource: Json) -> Json:
    found = _extensions(resource, _url("patient-personalization"))
    if not found:
        raise NoProfile(f"{_this(resource)} bears no {_url('patient-personalization')}: ask its server for the panel")
    if len(found) > 1:
        raise UnreadableProfile(f"{_this(resource)} bears {len(found)} profiles where one is allowed; {_VALIDATE}")
    if resource.get("status") in ("entered-in-error", "cancelled"):
        raise NoProfile(f"{_this(resource)} is {resource['status']}: treat its profile as absent")
    return found[0]


def _this(resource: Json) -> str:
    """Errors end up in logs, and a log holds no patient's id: the caller knows which resource it gave."""
    return f"this {resource.get('resourceType', 'resource')}"


def _profile(resource: Json, extension: Json) -> PersonalizationProfile:
    parts = _Parts(extension)
    return PersonalizationProfile(
        level=_level(resource, parts),
        level_absent=_reason(resource),
        level_absent_text=resource.get("dataAbsentReason", {}).get("text"),
        pathways=tuple(_code(pathway, "personalization-pathway") for pathway in parts.all("pathway")),
        as_of=datetime.fromisoformat(parts.one("asOf")),
        valid_until=parts.maybe("validUntil", datetime.fromisoformat),
        review_by=parts.maybe("reviewBy", date.fromisoformat),
        framework_version=parts.one("frameworkVersion"),
        profile=_panel(resource, parts),
        status=resource.get("status"),
        measures=tuple(_measure(component) for component in resource.get("component", ())),
        rationale=tuple(_rationale(one) for one in _extensions(resource, _url("personalization-rationale"))),
        usual_providers=tuple(_usual(one) for one in _extensions(resource, _url("usual-provider"))),
    )


def _level(resource: Json, parts: "_Parts") -> str | None:
    level = parts.maybe("level", str)
    if resource.get("resourceType") != "Observation":
        return str(parts.one("level"))
    value = resource.get("valueCodeableConcept")
    shown = None if value is None else _code(value, "personalization-level")
    if level != shown:
        raise ValueError(f"the extension says level {level}, the panel's value says {shown}")
    return level


def _panel(resource: Json, parts: "_Parts") -> str | None:
    """A panel does not refer to itself, yet a caller wants one answer: where do the measures stand?"""
    if resource.get("resourceType") == "Observation":
        return f"Observation/{resource['id']}" if "id" in resource else None
    return parts.maybe("profile", lambda reference: reference.get("reference"))


def _measure(component: Json) -> Measure:
    code = _code(component["code"], "personalization-measure")
    basis = _extensions(component, _url("measure-basis"))
    if len(basis) != 1:
        raise ValueError(f"component {code} has {len(basis)} extensions measure-basis instead of one")
    value, unit = _value(component)
    if (value is None) == ("dataAbsentReason" not in component):
        raise ValueError(f"component {code} needs either a value or a dataAbsentReason")
    parts = _Parts(basis[0])
    return Measure(
        code=code,
        value=value,
        unit=unit,
        unknown=_reason(component),
        unknown_text=component.get("dataAbsentReason", {}).get("text"),
        numerator=parts.maybe("numerator", _decimal),
        denominator=parts.maybe("denominator", _decimal),
        coverage=parts.maybe("coverage", _decimal),
        window=parts.one("window"),
        definition=parts.one("definition"),
    )


def _value(component: Json) -> tuple[Decimal | date | str | None, str | None]:
    if "valueQuantity" in component:
        return _quantity(component["valueQuantity"])
    if "valueDateTime" in component:
        return _moment(component["valueDateTime"]), None
    if "valueCodeableConcept" in component:
        return _code(component["valueCodeableConcept"], "personalization-measure"), None
    return None, None


def _rationale(extension: Json) -> Rationale:
    parts = _Parts(extension)
    value, unit = parts.maybe("value", _quantity_or_date) or (None, None)
    threshold, threshold_unit = parts.maybe("threshold", _quantity) or (None, None)
    return Rationale(
        code=parts.one("code"),
        measure=parts.one("measure"),
        value=value,
        unit=unit,
        threshold=threshold,
        threshold_unit=threshold_unit,
    )


def _usual(extension: Json) -> UsualProvider:
    parts = _Parts(extension)
    return UsualProvider(
        provider=parts.one("provider")["reference"],
        role=parts.one("role"),
        share=_decimal(parts.one("share")),
        visits=_decimal(parts.one("visits")),
    )


class _Parts:
    """The sub-extensions of one complex extension, by their short url."""

    def __init__(self, extension: Json) -> None:
        self._parts = extension.get("extension", [])

    def all(self, url: str) -> list[Any]:
        """Whatever value[x] the parts with this url bear."""
        values = [[part[key] for key in part if key.startswith("value")] for part in self._parts if part["url"] == url]
        return [value for found in values for value in found]

    def one(self, url: str) -> Any:
        found = self.all(url)
        if len(found) != 1:
            raise ValueError(f"{url} stands {len(found)} times instead of once")
        return found[0]

    def maybe(self, url: str, read: Callable[[Any], T]) -> T | None:
        return read(self.one(url)) if self.all(url) else None


def _url(name: str) -> str:
    return f"{CANONICAL}/StructureDefinition/{name}"


def _extensions(element: Json, url: str) -> list[Json]:
    return [extension for extension in element.get("extension", ()) if extension.get("url") == url]


def _code(concept: Json, system: str) -> str:
    """Our own code where the concept has one, else the first: a hospital may add its own measures and pathways."""
    codings: list[Json] = concept.get("coding", [])
    if not codings:
        raise ValueError("a concept has no coding")
    own = [coding for coding in codings if coding.get("system") == f"{CANONICAL}/CodeSystem/{system}"]
    return str((own or codings)[0]["code"])


def _reason(element: Json) -> str | None:
    """The code of a dataAbsentReason; a reason in words alone is `unknown`."""
    if "dataAbsentReason" not in element:
        return None
    codings = element["dataAbsentReason"].get("coding") or [{}]
    return str(codings[0].get("code", "unknown"))


def _quantity_or_date(value: Json | str) -> tuple[Decimal | date, str | None]:
    return (date.fromisoformat(value), None) if isinstance(value, str) else _quantity(value)


def _quantity(quantity: Json) -> tuple[Decimal, str | None]:
    return _decimal(quantity["value"]), quantity.get("code") or quantity.get("unit")


def _decimal(number: Decimal | float) -> Decimal:
    """json.loads makes floats unless told otherwise; their text is the number that stood in the JSON."""
    try:
        return Decimal(str(number))
    except InvalidOperation as wrong:
        raise ValueError(f"{number!r} is no number") from wrong


def _moment(text: str) -> date:
    """A FHIR dateTime: a day, or a moment with its time zone (which is a date too, in Python)."""
    return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)
