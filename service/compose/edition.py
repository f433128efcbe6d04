"""profiles.json and settings in, what all resources of a composing share out: who writes, as of when, for how long."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

import service
from fhir_profiles import artefacts
from service.compose.canonical import MEASURE
from service.compose.content import Json
from service.compose.identity import Identity
from service.compose.release import R4, release_of
from service.errors import LakeProblem
from service.lake import read_json
from service.server.capability import Release

VALID_FOR = dt.timedelta(days=90)
SHORT_HASH = 8

Displays = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Edition:
    """`as_of` on the clock of the source, `recorded` now.

    `displays` are the words of our code systems, `unknown` those for why a measure is unknown; `release` is the version
    of FHIR that the source speaks.
    """

    identity: Identity
    algorithm: str
    framework: str
    as_of: dt.datetime
    recorded: dt.datetime
    displays: Displays
    unknown: Mapping[str, str]
    release: Release = R4
    own: Mapping[str, Json] = field(default_factory=dict)  # the codings of measures of the hospital's own, by code

    @property
    def valid_until(self) -> dt.datetime:
        return self.as_of + VALID_FOR

    @property
    def year_before(self) -> dt.datetime:
        """The same time on the clock; 29 February becomes the 28th."""
        try:
            return self.as_of.replace(year=self.as_of.year - 1)
        except ValueError:
            return self.as_of.replace(year=self.as_of.year - 1, day=28)

    def coding(self, system: str, code: str) -> Json:
        """A hospital's policy may give codes of its own, which have no display here."""
        display = self.displays.get(system, {}).get(code)
        return {"system": system, "code": code} | ({"display": display} if display else {})

    def measure(self, code: str) -> Json:
        """The coding of a measure: a hospital's own is never told as one that is published."""
        return self.own.get(code) or self.coding(MEASURE, code)

    def concept(self, system: str, code: str) -> Json:
        return {"coding": [self.coding(system, code)]}


class _Legend(msgspec.Struct):
    system: str = ""
    display: str = ""


class _Derived(msgspec.Struct):
    """What we need of profiles.json."""

    as_of: str
    time_zone: str
    policy_version: str
    policy_hash: str
    unknown: dict[str, str] = {}
    measures: dict[str, _Legend] = {}

    @property
    def own(self) -> dict[str, Json]:
        """Codings of those that name a code system."""
        theirs = {code: each for code, each in self.measures.items() if each.system}
        return {c: {"system": each.system, "code": c, "display": each.display} for c, each in theirs.items()}


def read_edition(
    profiles: Path,
    *,
    source_id: str,
    installation: str,
    recorded: dt.datetime,
    algorithm: str | None = None,
    fhir_version: str = R4,
) -> Edition:
    """The edition of the profiles in this directory; `recorded` is now, and Provenance alone tells it.

    `fhir_version` is the source's, as its statement and the pull tell it.
    """
    derived, algorithm = _derived(profiles), algorithm or service.__version__
    digits = derived.policy_hash.rpartition(":")[2][:SHORT_HASH]
    return Edition(
        identity=Identity.of(installation, source_id, algorithm),
        algorithm=algorithm,
        framework=f"{algorithm} / {derived.policy_version}+{digits}",
        as_of=dt.datetime.fromisoformat(derived.as_of).astimezone(ZoneInfo(derived.time_zone)),
        recorded=recorded,
        displays=_displays(),
        unknown=derived.unknown,
        release=release_of(fhir_version),
        own=derived.own,
    )


def _derived(profiles: Path) -> _Derived:
    try:
        return msgspec.convert(read_json(profiles / "profiles.json", "derive"), _Derived)
    except msgspec.ValidationError as error:
        raise LakeProblem(
            f"profiles.json: {error}", where=str(profiles), do="run `personalize derive` again with this version"
        ) from error


def _displays() -> Displays:
    systems = (one for one in artefacts("r4") if one["resourceType"] == "CodeSystem")
    return {one["url"]: {each["code"]: each["display"] for each in one["concept"]} for one in systems}


def instant(moment: dt.datetime) -> str:
    return moment.isoformat(timespec="seconds")
