"""In: the examples of a version. Out: each with one thing wrong, and the rule that must reject it.

The rule is the key of an invariant, or words of the validator that name the element and what it lacks.
"""

import copy
from collections.abc import Callable, Iterator
from typing import Any

from fhir_profiles import CANONICAL, examples

Json = dict[str, Any]
DEFINED = f"{CANONICAL}/StructureDefinition"
CLOSED = "does not match any known slice"

Break = Callable[[Json], None]


def negatives(version: str) -> Iterator[tuple[str, Json, str]]:
    """Name, resource, rule; `version` is stu3, r4 or r5."""
    known = {each["id"].removeprefix("example-"): each for each in examples(version)}
    for name, (of, wrong, rule) in RULES.items():
        if (version, name) not in CANNOT_SAY:
            broken = copy.deepcopy(known[of])
            wrong(broken)
            yield name, broken, rule


# STU3 has no code for "not applicable", so that a rule about it finds nothing to hold.
CANNOT_SAY = {("stu3", "a-pathway-for-the-deceased")}


def _extension(resource: Json, name: str) -> Json:
    return next(each for each in resource["extension"] if each["url"] == f"{DEFINED}/{name}")


def _part(extension: Json, name: str) -> Json:
    return next(each for each in extension["extension"] if each["url"] == name)


def _without(extension: Json, name: str) -> None:
    extension["extension"] = [each for each in extension["extension"] if each["url"] != name]


def _measure(panel: Json, code: str) -> Json:
    return next(each for each in panel["component"] if each["code"]["coding"][0]["code"] == code)


def _in_unit(code: str, unit: str, system: str = "http://unitsofmeasure.org") -> Break:
    def wrong(panel: Json) -> None:
        _measure(panel, code)["valueQuantity"] |= {"system": system, "code": unit, "unit": unit}

    return wrong


def _part_of_patient(part: Json) -> Break:
    return lambda patient: _extension(patient, "patient-personalization")["extension"].append(part)


def _a_date_as_a_number(panel: Json) -> None:
    measure = _measure(panel, "last-preventive-visit")
    del measure["valueDateTime"]
    measure["valueQuantity"] = {"value": 400, "unit": "days", "system": "http://unitsofmeasure.org", "code": "d"}


def _basis(panel: Json, code: str = "visits-p1y") -> Json:
    return _extension(_measure(panel, code), "measure-basis")


def _a_reason(panel: Json) -> Json:
    return _extension(panel, "personalization-rationale")


def _reason_on_patient(patient: Json) -> None:
    parts = [{"url": "code", "valueCode": "ed-frequent"}, {"url": "measure", "valueCode": "ed-visits-p1y"}]
    patient["extension"].append({"url": f"{DEFINED}/personalization-rationale", "extension": parts})


def _race_as_a_part(panel: Json) -> None:
    _a_reason(panel)["extension"].append({"url": "race", "valueCode": "2054-5"})


def _race_as_a_measure(panel: Json) -> None:
    _part(_a_reason(panel), "measure")["valueCode"] = "race"


def _level_beside_a_reason_for_none(panel: Json) -> None:
    parts = _extension(panel, "patient-personalization")["extension"]
    parts.append({"url": "level", "valueCode": "standard"})


def _pathway_beside_a_reason_for_none(panel: Json) -> None:
    coding = {"system": f"{CANONICAL}/CodeSystem/personalization-pathway", "code": "proactive-outreach"}
    pathway = {"url": "pathway", "valueCodeableConcept": {"coding": [coding]}}
    _extension(panel, "patient-personalization")["extension"].append(pathway)


def _both(panel: Json) -> None:
    panel["dataAbsentReason"] = {"text": "The patient has died."}


def _two_levels(panel: Json) -> None:
    _part(_extension(panel, "patient-personalization"), "level")["valueCode"] = "standard"


def _own_level(panel: Json) -> None:
    panel["valueCodeableConcept"]["coding"][0] |= {"code": "platinum", "display": "Platinum"}


def _zero_and_unknown(panel: Json) -> None:
    _measure(panel, "visits-p1y")["dataAbsentReason"] = {"text": "not known"}


def _other_definition(panel: Json) -> None:
    _part(_basis(panel), "definition")["valueUri"] = f"{CANONICAL}/CodeSystem/personalization-measure#stays-p1y"


def _more_than_whole(panel: Json) -> None:
    _part(_basis(panel, "upc-p1y"), "coverage")["valueDecimal"] = 2


def _share_of_none(panel: Json) -> None:
    _part(_extension(panel, "usual-provider"), "share")["valueDecimal"] = 0


def _fifty_one(provenance: Json) -> None:
    provenance["entity"] = [provenance["entity"][0]] * 51


def _uncounted(provenance: Json) -> None:
    del provenance["contained"][0]["note"]


def _of_another(report: Json) -> None:
    measure = "https://example.org/Measure/other"
    report["measure"] = {"reference": measure} if isinstance(report["measure"], dict) else measure


def _seven(report: Json) -> None:
    report["group"][0]["stratifier"][0]["stratum"][0]["population"][0]["count"] = 7


RULES: dict[str, tuple[str, Break, str]] = {
    "a-count-in-kilograms": ("panel-standard", _in_unit("visits-p1y", "kg"), "pers-unit-1"),
    "days-in-hours": ("panel-standard", _in_unit("contact-days-p1y", "h"), "pers-unit-2"),
    "money-without-a-currency": ("panel-standard", _in_unit("billed-charges-p1y", "1"), "pers-unit-3"),
    "a-date-as-a-number-of-days": ("panel-standard", _a_date_as_a_number, "pers-unit-4"),
    "a-missing-window": (
        "panel-standard",
        lambda panel: _without(_basis(panel), "window"),
        "Extension.extension:window",
    ),
    "a-missing-definition": (
        "panel-standard",
        lambda panel: _without(_basis(panel), "definition"),
        "Extension.extension:definition",
    ),
    "another-measures-definition": ("panel-standard", _other_definition, "pers-panel-6"),
    "a-coverage-above-the-whole": ("panel-standard", _more_than_whole, "pers-basis-2"),
    "a-measure-twice": (
        "panel-standard",
        lambda panel: panel["component"].append(copy.deepcopy(panel["component"][0])),
        "pers-panel-4",
    ),
    "a-value-and-a-reason-for-none": ("panel-standard", _zero_and_unknown, "pers-panel-5"),
    "a-score-on-patient": ("patient-intensive", _part_of_patient({"url": "score", "valueDecimal": 87}), CLOSED),
    "money-on-patient": (
        "patient-intensive",
        _part_of_patient({"url": "charges", "valueQuantity": {"value": 1, "code": "USD"}}),
        CLOSED,
    ),
    "a-reason-on-patient": ("patient-intensive", _reason_on_patient, "pers-ext-4"),
    "no-level-on-patient": (
        "patient-intensive",
        lambda patient: _without(_extension(patient, "patient-personalization"), "level"),
        "pers-ext-1",
    ),
    "two-profiles-on-patient": (
        "patient-intensive",
        lambda patient: patient["extension"].append(copy.deepcopy(patient["extension"][0])),
        "pers-ext-2",
    ),
    "a-level-for-the-deceased-patient": (
        "patient-intensive",
        lambda patient: patient.update(deceasedDateTime="2026-02-01"),
        "pers-ext-3",
    ),
    "a-level-for-the-patient-said-to-be-deceased": (
        "patient-intensive",
        lambda patient: patient.update(deceasedBoolean=True),
        "pers-ext-3",
    ),
    "a-level-on-the-panel-of-the-deceased": ("panel-deceased", _level_beside_a_reason_for_none, "pers-panel-3"),
    "a-pathway-for-the-deceased": ("panel-deceased", _pathway_beside_a_reason_for_none, "pers-panel-7"),
    "a-level-and-a-reason-for-none": ("panel-enhanced", _both, "pers-panel-1"),
    "two-levels": ("panel-intensive", _two_levels, "pers-panel-2"),
    "a-level-of-somebodys-own": ("panel-intensive", _own_level, "personalization-level"),
    "race-as-a-part-of-a-reason": ("panel-intensive", _race_as_a_part, CLOSED),
    "race-as-the-measure-of-a-reason": ("panel-intensive", _race_as_a_measure, "personalization-measure"),
    "a-usual-clinician-of-no-visit": ("panel-held", _share_of_none, "pers-usual-1"),
    "fifty-one-records-one-by-one": ("provenance-few", _fifty_one, "pers-prov-1"),
    "a-digest-without-its-count": ("provenance-many", _uncounted, "pers-prov-2"),
    "a-flag-without-an-end": ("flag", lambda flag: flag["period"].pop("end"), "Flag.period.end"),
    "a-certainty-above-one": (
        "risk",
        lambda risk: risk["prediction"][0].update(probabilityDecimal=2),
        "pers-risk-1",
    ),
    "a-prediction-without-its-ground": ("risk", lambda risk: risk.pop("basis"), "RiskAssessment.basis"),
    "a-list-of-nobody-without-a-reason": ("top-patients", lambda top: top.pop("entry"), "pers-list-1"),
    "a-report-of-another-measure": ("report", _of_another, "pers-report-1"),
    "a-count-by-which-somebody-is-told": ("report", _seven, "pers-report-2"),
}
