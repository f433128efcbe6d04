"""Who was seen most, who was charged most, where that stands among all: as values, as a table, as FHIR."""

import csv
import json
from decimal import Decimal

import pytest
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.list import List

from service.compose.content import encode
from service.errors import LakeProblem, WrongUsage
from service.report import top_fhir, top_patients, top_text

from .runs import Person, engine, lake_of

YEAR = "visits-p1y"
ORDINARY = {f"q{n}": Person({YEAR: n % 4}) for n in range(12)}
PEOPLE = {
    "often": Person(
        {YEAR: 40}, level="intensive", pathways=["preferred-scheduling"], rationale=["ed-frequent", "stays", "stays"]
    ),
    "tied-b": Person({YEAR: 5}),
    "tied-a": Person({YEAR: 5}, level=None),
    "never": Person({YEAR: 0}),
    "unsure": Person({YEAR: "not-exposed"}),
    "dead": Person({YEAR: 90}, deceased=True),
}


@pytest.fixture
def ranked(tmp_path):
    def ask(people=PEOPLE, *words, restricted=False, **more):
        basis = lake_of(tmp_path, people, restricted=restricted)
        with engine(tmp_path) as at:
            return top_patients(basis, at, *words, **more), basis

    return ask


def test_the_living_with_the_most_first_and_equal_ones_in_the_order_of_ids(ranked):
    found, _ = ranked()
    told = [(row.place, row.patient, row.value) for row in found.patients]
    assert told == [(1, "Patient/often", 40), (2, "Patient/tied-a", 5), (2, "Patient/tied-b", 5)]
    assert found.unknown == 1


def test_percentiles_are_among_all_of_whom_it_is_known(ranked):
    found, _ = ranked()
    (group,) = found.groups
    assert group.n == 4
    assert [row.percentile for row in found.patients] == [0.875, 0.5, 0.5]


def test_a_row_tells_level_pathways_and_each_reason_once(ranked):
    found, _ = ranked()
    often, tied, _ = found.patients
    assert (often.level, often.pathways, often.reasons) == (
        "intensive", ["preferred-scheduling"], ["ed-frequent", "stays"],
    )  # fmt: skip
    assert (tied.level, tied.level_absent) == (None, "too-little-data")


def test_the_limit_says_how_many_more_have_as_much(ranked):
    found, _ = ranked(limit=2)
    assert [row.patient for row in found.patients] == ["Patient/often", "Patient/tied-a"]
    assert found.groups[0].equal_beyond == 1
    assert any("1 more have as much" in line for line in top_text.lines(found))


def test_an_outlier_has_its_statistic(ranked):
    found, _ = ranked(ORDINARY | {"often": Person({YEAR: 400})})
    often, other = found.patients[:2]
    assert (often.outlier, often.statistic, other.outlier) == (True, "modified-z-log1p", False)
    assert often.score > 3.5 == found.groups[0].bound and found.groups[0].outliers == 1


def test_where_most_have_the_same_nobody_can_say_who_is_an_outlier(ranked):
    found, _ = ranked({f"p{n}": Person({YEAR: 5}) for n in range(6)} | {"q": Person({YEAR: 50})})
    assert {row.outlier for row in found.patients} == {None}
    assert any("outliers are not known" in line for line in top_text.lines(found))


CHARGES = {
    "both": Person({"billed-charges-p1m": {"USD": "10.50", "EUR": "900"}}),
    "dollars": Person({"billed-charges-p1m": {"USD": "70"}}),
    "none": Person({"billed-charges-p1m": {"XXX": "0"}}),
    "unsure": Person({"billed-charges-p1m": "no-amounts"}),
}


def test_money_is_ranked_within_each_currency_and_who_owes_nothing_owes_it_in_each(ranked):
    found, _ = ranked(CHARGES, "charges", "p1m")
    told = [(group.unit, group.n, [(row.patient, row.percentile) for row in group.patients]) for group in found.groups]
    assert told == [
        ("EUR", 2, [("Patient/both", 0.75)]),
        ("USD", 3, [("Patient/dollars", pytest.approx(5 / 6, abs=1e-6)), ("Patient/both", 0.5)]),
    ]
    assert found.unknown == 1 and found.patients[2].value == Decimal("10.5")


def test_liability(ranked):
    found, _ = ranked({"p": Person({"patient-liability-p7d": {"USD": "12"}})}, "liability", "p7d")
    assert [(row.patient, row.unit) for row in found.patients] == [("Patient/p", "USD")]


def test_a_measure_that_an_older_run_lacks_is_not_taken_for_nothing(ranked):
    with pytest.raises(LakeProblem, match="patient-liability-p1y was not derived"):
        ranked(PEOPLE, "liability")


def test_per_organisation_that_of_most_of_the_years_visits(ranked):
    north, south = "Organization/north", "Organization/south"
    found, _ = ranked(
        {
            "a": Person({YEAR: 3}, at=[north, south, north]),
            "b": Person({YEAR: 9}, at=[north, north, south]),
            "c": Person({YEAR: 2}, at=[north, south]),  # as often: the later one
            "d": Person({YEAR: 1}, at=[None]),
        },
        organizations=True,
    )
    told = {group.organization: [(row.place, row.patient) for row in group.patients] for group in found.groups}
    assert told == {
        None: [(1, "Patient/d")],
        north: [(1, "Patient/b"), (2, "Patient/a")],
        south: [(1, "Patient/c")],
    }


@pytest.mark.parametrize("restricted", [True, None])
def test_a_restricted_pull_says_so_wherever_it_is_read(ranked, restricted):
    found, basis = ranked(restricted=restricted)
    assert found.limited and "restricted pull" in found.notes[0]
    assert any("restricted pull" in line for line in top_text.lines(found))
    assert all(row["restricted-pull"] == "True" for row in csv.DictReader(top_text.csv_lines(found)))
    assert "restricted pull" in top_fhir.lists(found, basis)["note"][0]["text"]


def test_a_full_pull_has_nothing_to_say(ranked):
    found, _ = ranked()
    assert not found.limited and not found.notes


def test_csv_has_a_line_a_patient(ranked):
    rows = list(csv.DictReader(top_text.csv_lines(ranked()[0])))
    assert [(row["place"], row["value"], row["patient"], row["outlier"]) for row in rows][:2] == [
        ("1", "40", "Patient/often", "false"),
        ("2", "5", "Patient/tied-a", "false"),
    ]
    assert rows[0]["reasons"] == "ed-frequent stays"


def test_a_list_is_valid_r4_an_ordered_snapshot_with_level_and_pathways_as_codes(ranked):
    found, basis = ranked()
    document = json.loads(encode(top_fhir.lists(found, basis)))
    List.model_validate(document)
    assert (document["mode"], document["status"], document["orderedBy"]["coding"][0]["code"]) == (
        "snapshot", "current", "system",
    )  # fmt: skip
    assert [entry["item"]["reference"] for entry in document["entry"]] == [row.patient for row in found.patients]
    flag = document["entry"][0]["flag"]
    assert [coding["code"] for coding in flag["coding"]] == ["intensive", "preferred-scheduling"]
    assert flag["text"] == "40, percentile 87.5; level intensive: ed-frequent, stays"


def test_several_currencies_are_a_collection_of_lists_and_nobody_is_an_empty_one(ranked, tmp_path):
    found, basis = ranked(CHARGES, "charges", "p1m")
    bundle = json.loads(encode(top_fhir.lists(found, basis)))
    Bundle.model_validate(bundle)
    assert len({entry["fullUrl"] for entry in bundle["entry"]}) == len(bundle["entry"]) > 1
    first = bundle["entry"][0]["resource"]["entry"][0]["item"]["reference"]
    assert first == f"{basis.base}/{found.groups[0].patients[0].patient}"
    basis = lake_of(tmp_path / "empty", {})
    with engine(tmp_path / "empty") as at:
        nobody = top_patients(basis, at)
    document = json.loads(encode(top_fhir.lists(nobody, basis)))
    List.model_validate(document)
    assert "entry" not in document and document["emptyReason"]["coding"][0]["code"] == "nilknown"
    assert "nobody" in list(top_text.lines(nobody))


def test_its_words_are_neutral(ranked):
    found, basis = ranked(ORDINARY | PEOPLE)
    said = " ".join([*top_text.lines(found), encode(top_fhir.lists(found, basis)).decode()]).lower()
    assert not [word for word in ("abuse", "frequent flyer", "worst", "offender", "high utili", "vip") if word in said]


@pytest.mark.parametrize(("words", "told"), [(("spend", "p1y"), "--by"), (("visits", "p2y"), "--window")])
def test_what_there_is_not(ranked, words, told):
    with pytest.raises(WrongUsage, match="Choose one of") as refused:
        ranked(PEOPLE, *words)
    assert refused.value.where == told
