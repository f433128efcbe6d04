"""Patient resources as they were pulled in, who the patients are out: for the equity report alone.

Nothing here reaches a measure, a level or a pathway: facts do not hold it, and derive reads facts.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

import ibis
import ibis.expr.types as ir
import msgspec

from service.engine import Engine, ShapeMismatch
from service.errors import LakeProblem
from service.report.basis import Basis

AXES = ("sex", "age", "language", "interpreter", "race", "ethnicity", "rurality")
UNKNOWN, OTHERS, SEVERAL = "unknown", "others", "two or more"
MOST_STRATA = 8
AGES = ((18, "0-17"), (45, "18-44"), (65, "45-64"), (75, "65-74"), (131, "75 and over"))

US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
INTERPRETER_REQUIRED = "http://hl7.org/fhir/StructureDefinition/patient-interpreterRequired"
INTERPRETER_NEEDED = f"{US_CORE}interpreter-needed"
SNOMED_YES, SNOMED_NO = "373066001", "373067005"
NOT_TOLD = ("UNK", "ASKU", "unknown")  # null flavours, and what US Core 7 calls the same
OMB = {
    "1002-5": "American Indian or Alaska Native",
    "2028-9": "Asian",
    "2054-5": "Black or African American",
    "2076-8": "Native Hawaiian or Other Pacific Islander",
    "2106-3": "White",
    "2131-1": "Other Race",
    "2135-2": "Hispanic or Latino",
    "2186-5": "Not Hispanic or Latino",
}

CODING = "struct<code: string, display: string>"
CONCEPT = f"struct<coding: array<{CODING}>, text: string>"
VALUES = f"valueCode: string, valueString: string, valueCoding: {CODING}, valueCodeableConcept: {CONCEPT}"
PART = f"struct<url: string, {VALUES}>"
EXTENSION = f"struct<url: string, valueBoolean: boolean, {VALUES}, extension: array<{PART}>>"
COLUMNS = {
    "id": "string",
    "meta": "struct<lastUpdated: string, versionId: string>",
    "gender": "string",
    "birthDate": "string",
    "communication": f"array<struct<language: {CONCEPT}, preferred: boolean>>",
    "extension": f"array<{EXTENSION}>",
    "address": f"array<struct<extension: array<{EXTENSION}>>>",
}


def context(basis: Basis, engine: Engine, rurality: Sequence[str] = ()) -> ir.Table:
    """(patient, and each of AXES): texts, `unknown` where the record does not say. Of several versions the newest."""
    patient = _newest(_read(basis.raw / "Patient.ndjson", engine), engine)
    told = {
        "sex": patient.gender,
        "age": _age(patient.birthDate, basis),
        "language": _language(patient.communication),
        "interpreter": _interpreter(patient.extension),
        "race": _category(patient.extension, f"{US_CORE}race"),
        "ethnicity": _category(patient.extension, f"{US_CORE}ethnicity"),
        "rurality": _rurality(patient, [*_shipped()["rurality"], *rurality]),
    }
    known = {axis: ibis.coalesce(stratum.nullif(""), UNKNOWN) for axis, stratum in told.items()}
    return engine.materialise(patient.select(patient="Patient/" + patient.id, **known))


def strata(people: ir.Table, axis: str) -> ir.Table:
    """(patient, stratum): beyond the eight largest they are pooled, for small ones would be suppressed anyway."""
    sizes = people.filter(people[axis] != UNKNOWN).group_by(stratum=people[axis]).agg(size=ibis._.count())
    order = ibis.window(order_by=[ibis.desc("size"), "stratum"])
    large = sizes.mutate(row=ibis.row_number().over(order)).filter(ibis._["row"] < MOST_STRATA).select("stratum")
    joined = people.select("patient", mine=people[axis]).left_join(large, [("mine", "stratum")])
    own = (joined.mine == UNKNOWN) | joined.stratum.notnull()
    return joined.select("patient", stratum=ibis.cases((own, joined.mine), else_=OTHERS))


def _read(path: Path, engine: Engine) -> ir.Table:
    """A line that is no Patient is no patient of the profiles either: derive has set it aside."""
    if not path.is_file():
        raise LakeProblem("the patients as pulled are missing", where=str(path), do="run `personalize run` again")
    try:
        return engine.read_ndjson(path, COLUMNS)
    except ShapeMismatch:
        sieved = engine.scratch / "context.ndjson"
        fits = msgspec.json.Decoder(_Patient)
        with path.open("rb") as lines, sieved.open("wb") as kept:
            kept.writelines(line for line in lines if _decodes(line, fits))
        return engine.read_ndjson(sieved, COLUMNS)


def _decodes(line: bytes, fits: msgspec.json.Decoder[_Patient]) -> bool:
    try:
        fits.decode(line)
    except msgspec.MsgspecError:
        return False
    return True


def _newest(patient: ir.Table, engine: Engine) -> ir.Table:
    order = ibis.window(
        group_by="id",
        order_by=[
            engine.moment(patient.meta.lastUpdated).desc(nulls_first=False),
            patient.meta.versionId.try_cast("int64").desc(nulls_first=False),
            engine.line(patient).desc(),
        ],
    )
    return engine.materialise(patient.mutate(row=ibis.row_number().over(order))).filter(ibis._["row"] == 0)


def _age(birth: ir.StringValue, basis: Basis) -> ir.StringValue:
    """Full years at as_of; of a year or a month its first day, as in the measures."""
    whole = ibis.cases((birth.length() == 4, birth + "-01-01"), (birth.length() == 7, birth + "-01"), else_=birth)
    born, day = whole.try_cast("date"), basis.edition.as_of.date()
    before_birthday = (born.month() * 100 + born.day()) > day.month * 100 + day.day
    years = day.year - born.year() - before_birthday.cast("int64")
    return ibis.cases((years < 0, ibis.null("string")), *((years < end, name) for end, name in AGES))


def _language(spoken: ir.ArrayValue) -> ir.StringValue:
    """`en` for en-US and en-GB: the preferred one, else the first."""
    preferred = ibis.coalesce(spoken.filter(lambda each: each.preferred)[0], spoken[0])
    return preferred.language.coding[0].code.split("-")[0].lower()


def _interpreter(extensions: ir.ArrayValue) -> ir.StringValue:
    required = extensions.filter(lambda each: each.url == INTERPRETER_REQUIRED)[0].valueBoolean
    needed = extensions.filter(lambda each: each.url == INTERPRETER_NEEDED)[0].valueCoding.code
    yes = required.fill_null(False) | (needed == SNOMED_YES).fill_null(False)
    no = ~required.fill_null(True) | (needed == SNOMED_NO).fill_null(False)
    return ibis.cases((yes, "needed"), (no, "not needed"))


def _category(extensions: ir.ArrayValue, url: str) -> ir.StringValue:
    """US Core's race or ethnicity: its category of the Office of Management and Budget, `two or more` of several."""
    parts = extensions.filter(lambda each: each.url == url)[0].extension
    codes = parts.filter(lambda part: part.url == "ombCategory").map(lambda part: part.valueCoding.code)
    told = codes.filter(lambda code: code.notnull() & ~code.isin(NOT_TOLD)).unique()
    return ibis.cases((told.length() > 1, SEVERAL), else_=told[0].cases(*OMB.items(), else_=told[0]))


def _rurality(patient: ir.Table, urls: Sequence[str]) -> ir.StringValue:
    everywhere = ibis.coalesce(patient.extension, ibis.literal([], f"array<{EXTENSION}>")).concat(
        ibis.coalesce(
            patient.address.map(lambda each: each.extension).flatten(), ibis.literal([], f"array<{EXTENSION}>")
        )
    )
    found = everywhere.filter(lambda each: each.url.isin(list(urls)))[0]
    concept, coding = found.valueCodeableConcept, found.valueCoding
    return ibis.coalesce(
        coding.display, coding.code, concept.coding[0].display, concept.coding[0].code, concept.text,
        found.valueCode, found.valueString,
    )  # fmt: skip


def _shipped() -> Mapping[str, list[str]]:
    return tomllib.loads(files(__package__).joinpath("context.toml").read_text())


class _Language(msgspec.Struct):
    language: dict[str, object] | None = None
    preferred: bool | None = None


class _Extension(msgspec.Struct):
    url: str | None = None
    valueBoolean: bool | None = None
    valueCoding: dict[str, object] | None = None
    valueCodeableConcept: dict[str, object] | None = None
    extension: list[dict[str, object]] | None = None


class _Address(msgspec.Struct):
    extension: list[_Extension] | None = None


class _Patient(msgspec.Struct):
    """The shape of COLUMNS, to find the lines that do not have it."""

    id: str
    meta: dict[str, object] | None = None
    communication: list[_Language] | None = None
    extension: list[_Extension] | None = None
    address: list[_Address] | None = None
