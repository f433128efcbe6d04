"""Who was seen most, who was charged most."""

from decimal import Decimal

import pytest
from derive.lakes import RUN, SOURCE, planted, profiled

from service.engine import Engine
from service.errors import WrongUsage
from service.report import top_patients


@pytest.fixture(scope="module")
def top(tmp_path_factory):
    lake = profiled(tmp_path_factory.mktemp("top"), planted()).lake

    def ask(*words, **more):
        with Engine.open(lake.spill) as engine:
            return top_patients(lake.profiles(SOURCE, RUN), engine, *words, **more)

    return ask


def test_by_visits_with_ties_in_the_order_of_ids_and_without_the_deceased(top):
    found = [(row.patient.removeprefix("Patient/"), int(row.value)) for row in top(limit=7)]
    assert found == [
        ("p07-survivor", 5), ("p12-edges", 5), ("p02-preventive", 4), ("p03-emergency", 4),
        ("p11-gaps", 4), ("p13-fragmented", 4), ("p04-admitted", 2),
    ]  # fmt: skip


def test_a_row_tells_level_pathways_and_reasons(top):
    row = next(row for row in top() if row.patient == "Patient/p03-emergency")
    assert (row.level, row.unit) == ("intensive", "1")
    assert row.pathways == ["preferred-scheduling", "proactive-outreach"]
    assert row.reasons == ["ed-frequent", "ed-visits", "last-preventive-visit"]


def test_by_visits_of_the_week(top):
    assert [row.patient for row in top(window="p7d")] == ["Patient/p03-emergency", "Patient/p12-edges"]


def test_charges_are_ranked_within_each_currency(top):
    found = [(row.patient, row.value, row.unit) for row in top("charges", limit=1)]
    assert found == [
        ("Patient/p10-money", Decimal(50), "EUR"),
        ("Patient/p10-money", Decimal("323.6"), "USD"),
    ]


@pytest.mark.parametrize(("words", "told"), [(("spend", "p1y"), "--by"), (("visits", "p2y"), "--window")])
def test_what_there_is_not(top, words, told):
    with pytest.raises(WrongUsage, match="Choose one of") as refused:
        top(*words)
    assert refused.value.where == told
