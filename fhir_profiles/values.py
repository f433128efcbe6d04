"""What a profile says, as typed values that cannot be changed; `read` makes them of FHIR."""

from datetime import date, datetime
from decimal import Decimal

from pydantic import BaseModel, ConfigDict

__all__ = ["Measure", "PersonalizationProfile", "Rationale", "UsualProvider"]


class Measure(BaseModel):
    """One component of the panel. Either `value` or `unknown` is there, never both.

    `value` is a number in `unit` (a UCUM code or an ISO 4217 currency), a date, or a code. `numerator`, `denominator`
    and `coverage` (0 to 1) stand with ratios. `window` is p7d, p1m, p1y or ever, back from the profile's `as_of`.
    """

    model_config = ConfigDict(frozen=True)

    code: str
    value: Decimal | date | datetime | str | None = None
    unit: str | None = None
    unknown: str | None = None
    unknown_text: str | None = None
    numerator: Decimal | None = None
    denominator: Decimal | None = None
    coverage: Decimal | None = None
    window: str
    definition: str


class Rationale(BaseModel):
    """One rule that fired. Without a value it fired because nothing was ever recorded."""

    model_config = ConfigDict(frozen=True)

    code: str
    measure: str
    value: Decimal | date | None = None
    unit: str | None = None
    threshold: Decimal | None = None
    threshold_unit: str | None = None


class UsualProvider(BaseModel):
    """Whom the patient saw most, or where, as a reference; `share` of the `visits` that name a clinician or a site."""

    model_config = ConfigDict(frozen=True)

    provider: str
    role: str
    share: Decimal
    visits: Decimal


class PersonalizationProfile(BaseModel):
    """What the hospital knows about the attention that a patient needs, as of one moment.

    A Patient gives the level, the pathways and the dates; `profile` then refers to the panel, which alone gives the
    measures and the rationale. `level` is None on a panel that says why in `level_absent`, a code of dataAbsentReason,
    and in words in `level_absent_text`: STU3 has no code for "not applicable" (the deceased), and says unknown instead.
    """

    model_config = ConfigDict(frozen=True)

    level: str | None = None
    level_absent: str | None = None
    level_absent_text: str | None = None
    pathways: tuple[str, ...] = ()
    as_of: datetime
    valid_until: datetime | None = None
    review_by: date | None = None
    framework_version: str
    profile: str | None = None
    status: str | None = None
    measures: tuple[Measure, ...] = ()
    rationale: tuple[Rationale, ...] = ()
    usual_providers: tuple[UsualProvider, ...] = ()

    def measure(self, code: str, unit: str | None = None) -> Measure:
        """The measure with this code; money needs its currency as unit where there is more than one. KeyError."""
        found = [one for one in self.measures if one.code == code and unit in (None, one.unit)]
        if len(found) != 1:
            wanted = code if unit is None else f"{code} in {unit}"
            units = ", ".join(one.unit or "no unit" for one in found)
            raise KeyError(f"{wanted} stands in several units, name one: {units}" if found else f"no measure {wanted}")
        return found[0]
