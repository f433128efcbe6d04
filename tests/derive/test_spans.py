"""Derived so many at a time, patients have the profiles that they have derived all at once."""

import duckdb
import pytest
from oracle.histories import encounter, link, of_type, patient

from service.derive import spans
from service.engine import Engine

from .lakes import RUN, SOURCE, derive_in, flatten_in, pulled
from .populations import population
from .test_incremental import FILES, differences

SCREENED = of_type("162673000")


@pytest.fixture
def at_a_time(monkeypatch):
    return lambda number: monkeypatch.setattr(spans, "SPAN", number)


def both(folder, resources, number, at_a_time):
    """What profiles.json says of all at once and of `number` at a time, the files held against each other."""
    lake = pulled(folder, resources)
    with Engine.open(lake.spill) as engine:
        flatten_in(lake, engine)
        at_a_time(len(resources))
        whole = derive_in(lake, engine, run="whole", **counted(resources))
        at_a_time(number)
        some = derive_in(lake, engine, **counted(resources))
    for name in FILES:
        one, other = (str(lake.profiles(SOURCE, run) / f"{name}.parquet") for run in ("whole", RUN))
        assert differences(one, other) == []
        order = ("patient", "code", "unit") if name == "measures" else ("patient",)
        keys = duckdb.sql(f"SELECT {', '.join(order)} FROM '{other}'").fetchall()
        assert keys == sorted(keys, key=lambda key: [each or "￿" for each in key])
    return whole, some


def counted(resources):
    return {"count": sum(each["resourceType"] == "Patient" for each in resources)}


def test_whoever_they_are(tmp_path, at_a_time):
    """Merged records of one person lie in several spans."""
    whole, some = both(tmp_path, list(population("p", records=2)), 800, at_a_time)
    assert some == whole


@pytest.mark.parametrize("who", ["a", "c", None])
def test_what_is_asked_of_everybody_is_asked_of_all_spans(tmp_path, at_a_time, who):
    """Where nobody has a preventive visit the source records none; where one has, the others never had one."""
    people = [patient(each) for each in "abcde"]
    visits = [
        encounter(f"v{each}", "AMB", "2026-03-01T08:00:00Z", who=each, **(SCREENED if each == who else {}))
        for each in "abcde"
    ]
    whole, some = both(tmp_path, [*people, *visits], 2, at_a_time)
    assert some == whole
    (measures,) = tmp_path.glob(f"profiles/*/{RUN}/measures.parquet")
    why = duckdb.sql(f"SELECT DISTINCT unknown FROM '{measures}' WHERE code = 'last-preventive-visit' AND date IS NULL")
    assert why.fetchall() == [("never-recorded" if who else "not-recorded-by-source",)]


def test_what_is_odd_is_counted_over_all(tmp_path, at_a_time):
    people = [patient(each) for each in "abc"]
    circles = [
        encounter(
            f"{each}{n}", "IMP", "2026-02-01T08:00:00Z", "2026-02-02T08:00:00Z", who=each, part_of=f"{each}{1 - n}"
        )
        for each in "abc"
        for n in range(2)
    ]
    gone = [patient("old", link=[link("lost", "replaced-by")])]
    whole, some = both(tmp_path, [*people, *circles, *gone], 1, at_a_time)
    assert some == whole
    assert some["notes"]["cyclic-part-of"] == 6
    assert some["set_aside"]
