"""The catalogue: what is published of each measure is complete, and its codes are the agreed ones."""

import json

import pytest

from service.derive.catalogue import BY_CODE, FAMILIES
from service.derive.measure import DIMENSIONS, REASONS

EVERY_WINDOW = (
    "visits",
    "outpatient-visits",
    "other-visits",
    "ed-visits",
    "stays",
    "billed-charges",
    "patient-liability",
)

YEARLY = (
    "inpatient-days", "acute-stays", "readmissions-30d", "ed-frequent", "lace", "charlson", "sites", "clinicians",
    "organizations", "sources", "cancelled-rate", "regularity", "rising-need", "ed-after-hours", "ed-weekend", "upc",
    "coc", "secon", "hhi", "mmci", "fci-clinician", "fci-site", "fci-organization", "usual-clinician", "usual-site",
    "usual-weekday", "usual-day-part", "attachment",
)  # fmt: skip


SPEND = ("allowed-amount", "insurer-paid", "patient-paid", "claims", "claims-refused")


def test_the_codes():
    expected = {f"{family}-{window}" for family in EVERY_WINDOW for window in ("p7d", "p1m", "p1y")}
    expected |= {"contact-days-p1m", "contact-days-p1y", "last-preventive-visit"}
    expected |= {f"{family}-p1y" for family in (*YEARLY, *SPEND)}
    assert set(BY_CODE) == expected


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.code)
def test_each_measure_says_what_it_is_and_where_it_comes_from(family):
    assert family.dimension in DIMENSIONS
    assert family.definition.endswith((".", "N >= 2.")) and family.title and family.source
    assert family.absent == 0 or family.absent in REASONS


def test_every_patient_has_every_measure(derived):
    for patient in derived.profiles:
        assert {code for who, code in derived.measures if who == patient} == set(BY_CODE)


def test_what_is_unknown_has_a_reason_that_is_listed_and_no_value(derived):
    rows = [row for rows in derived.measures.values() for row in rows]
    for row in rows:
        known = any(row[column] is not None for column in ("value", "date", "mode"))
        assert known == (row["unknown"] is None)
        assert row["unknown"] is None or row["unknown"] in REASONS


def test_profiles_json_puts_codes_and_reasons_into_words(derived):
    path = derived.lake.profiles("http://127.0.0.1/fhir", "r1") / "profiles.json"
    about = json.loads(path.read_text())
    assert set(about["measures"]) == set(BY_CODE) and about["unknown"] == REASONS
