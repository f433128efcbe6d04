"""Charlson and LACE: from codes of diagnoses to points, and when they are unknown."""

from string import ascii_uppercase

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
def everybody(tmp_path_factory):
    """The patients of all cases below, in one lake."""
    claims = [diagnosed(who, *codes) for who, (codes, _) in O15.items()]
    stays = [each for who, (*history, _) in LACE.items() for each in admitted(who, *history)]
    covered = [each for claims, _ in COVERED.values() for each in claims]
    names = [*O15, *LACE, *COVERED, *CONDITIONS, "led", "there", "home"]
    conditions = [each for told, _ in CONDITIONS.values() for each in told]
    resources = [*map(patient, names), *claims, *stays, *covered, *conditions, *LED, *UNENDED]
    return profiled(tmp_path_factory.mktemp("diagnoses"), resources)


@pytest.mark.parametrize("who", O15)
def test_charlson(everybody, who):
    assert everybody.value(who, "charlson-p1y") == O15[who][1]


# The weight of Charlson 1987, that of Schneeweiss 2003, and how many of the codes A00.0 to Z99.9 belong to the disease:
# the first and the last are of another list, charlson_icd10_quan of comorbidipy 0.5.0.
WEIGHTS = {
    "myocardial-infarction": (1, 1, 21),
    "congestive-heart-failure": (1, 2, 32),
    "peripheral-vascular-disease": (1, 1, 31),
    "cerebrovascular-disease": (1, 1, 121),
    "dementia": (1, 3, 52),
    "chronic-pulmonary-disease": (1, 2, 165),
    "rheumatic-disease": (1, 0, 54),
    "peptic-ulcer-disease": (1, 0, 40),
    "mild-liver-disease": (1, 2, 46),
    "diabetes-without-chronic-complication": (1, 1, 25),
    "diabetes-with-chronic-complication": (2, 2, 25),
    "hemiplegia-or-paraplegia": (2, 1, 30),
    "renal-disease": (2, 3, 40),
    "malignancy": (2, 2, 830),
    "moderate-or-severe-liver-disease": (3, 4, 11),
    "metastatic-solid-tumour": (6, 6, 40),
    "aids": (6, 4, 40),
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights_and_codes_are_those_that_others_have(name):
    (weighed,) = [each for each in categories() if each["name"] == name]
    mine = tuple(each["prefix"] for each in prefixes() if each["category"] == name)
    codes = (f"{letter}{number:03}" for letter in ascii_uppercase for number in range(1000))
    found = sum(code.startswith(mine) for code in codes)
    assert (weighed["classic"], weighed["schneeweiss"], found) == WEIGHTS[name]


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


@pytest.mark.parametrize("who", LACE)
def test_lace(everybody, who):
    assert everybody.value(who, "lace-p1y") == LACE[who][-1]


def test_what_lace_looks_back_at_is_evidence(everybody):
    assert "Claim/O9-a-c2025-06-01" in everybody.profile("O9-a")["evidence"]
    assert "Encounter/O9-a-e0" in everybody.profile("O9-a")["evidence"]


LED = [
    encounter("led-e", "EMER", "2026-05-01T08:00:00Z", "2026-05-01T10:00:00Z", who="led"),
    encounter("led-a", "IMP", "2026-05-01T10:00:00Z", "2026-05-02T10:00:00Z", who="led"),
    diagnosed("led", "J06.9"),
]
UNENDED = [
    encounter("there-a", "ACUTE", "2026-06-01T08:00:00Z", who="there", status="in-progress"),
    diagnosed("home", "I50"),
]


def test_the_emergency_visit_that_led_to_the_stay_makes_it_acute_and_is_not_counted_again(everybody):
    assert everybody.value("led", "lace-p1y") == 1 + 3


def test_lace_is_unknown_without_a_stay_and_while_it_goes_on(everybody):
    assert [everybody.unknown(who, "lace-p1y") for who in ("there", "home")] == ["not-ended", "no-stay"]


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


@pytest.mark.parametrize("who", COVERED)
def test_what_is_known_of_diagnoses(everybody, who):
    (row,) = everybody.measures[f"Patient/{who}", "charlson-p1y"]
    share = (row["coverage_numerator"], row["coverage_denominator"])
    assert (row["value"], row["unknown"], share) == COVERED[who][1]


SECRET = {"reference": "Encounter/secret"}
WRONG = {"verificationStatus": {"coding": [{"code": "refuted"}]}}
# who: what refers to conditions and the conditions, then the classic index
CONDITIONS = {
    "read": ([diagnosed("read", diagnosis=led_to("heart")), condition("heart", "read", "I50")], 1),  # treated now
    "hidden": ([diagnosed("hidden", diagnosis=led_to("aids")), condition("aids", "hidden", "B20", meta=RESTRICTED)], 0),
    "refuted": ([condition("wrong", "refuted", "I50", recordedDate="2026-03-01", **WRONG)], 0),
    "of-a-hidden-visit": (
        [
            encounter("secret", "AMB", "2026-03-01T08:00:00Z", who="of-a-hidden-visit", meta=RESTRICTED),
            condition("told", "of-a-hidden-visit", "I50", recordedDate="2026-03-01", encounter=SECRET),
        ],
        0,
    ),
    "new": ([condition("new", "new", "I50", recordedDate="2026-03-01")], 1),
}


@pytest.mark.parametrize("who", CONDITIONS)
def test_a_condition_that_was_read_gives_its_code_to_what_refers_to_it(everybody, who):
    assert everybody.value(who, "charlson-p1y") == CONDITIONS[who][1]


def test_a_condition_is_evidence(everybody):
    assert everybody.profile("new")["evidence"] == ["Condition/new"]


def test_a_source_without_diagnoses_leaves_it_unknown(tmp_path):
    assert profiled(tmp_path, [patient("p")]).unknown("p", "charlson-p1y") == "diagnoses-not-recorded"
