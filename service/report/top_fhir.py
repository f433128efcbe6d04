"""A ranking in, FHIR R4 out: a List in its order, or a MeasureReport in which nobody can be told.

Neither is written to a server: a ranked list of names stands in no patient's compartment.
"""

from __future__ import annotations

from uuid import NAMESPACE_URL, uuid5

from service.compose.canonical import LEVEL, MEASURE, PATHWAY, TOP_PATIENTS
from service.compose.content import Json
from service.compose.edition import Edition, instant
from service.report.aggregate import Aggregate, Summary
from service.report.basis import Basis
from service.report.measure_report import Counted, Part, measure_report, narrative
from service.report.top import Group, Ranking, TopPatient
from service.report.words import amount, heading, reasons

ORDER = "http://terminology.hl7.org/CodeSystem/list-order"
EMPTY = "http://terminology.hl7.org/CodeSystem/list-empty-reason"


def lists(ranking: Ranking, basis: Basis) -> Json:
    """One List, or a collection of them where there are several currencies or organisations."""
    found = [_list(ranking, group, basis.edition) for group in ranking.groups] or [_list(ranking, None, basis.edition)]
    if len(found) == 1:
        return found[0]
    entries = [_entry_of_bundle(each, basis.base) for each in found]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def _entry_of_bundle(found: Json, base: str) -> Json:
    """Of no address of its own, so it names its patients by theirs. https://hl7.org/fhir/R4/bundle.html#references"""
    for entry in found.get("entry", []):
        entry["item"] = {"reference": f"{base}/{entry['item']['reference']}"}
    return {"fullUrl": uuid5(NAMESPACE_URL, f"{base} {found['title']} {found['date']}").urn, "resource": found}


def _list(ranking: Ranking, group: Group | None, edition: Edition) -> Json:
    entries = [_entry(patient, edition) for patient in (group.patients if group else [])]
    nobody = {"emptyReason": {"coding": [{"system": EMPTY, "code": "nilknown", "display": "Nil Known"}]}}
    return {
        "resourceType": "List",
        "meta": edition.identity.meta(TOP_PATIENTS),
        **({"text": narrative("; ".join(ranking.notes))} if ranking.notes else {}),
        "status": "current",
        "mode": "snapshot",
        "title": heading(ranking, group),
        "code": edition.concept(MEASURE, ranking.measure),
        "date": instant(edition.as_of),
        "orderedBy": {"coding": [{"system": ORDER, "code": "system", "display": "Sorted by System"}]},
        **({"note": [{"text": note} for note in ranking.notes]} if ranking.notes else {}),
        **({"entry": entries} if entries else nobody),
    }


def _entry(patient: TopPatient, edition: Edition) -> Json:
    """The flag holds level and pathways as codes, and in words what the place rests on."""
    codings = [edition.coding(LEVEL, patient.level)] if patient.level else []
    codings += [edition.coding(PATHWAY, pathway) for pathway in patient.pathways]
    words = f"{amount(patient.value, patient.unit)}, percentile {patient.percentile * 100:.1f}; {reasons(patient)}"
    flag = {"text": words} | ({"coding": codings} if codings else {})
    return {"flag": flag, "item": {"reference": patient.patient}}


def summary(aggregate: Aggregate, basis: Basis) -> Json:
    """A group each currency, its median as score; by level and pathway, and by organisation if asked."""
    opens = basis.opens[aggregate.window]
    parts = [_part(aggregate, each) for each in aggregate.summaries if each.organization is None]
    return measure_report("top-patients", basis, opens, parts)


def _part(aggregate: Aggregate, whole: Summary) -> Part:
    places = [each for each in aggregate.summaries if each.organization and each.unit == whole.unit]
    strata = {
        "level": {name: Counted({"initial-population": n}) for name, n in whole.levels.items()},
        "pathway": {name: Counted({"initial-population": n}) for name, n in whole.pathways.items()},
        "organization": {str(each.organization): _counted(each) for each in places},
    }
    title = f"Patients by {aggregate.by} within {whole.unit}" if whole.unit != "1" else f"Patients by {aggregate.by}"
    return Part(aggregate.measure, title, _counted(whole), strata)


def _counted(each: Summary) -> Counted:
    return Counted({"initial-population": each.n}, each.quantiles.get("p50"), each.unit)
