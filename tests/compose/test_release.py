"""The same profiles in STU3, R4, R4B and R5: each is FHIR of that version, and says the same when it is read back."""

import base64
import copy
import datetime as dt
import json
from dataclasses import replace
from decimal import Decimal

import pytest
from derived_files import Derived, count, unknown, write
from fhir.resources import get_fhir_model_class as r5_model
from fhir.resources.R4B import get_fhir_model_class as r4_model
from fhir.resources.STU3 import get_fhir_model_class as stu3_model
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fhir_profiles import examples, read_profile
from fhir_profiles.read import Measure, Rationale, UsualProvider
from service.compose import compose, device, read_edition
from service.compose import composed as one_composed
from service.compose.absent import measure_absent
from service.compose.canonical import MEASURE
from service.compose.content import digest, encode
from service.compose.device import version_of
from service.compose.release import RELEASES, release_of, said_in
from service.compose.rows import read
from service.compose.shapes import as_panel, lowered
from service.reviews import Review, Verdict

NOW = dt.datetime(2026, 7, 1, 2, 30, tzinfo=dt.UTC)
VERSIONS = {"STU3": "3.0.2", "R4": "4.0.1", "R4B": "4.3.0", "R5": "5.0.0"}
MODELS = {"STU3": stu3_model, "R4": r4_model, "R4B": r4_model, "R5": r5_model}
FOLDERS = {"STU3": "stu3", "R5": "r5"}
PATIENT = {"resourceType": "Patient", "id": "x"}


def edition(folder, release, **more):
    return read_edition(
        folder, source_id="s", installation="north", recorded=NOW, fhir_version=VERSIONS[release], **more
    )


def composed(folder, release, *derived):
    write(folder, *derived)
    return list(compose(folder, edition(folder, release)))


def is_fhir(release, resource):
    MODELS[release](resource["resourceType"]).model_validate_json(encode(resource))


MANY = Derived(
    "many",
    level="intensive",
    pathways=["proactive-outreach"],
    evidence=[f"Claim/{n}" for n in range(51)],
    measures=[
        count("billed-charges-p1y", "1210.10", "USD"),
        {**count("usual-clinician-p1y", "0.75"), "numerator": 3, "denominator": 4, "mode": "Practitioner/p"},
        {"code": "last-preventive-visit", "unit": "date", "date": dt.date(2024, 5, 14)},
        unknown("visits-p1y", "not-exposed"),
    ],
)
FEW = Derived("few", evidence=["Encounter/1", "Claim/1"], measures=[count("ed-visits-p1y", 2)])
DEAD = Derived("dead", level=None, level_absent="deceased")


@pytest.mark.parametrize("release", RELEASES)
def test_everything_composed_is_fhir_of_that_release(tmp_path, release):
    its = edition(write_all(tmp_path), release)
    is_fhir(release, device(its))
    for each in compose(tmp_path, its):
        for shape in ("Observation", "Flag", "DocumentReference"):
            shaped = each if shape == "Observation" else lowered(each, shape, its.identity, release)
            assert shaped.panel["resourceType"] == shape
            is_fhir(release, shaped.panel)
            is_fhir(release, shaped.provenance)
        if each.extension:
            is_fhir(release, PATIENT | {"extension": [each.extension]})


def write_all(folder):
    write(folder, DEAD, FEW, MANY)
    return folder


@pytest.mark.parametrize("release", ["STU3", "R5"])
def test_what_we_say_is_what_hl7s_converters_say(release):
    """The examples of STU3 and R5 were made by the converters; ours are made by said_in."""
    theirs = {each["id"]: each for each in examples(FOLDERS[release])}
    ours = [each for each in examples("r4") if each["resourceType"] in ("Device", "Flag", "Observation", "Provenance")]
    assert len(ours) > 10
    for each in ours:
        assert said_in(release, each) == theirs[each["id"]], each["id"]


def test_the_given_resource_is_left_as_it_is():
    (given,) = [each for each in examples("r4") if each["id"] == "example-provenance-reviewed"]
    before = copy.deepcopy(given)
    assert said_in("STU3", given) != before
    assert given == before


def test_a_source_is_known_by_its_version_or_by_its_release():
    assert [release_of(version) for version in VERSIONS.values()] == list(RELEASES)
    assert [release_of(release) for release in RELEASES] == list(RELEASES)


@pytest.mark.parametrize("release", RELEASES)
def test_the_device_tells_its_version_in_every_release(tmp_path, release):
    assert version_of(device(edition(write_all(tmp_path), release, algorithm="1.2.3"))) == "1.2.3"


@pytest.mark.parametrize("release", RELEASES)
def test_a_document_holds_the_panel_of_its_release(tmp_path, release):
    for each in composed(tmp_path, release, DEAD, MANY):
        document = lowered(each, "DocumentReference", edition(tmp_path, release).identity, release).panel
        held = json.loads(base64.b64decode(document["content"][0]["attachment"]["data"]), parse_float=Decimal)
        assert held == json.loads(encode(each.panel), parse_float=Decimal)
        assert as_panel(document)["component"] == json.loads(encode(each.panel), parse_float=Decimal)["component"]


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("kind", ["Flag", "DocumentReference"])
def test_what_moves_every_night_is_no_content_in_any_release(tmp_path, release, kind):
    write(tmp_path / "a", MANY)
    write(tmp_path / "b", MANY, as_of=dt.datetime(2026, 7, 2, tzinfo=dt.UTC))
    digests = set()
    for folder in (tmp_path / "a", tmp_path / "b"):
        its = edition(folder, release)
        digests |= {digest(lowered(each, kind, its.identity, release).panel) for each in compose(folder, its)}
    assert len(digests) == 1


def test_where_no_role_may_act_it_stands_in_words():
    agent = {"type": {"text": "verifier"}, "who": {"reference": "PractitionerRole/7"}}
    told = said_in("STU3", {"resourceType": "Provenance", "agent": [agent]})
    assert told["agent"] == [{"role": [{"text": "verifier"}], "whoReference": {"display": "PractitionerRole/7"}}]


NUMBERS = st.decimals(min_value=0, max_value=10**9, places=6)
WHOLE = st.integers(min_value=0, max_value=10**6)
LEVELS = st.sampled_from(["standard", "enhanced", "intensive"])
PATHWAYS = st.lists(
    st.sampled_from(["claims-concierge", "interpreter", "preferred-scheduling", "proactive-outreach"]), unique=True
)


@st.composite
def measures(draw):
    """One of each kind of row that derive leaves, by its shape."""
    rows = [
        count("ed-visits-p1y", draw(WHOLE)),
        count("billed-charges-p1y", draw(NUMBERS), "USD"),
        count("billed-charges-p1y", draw(NUMBERS), "CAD"),
        {
            "code": "last-preventive-visit",
            "unit": "date",
            "date": draw(st.dates(dt.date(1990, 1, 1), dt.date(2026, 1, 1))),
        },
        unknown("lace-p1y", draw(st.sampled_from(["not-exposed", "too-few", "low-attribution"]))),
        {
            **count("upc-p1y", draw(NUMBERS)),
            "numerator": draw(WHOLE),
            "denominator": draw(WHOLE),
            "coverage_numerator": 3,
            "coverage_denominator": 4,
        },
        {
            **count("usual-clinician-p1y", draw(NUMBERS)),
            "numerator": draw(WHOLE),
            "denominator": draw(WHOLE),
            "mode": "Practitioner/p",
        },
    ]
    return draw(st.lists(st.sampled_from(rows), unique_by=lambda row: (row["code"], row["unit"])))


@st.composite
def patients(draw):
    rationale = {
        "code": "ed-frequent",
        "measure": "ed-visits-p1y",
        "value": draw(NUMBERS),
        "unit": "1",
        "threshold": draw(NUMBERS),
        "threshold_unit": "1",
    }
    seen = {
        "code": "last-preventive-visit",
        "measure": "last-preventive-visit",
        "date": draw(st.none() | st.dates(dt.date(1990, 1, 1), dt.date(2026, 1, 1))),
        "unit": "date",
        "threshold": Decimal(18),
        "threshold_unit": "mo",
    }
    told = {"measures": draw(measures()), "rationale": draw(st.lists(st.sampled_from([rationale, seen]), max_size=2))}
    level = draw(st.none() | LEVELS)
    if level is None:
        return Derived("x", level=None, level_absent=draw(st.sampled_from(["deceased", "too-little-data"])), **told)
    return Derived("x", level=level, pathways=sorted(draw(PATHWAYS)), **told)


@pytest.mark.parametrize("release", RELEASES)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(derived=patients())
def test_what_is_composed_is_read_back_as_it_was_derived(tmp_path, release, derived):
    """read_profile after compose is the identity on what a panel says."""
    write(tmp_path, derived)
    its = edition(tmp_path, release)
    [each] = compose(tmp_path, its)
    [row] = read(tmp_path)
    profile = read_profile(json.loads(encode(each.panel), parse_float=Decimal))
    assert (profile.level, profile.pathways) == (row.level, tuple(row.pathways))
    assert (profile.as_of, profile.valid_until) == (its.as_of, its.valid_until)
    assert (profile.framework_version, profile.status) == (its.framework, "final")
    assert profile.level_absent == absent(row.level, row.level_absent, release)
    assert profile.measures == tuple(expected(measure, its) for measure in row.measures)
    assert profile.rationale == tuple(reason(fired) for fired in row.rationale)
    assert profile.usual_providers == tuple(usual(measure) for measure in row.measures if measure.mode)
    if each.extension:
        borne = read_profile(PATIENT | {"extension": [json.loads(encode(each.extension))]})
        shown = tuple(pathway for pathway in row.pathways if pathway != "claims-concierge")
        assert (borne.level, borne.pathways, borne.profile) == (row.level, shown, profile.profile)


def absent(level, why, release):
    """STU3 has no code for not applicable."""
    if level is not None:
        return None
    return "not-applicable" if why == "deceased" and release != "STU3" else "unknown"


def expected(row, its):
    reason = measure_absent(row.unknown, its.unknown) if row.unknown else None
    covered = row.coverage_denominator and Decimal(row.coverage_numerator) / row.coverage_denominator
    return Measure(
        code=row.code,
        value=row.date if row.date else row.value,
        unit=row.unit if row.value is not None else None,
        unknown=reason["coding"][0]["code"] if reason else None,
        unknown_text=reason["text"] if reason else None,
        numerator=row.numerator,
        denominator=row.denominator,
        coverage=covered or None,
        window="ever" if row.code == "last-preventive-visit" else "p1y",
        definition=f"{MEASURE}#{row.code}",
    )


def reason(fired):
    known = fired.value is not None
    return Rationale(
        code=fired.code,
        measure=fired.measure,
        value=fired.value if known else fired.date,
        unit=fired.unit if known else None,
        threshold=fired.threshold,
        threshold_unit=fired.threshold_unit,
    )


def usual(row):
    return UsualProvider(provider=row.mode, role="clinician", share=row.value, visits=row.denominator)


@pytest.mark.parametrize("release", RELEASES)
def test_a_review_is_fhir_of_every_release(tmp_path, release):
    """Who looked, as what and why has another place in each."""
    write(tmp_path, FEW)
    review = Review("s", "Patient/few", "accept", "PractitionerRole/17", "seen", NOW.isoformat(), "g")
    [row] = read(tmp_path)
    each = one_composed(replace(row, verdict=Verdict("final", review)), edition(tmp_path, release))
    is_fhir(release, each.panel)
    is_fhir(release, each.provenance)
    assert "PractitionerRole/17" in encode(each.provenance).decode()
    assert "accepted: seen" in encode(each.provenance).decode()
