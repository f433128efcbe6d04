"""Charlson and LACE: from codes of diagnoses to points, and when they are unknown."""

import pytest
from oracle.histories import RESTRICTED, claim, encounter, patient

from service.derive.comorbidity import categories, prefixes

from .lakes import profiled

ICD_10 = "http://hl7.org/fhir/sid/icd-10-cm"
SNOMED = "http://snomed.info/sct"


def diagnosed(who, *codes, system=ICD_10, day="2026-03-01", key="c", **more):
    """A claim with these diagnoses."""
    concepts = [{"coding": [{"system": system, "code": code}]} for code in codes]
    listed = [{"sequence": n, "diagnosisCodeableConcept": concept} for n, concept in enumerate(concepts, 1)]
    return claim(
        f"{who}-{key}{day}", day, "1", patient={"reference": f"Patient/{who}"}, **({"diagnosis": listed} | more)
    )


def led_to(*conditions):
    return [
        {"sequence": n, "diagnosisReference": {"reference": f"Condition/{each}"}}
        for n, each in enumerate(conditions, 1)
    ]


def condition(key, who, code, **more):
    coded = {"coding": [{"system": ICD_10, "code": code}]}
    about = {"subject": {"reference": f"Patient/{who}"}, "recordedDate": "2020-01-01"}
    return {"resourceType": "Condition", "id": key, "code": coded, **about, **more}


# who: codes of the year, then the classic index
O15 = {
    "O15-a": (("I21.0", "E11.2", "C78.7"), 9),
    "O15-b": (("I50", "J44"), 2),
    "O15-c": (("B20", "K70.4"), 9),
    "none-of-the-index": (("J06.9",), 0),
    "once-each": (("I21.0", "I21.9", "I25.2"), 1),
    "without-a-dot": (("I210", "i50.9"), 2),
    "the-graver-degree-alone": (("E11.9", "E11.2", "C50.1", "C78.7", "K70.0", "K72.9"), 2 + 6 + 3),
    "ends-of-ranges": (("C97", "I69.8", "N05.7", "G83.4"), 2 + 1 + 2 + 2),
    "beside-the-ranges": (("C98", "C44.1", "N05.8", "G83.5", "B23"), 0),
}


@pytest.fixture(scope="module")
def weighed(tmp_path_factory):
    claims = [diagnosed(who, *codes) for who, (codes, _) in O15.items()]
    return profiled(tmp_path_factory.mktemp("charlson"), [*map(patient, O15), *claims])


@pytest.mark.parametrize("who", O15)
def test_charlson(weighed, who):
    assert weighed.value(who, "charlson-p1y") == O15[who][1]


def test_the_weights_of_lace():
    """O15 by Schneeweiss: 9, 4, 8."""
    weights = {each["name"]: each["schneeweiss"] for each in categories()}
    named = {each["prefix"]: each["category"] for each in prefixes()}
    sums = [
        sum(weights[named[code]] for code in codes)
        for codes in (("I21", "E112", "C78"), ("I50", "J44"), ("B20", "K704"))
    ]
    assert sums == [9, 4, 8]


def test_no_code_belongs_to_two_categories():
    listed = [each["prefix"] for each in prefixes()]
    assert len(set(listed)) == len(listed)
    assert not [(a, b) for a in listed for b in listed if a != b and a.startswith(b)]


# who: days in hospital, class, comorbidity by Schneeweiss as codes, emergency visits before, then the index
LACE = {
    "O9-a": (5, "ACUTE", ("I50", "F03"), 2, 14),
    "O9-b": (2, "IMP", (), 0, 2),
    "O10-a": (14, "ACUTE", ("K70.4",), 4, 19),
    "O10-b": (7, "ACUTE", ("F03",), 1, 12),
    "O10-c": (13, "ACUTE", (), 4, 12),
    "O10-d": (0, "IMP", (), 0, 0),
    "more-than-four": (1, "IMP", (), 6, 5),
}


def admitted(who, days, kind, codes, emergencies):
    start, end = "2026-05-01T08:00:00Z", f"2026-05-{1 + days:02}T20:00:00Z"
    yield encounter(f"{who}-in", kind, start, end, who=who)
    yield diagnosed(who, *codes, "J06.9", day="2025-06-01")  # before the year, within the year before the end
    for n in range(emergencies):
        yield encounter(f"{who}-e{n}", "EMER", f"2026-0{n % 3 + 1}-1{n}T08:00:00Z", who=who)
    # Neither counts: more than 6 months before, and what led to the stay.
    yield encounter(f"{who}-old", "EMER", "2025-10-31T07:59:00Z", who=who)
    yield encounter(f"{who}-after", "EMER", "2026-06-20T08:00:00Z", who=who)


@pytest.fixture(scope="module")
def admissions(tmp_path_factory):
    resources = [each for who, (*history, _) in LACE.items() for each in (patient(who), *admitted(who, *history))]
    return profiled(tmp_path_factory.mktemp("lace"), resources)


@pytest.mark.parametrize("who", LACE)
def test_lace(admissions, who):
    assert admissions.value(who, "lace-p1y") == LACE[who][-1]


def test_what_lace_looks_back_at_is_evidence(admissions):
    assert "Claim/O9-a-c2025-06-01" in admissions.profile("O9-a")["evidence"]
    assert "Encounter/O9-a-e0" in admissions.profile("O9-a")["evidence"]


def test_the_emergency_visit_that_led_to_the_stay_makes_it_acute_and_is_not_counted_again(tmp_path):
    resources = [
        patient("p"),
        encounter("e", "EMER", "2026-05-01T08:00:00Z", "2026-05-01T10:00:00Z"),
        encounter("a", "IMP", "2026-05-01T10:00:00Z", "2026-05-02T10:00:00Z"),
        diagnosed("p", "J06.9"),
    ]
    assert profiled(tmp_path, resources).value("p", "lace-p1y") == 1 + 3


def test_lace_is_unknown_without_a_stay_and_while_it_goes_on(tmp_path):
    going_on = encounter("a", "ACUTE", "2026-06-01T08:00:00Z", who="there", status="in-progress")
    derived = profiled(tmp_path, [patient("there"), patient("home"), going_on, diagnosed("home", "I50")])
    assert (derived.unknown("there", "lace-p1y"), derived.unknown("home", "lace-p1y")) == ("not-ended", "no-stay")


# who: claims, then value and why it is unknown, and mapped diagnoses of all
COVERED = {
    "none-recorded": ([], (0, None, (0, 0))),
    "unread": ([diagnosed("unread", diagnosis=led_to("gone"))], (None, "diagnoses-not-read", (0, 1))),
    "other-system": ([diagnosed("other-system", "22298006", system=SNOMED)], (None, "diagnoses-not-mapped", (0, 1))),
    "seven-of-ten": (
        [
            diagnosed("seven-of-ten", "I50", *(f"A0{n}" for n in range(6))),
            diagnosed("seven-of-ten", "1", "2", "3", system=SNOMED, key="s"),
        ],
        (1, None, (7, 10)),
    ),
    "six-of-nine": (
        [
            diagnosed("six-of-nine", "I50", *(f"A0{n}" for n in range(5))),
            diagnosed("six-of-nine", "1", "2", "3", system=SNOMED, key="s"),
        ],
        (None, "diagnoses-not-mapped", (6, 9)),
    ),
    "before": ([diagnosed("before", "I50", day="2025-06-30")], (0, None, (0, 0))),
    "in-error": ([diagnosed("in-error", "I50", status="entered-in-error")], (0, None, (0, 0))),
    "sensitive": ([diagnosed("sensitive", "B20", meta=RESTRICTED)], (0, None, (0, 0))),
    "both-systems": (
        [
            diagnosed(
                "both-systems",
                diagnosis=[
                    {
                        "sequence": 1,
                        "diagnosisCodeableConcept": {
                            "coding": [{"system": SNOMED, "code": "1"}, {"system": ICD_10, "code": "I50"}]
                        },
                    }
                ],
            )
        ],
        (1, None, (1, 1)),
    ),
}


@pytest.fixture(scope="module")
def covered(tmp_path_factory):
    resources = [each for who, (claims, _) in COVERED.items() for each in (patient(who), *claims)]
    return profiled(tmp_path_factory.mktemp("covered"), resources)


@pytest.mark.parametrize("who", COVERED)
def test_what_is_known_of_diagnoses(covered, who):
    (row,) = covered.measures[f"Patient/{who}", "charlson-p1y"]
    share = (row["coverage_numerator"], row["coverage_denominator"])
    assert (row["value"], row["unknown"], share) == COVERED[who][1]


def test_a_condition_that_was_read_gives_its_code_to_what_refers_to_it(tmp_path):
    resources = [
        patient("p"),
        diagnosed("p", diagnosis=led_to("heart")),
        condition("heart", "p", "I50"),  # recorded years ago: the claim says that it is treated now
        patient("q"),
        diagnosed("q", diagnosis=led_to("hidden")),
        condition("hidden", "q", "B20", meta=RESTRICTED),
        patient("r"),
        condition("wrong", "r", "I50", recordedDate="2026-03-01", verificationStatus={"coding": [{"code": "refuted"}]}),
        patient("s"),
        encounter("secret", "AMB", "2026-03-01T08:00:00Z", who="s", meta=RESTRICTED),
        condition("told", "s", "I50", recordedDate="2026-03-01", encounter={"reference": "Encounter/secret"}),
        patient("t"),
        condition("new", "t", "I50", recordedDate="2026-03-01"),
    ]
    derived = profiled(tmp_path, resources)
    assert [derived.value(who, "charlson-p1y") for who in "pqrst"] == [1, 0, 0, 0, 1]
    assert derived.profile("t")["evidence"] == ["Condition/new"]


def test_a_source_without_diagnoses_leaves_it_unknown(tmp_path):
    assert profiled(tmp_path, [patient("p")]).unknown("p", "charlson-p1y") == "diagnoses-not-recorded"
