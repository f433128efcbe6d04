"""Derived profiles and what stands on the server in, the plan out: what would be written, and why."""

import datetime as dt

import pytest
from derived_files import AS_OF, Derived, count
from fastapi import Response

from service.errors import ServerProblem

DAY = dt.timedelta(days=1)


def reasons(world, run):
    return {line["patient"]: line.get("reasons", []) for line in world.lines(run)[1]}


def test_planning_writes_nothing(world):
    world.patients("a")
    _, told = world.planned(Derived("a"))
    assert told["counts"] == {"create": 1, "update": 0, "unchanged": 0, "remove": 0}
    assert told["patients"] == 1
    assert world.sandbox.writes == []


def test_the_header_says_what_the_plan_is_for(world):
    world.patients("a", "b")
    run, _ = world.planned(Derived("a"), Derived("b"))
    header, lines = world.lines(run)
    assert (header["run"], header["base"], header["installation"]) == (run.run, world.sandbox.url, "local")
    assert (header["as_of"], header["rung"], header["patients"]) == ("2026-07-01T00:00:00+00:00", "patient", 2)
    assert header["counts"]["create"] == len(lines) == 2


def test_a_new_patient_is_told_as_new(world):
    world.patients("a")
    run, told = world.planned(Derived("a"))
    assert reasons(world, run) == {"Patient/a": ["new, standard", "Patient: new"]}
    assert told["listed"] == ["Patient/a create: new, standard; Patient: new"]


def test_what_changed_is_told_in_words(world):
    world.patients("a")
    world.written(Derived("a", measures=[count("ed-visits-p1y", 1), count("billed-charges-p1y", "1.50", "USD")]))
    run, told = world.planned(
        Derived(
            "a",
            level="enhanced",
            pathways=["proactive-outreach"],
            measures=[count("ed-visits-p1y", 2), count("billed-charges-p1y", "2.50", "USD")],
        )
    )
    assert told["counts"]["update"] == told["patients"] == 1
    assert reasons(world, run)["Patient/a"] == [
        "level standard -> enhanced",
        "pathway proactive-outreach added",
        "billed-charges-p1y USD 1.5 -> 2.5",
        "ed-visits-p1y 1 -> 2",
        "Patient: level standard -> enhanced",
        "Patient: pathway proactive-outreach added",
    ]


def test_another_policy_is_told(world):
    world.patients("a")
    world.written(Derived("a"), rung="observation")
    run, _ = world.planned(Derived("a"), rung="observation", policy="2")
    assert reasons(world, run)["Patient/a"] == ["framework 0.1.0 / 1+01234567 -> 0.1.0 / 2+01234567"]


def test_the_next_night_nothing_has_changed(world):
    world.patients("a", "b")
    world.written(Derived("a"), Derived("b", level=None, level_absent="deceased"))
    _, told = world.planned(Derived("a"), Derived("b", level=None, level_absent="deceased"), as_of=AS_OF + DAY)
    assert told["counts"] == {"create": 0, "update": 0, "unchanged": 2, "remove": 0}
    assert (told["patients"], told["listed"]) == (0, [])


def test_unchanged_content_is_renewed_before_it_lapses(world):
    world.patients("a")
    world.written(Derived("a"))
    _, early = world.planned(Derived("a"), as_of=AS_OF + 59 * DAY)
    assert early["counts"]["unchanged"] == 1
    run, due = world.planned(Derived("a"), as_of=AS_OF + 60 * DAY)
    assert due["counts"]["update"] == due["patients"] == 1
    assert reasons(world, run)["Patient/a"] == [
        "validity lapses on 2026-09-29",
        "Patient: validity lapses on 2026-09-29",
    ]


def test_the_rung_none_asks_the_server_nothing(world):
    world.patients("a")
    world.written(Derived("a"))
    world.sandbox.requests.clear()
    _, told = world.planned(Derived("a", level="enhanced"), rung="none")
    assert world.sandbox.requests == []
    assert set(told["counts"].values()) == {0}
    assert "nothing was compared" in told["notes"][0]


def test_a_server_without_observations_is_told_with_the_remedy(world):
    world.patients("a")
    world.sandbox.before = lambda _method, path, _body: Response(status_code=404) if "/Observation" in path else None
    with pytest.raises(ServerProblem, match=r"can take no panel.*--write none"):
        world.planned(Derived("a"), rung="observation")


def test_a_limited_pull_asks_for_the_panels_of_those_patients_alone(world):
    ids = [f"p{n:02}" for n in range(30)]
    world.patients(*ids, "other")
    everybody = [Derived(each) for each in (*ids, "other")]
    world.written(*everybody, rung="observation")
    world.talk(lambda server: server.write("DELETE", "Patient/other"))
    world.sandbox.requests.clear()
    _, told = world.planned(*everybody[:-1], rung="observation", limited=True)
    assert told["counts"]["unchanged"] == 30
    asked = [each for each in world.sandbox.requests if "/Observation" in each.path]
    assert [(each.method, each.path) for each in asked] == [("POST", "/fhir/Observation/_search")] * 2


def test_lowering_the_rung_tells_of_the_patients_left_behind(world):
    world.patients("a", "b", "c")
    world.written(Derived("a"), Derived("b"), Derived("c"))
    stood = world.stored("Patient")
    run, told = world.planned(Derived("a", level="enhanced"), Derived("b"), Derived("c"), rung="observation")
    assert told["notes"] == ["1 Patients bear an older profile; --write patient or undo changes that"]
    world.applied(run)
    assert world.stored("Patient") == stood


def test_an_older_day_does_not_replace_a_newer_profile(world):
    world.patients("a")
    world.written(Derived("a", level="enhanced"), as_of=AS_OF + DAY)
    run, told = world.planned(Derived("a"))
    assert (told["counts"]["update"], told["patients"], told["held"]) == (0, 0, 1)
    assert told["listed"] == ["Patient/a held: Observation: a newer profile, as of 2026-07-02T00:00:00+00:00, stands"]
    world.applied(run)
    assert world.panel("Patient/a")["issued"].startswith("2026-07-02")


def test_an_interrupted_run_is_named_by_the_next(world):
    world.patients("a", "b")
    run, _ = world.planned(Derived("a"), Derived("b"))

    with pytest.raises(KeyboardInterrupt):
        world.applied(run, progress=_interrupt)
    _, told = world.planned(Derived("a"), Derived("b"))
    [note] = told["notes"]
    assert note.startswith(f"run {run.run} was interrupted after ")
    assert f"personalize undo {run.run}" in note
    world.undone(run)
    assert world.planned(Derived("a"), Derived("b"))[1]["notes"] == []


def _interrupt(_what, _count):
    raise KeyboardInterrupt


def test_a_limited_pull_proves_nobody_gone(world):
    world.patients("a", "b")
    world.written(Derived("a"), Derived("b"))
    _, told = world.planned(Derived("a"), limited=True)
    assert told["counts"] == {"create": 0, "update": 0, "unchanged": 1, "remove": 0}


def test_the_plan_holds_nothing_of_the_patient_but_our_extension(world):
    world.patients("a")
    run, _ = world.planned(Derived("a"))
    text = world.lake.plan(run.source, run.run).read_text()
    assert "Example" not in text
    assert "x-unknown" not in text


def test_another_installation_keeps_its_extension_and_its_panels(world):
    world.patients("a")
    world.written(Derived("a"), installation="north")
    run, told = world.planned(Derived("a", level="enhanced"), installation="south")
    assert told["counts"] == {"create": 1, "update": 0, "unchanged": 0, "remove": 0}
    assert (told["patients"], told["held"]) == (0, 1)
    assert "another installation" in told["listed"][0]
    world.applied(run)
    assert len(world.stored("Observation")) == 2
    assert world.extension("a")["extension"][4]["valueCode"] == "standard"


def test_without_the_patient_rung_patients_are_not_touched(world):
    world.patients("a")
    stood = world.stored("Patient")
    run, told = world.planned(Derived("a"), rung="observation")
    assert told["patients"] == 0
    assert world.applied(run)["rung"] == {"observation": 1}
    assert world.stored("Patient") == stood
