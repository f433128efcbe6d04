"""What must hold of every history, whatever is in it: each over 1,000 invented patients, derived together.

The same histories stand in one lake several times, under other names and told in another way, and are compared there.
"""

import random
from datetime import timedelta
from fractions import Fraction

import duckdb
import pytest

from service.derive.catalogue import BY_CODE
from service.engine import Engine

from .lakes import AS_OF, RUN, SOURCE, derive_in, flatten_in, pulled
from .populations import ACCOMMODATIONS, HISTORIES, demographics, population, seeds

NAMES_A_CLINICIAN = ("usual-clinician-p1y", "attachment-p1y")
COUNTS = [
    code
    for code, family in BY_CODE.items()
    if family.unit in ("1", "d") and family.absent == 0 and family.needs == "Encounter"
]


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """Every way of telling the histories: once plainly, and in each way that must change nothing."""
    tellings = (
        population("plain"),
        relabelled("relabelled"),
        with_errors("errors"),
        dealt("dealt"),
        apart("apart"),
        together("together"),
    )
    return derived(tmp_path_factory, [each for telling in tellings for each in telling])


def derived(folders, resources):
    lake = pulled(folders.mktemp("population"), resources)
    with Engine.open(lake.spill) as engine:
        flatten_in(lake, engine)
        derive_in(lake, engine)
    return lake


def relabelled(name):
    chance = random.Random(seeds()[-1])
    names = dict(zip("abcd", chance.sample(range(1000), 4), strict=True))
    for each in population(name):
        for participant in each.get("participant", []):
            clinician = participant["individual"]["reference"]
            participant["individual"] = {"reference": f"Practitioner/{names[clinician[-1]]}"}
        yield each


def with_errors(name):
    chance = random.Random(seeds()[-1])
    for each in population(name):
        yield each
        if each["resourceType"] != "Patient" and chance.random() < 0.5:
            yield {**each, "id": f"{name}-wrong-{each['id']}", "status": "entered-in-error"}


def dealt(name):
    """Who the patients are, at random."""
    chance = random.Random(seeds()[-1])
    return (each | (demographics(chance) if each["resourceType"] == "Patient" else {}) for each in population(name))


def apart(name):
    return population(name, records=3)


def together(name):
    """The records of `apart`, each said of the one that survives."""
    for each in population(name, records=3):
        for element in ("subject", "patient"):
            if element in each:
                each[element] = {"reference": each[element]["reference"].split("-old")[0]}
        if "link" not in each:
            yield each


def rows(lake, table, telling, run=RUN):
    """What was derived of one telling, by the names of none."""
    path = lake.profiles(SOURCE, run) / f"{table}.parquet"
    unnamed = f"replace(patient, '{telling}-', '') AS patient"
    if table == "profiles":
        unnamed += f", list_transform(evidence, lambda each: replace(each, '{telling}-', '')) AS evidence"
    return f"(SELECT * REPLACE ({unnamed}) FROM '{path}' WHERE starts_with(patient, 'Patient/{telling}-'))"


def differences(one, other, but=()):
    """The rows that only one of the two has."""
    left = f"SELECT * FROM ({one} EXCEPT ALL {other})"
    right = f"SELECT * FROM ({other} EXCEPT ALL {one})"
    where = f"WHERE code NOT IN {but}" if but else ""
    return duckdb.sql(f"{left} {where} UNION ALL {right} {where} LIMIT 20").fetchall()


def count(table):
    return duckdb.sql(f"SELECT count(DISTINCT patient) FROM {table}").fetchall()[0][0]


def test_records_in_error_change_nothing(lake):
    assert_alike(lake, "plain", lake, "errors")


def test_merged_patients_equal_the_union_of_their_records(lake):
    assert_alike(lake, "apart", lake, "together")


def assert_alike(lake, telling, other, retelling):
    for table in ("profiles", "measures"):
        assert count(rows(lake, table, telling)) == HISTORIES
        assert differences(rows(lake, table, telling), rows(other, table, retelling)) == []


def test_relabelling_clinicians_changes_nothing_but_their_names(lake):
    before, after = (rows(lake, "measures", telling) for telling in ("plain", "relabelled"))
    assert differences(rows(lake, "profiles", "plain"), rows(lake, "profiles", "relabelled")) == []
    assert differences(before, after, but=NAMES_A_CLINICIAN) == []
    # Among equals the smallest name is preferred, so another may be; but it is as usual as the first.
    unnamed = [f"(SELECT * EXCLUDE (mode) FROM {each} WHERE code IN {NAMES_A_CLINICIAN})" for each in (before, after)]
    assert differences(*unnamed) == []


def test_demographics_change_nothing_but_accommodations(lake):
    before, after = (rows(lake, "profiles", telling) for telling in ("plain", "dealt"))
    others = f"list_filter(pathways, lambda each: each NOT IN {ACCOMMODATIONS}) AS pathways"
    assert differences(*(f"(SELECT * REPLACE ({others}) FROM {each})" for each in (before, after))) == []
    assert differences(rows(lake, "measures", "plain"), rows(lake, "measures", "dealt")) == []
    assert differences(before, after), "nobody needs an interpreter"


def test_pages_in_any_order_that_overlap_change_nothing(lake, tmp_path_factory):
    resources, chance = list(population("plain")), random.Random(seeds()[-1])
    pages = [resources[n : n + 50] for n in range(0, len(resources), 50)]
    again = chance.sample(pages, len(pages) // 3)
    mixed = chance.sample([*pages, *again], len(pages) + len(again))
    assert_alike(lake, "plain", derived(tmp_path_factory, [each for page in mixed for each in page]), "plain")


def test_continuity_lies_within_the_bounds_that_the_usual_provider_implies(lake):
    measures = rows(lake, "measures", "plain")
    of = "any_value([numerator, denominator]) FILTER (code = '{}')"
    codes = ("upc-p1y", "coc-p1y", "fci-clinician-p1y")
    known = f"SELECT {', '.join(map(of.format, codes))} FROM {measures} WHERE value IS NOT NULL GROUP BY patient"
    found = [row for row in duckdb.sql(known).fetchall() if None not in row]
    assert len(found) > HISTORIES // 10
    for (most, n), coc, fci in found:
        assert index(most * most + (n - most), n) <= Fraction(*coc) <= index(packed(most, n), n)
        assert Fraction(*fci) == 1 - Fraction(*coc)


def index(squares, n):
    return Fraction(squares - n, n * (n - 1))


def packed(most, n):
    """The sum of squares when the others are as few as they can be: full ones, and the rest."""
    return n // most * most * most + (n % most) ** 2


def test_a_later_as_of_raises_no_count(tmp_path_factory):
    """With no open stay, no start between the two, and follow-up complete."""
    finished = population("plain", finished_by=AS_OF - timedelta(days=31), going_on=False)
    lake = pulled(tmp_path_factory.mktemp("later"), list(finished))
    days = random.Random(seeds()[-1]).randrange(1, 300)
    with Engine.open(lake.spill) as engine:
        flatten_in(lake, engine)
        derive_in(lake, engine)
        derive_in(lake, engine, as_of=AS_OF + timedelta(days=days), run="later")
    now, later = rows(lake, "measures", "plain"), rows(lake, "measures", "plain", run="later")
    both = f"SELECT now.patient, code, now, later FROM {now} now JOIN {later} later USING (patient, code)"
    raised = "later.value > now.value AND now.unknown IS NULL AND later.unknown IS NULL"
    assert duckdb.sql(f"{both} WHERE code IN {tuple(COUNTS)} AND {raised}").fetchall() == []
    more = " OR ".join(f"coalesce(later.{part}, 0) > coalesce(now.{part}, 0)" for part in ("numerator", "denominator"))
    assert duckdb.sql(f"{both} WHERE code = 'readmissions-30d-p1y' AND ({more})").fetchall() == []
    assert count(now) == HISTORIES
