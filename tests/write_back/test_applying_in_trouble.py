"""A plan in, applied to a server that refuses, loses, delays, or is killed beside; judged by what stands then."""

import pytest
from derived_files import Derived
from fastapi import Response

from service.errors import ServerProblem

from .answering import FHIR, about, once, refusal, transactions


def test_one_refused_patient_is_set_aside_and_the_others_are_written(world):
    world.patients("a", "b", "c")
    run, _ = world.planned(Derived("a"), Derived("b"), Derived("c"))
    refuses = about("b")
    world.sandbox.before = lambda *request: refusal(422, "no such code") if refuses(*request) else None
    told = world.applied(run)
    assert told["set_aside"] == [{"where": "Patient/b", "why": "422: no such code"}]
    assert told["written"] == {"Device": 1, "Observation": 2, "Provenance": 2, "Patient": 2}
    assert world.extension("b") is None
    assert [state for _, state in world.states(run)].count("failed") == 3


def test_a_lost_answer_makes_no_second_version(world):
    world.patients("a")
    run, _ = world.planned(Derived("a"))

    sent = []

    def before(method, path, content):
        if not transactions(method, path, content) or sent:
            return None
        sent.append(content)
        world.talk(lambda server: server.write("POST", "", content))
        return refusal(500, "the connection to the database was lost")

    world.sandbox.before = before
    told = world.applied(run)
    assert told["written"] == {"Device": 1, "Observation": 1, "Provenance": 1, "Patient": 1}
    assert told["set_aside"] == []
    assert {ref: n for ref, n in world.sandbox.versions().items() if n > 1} == {"Patient/a": 2}
    assert {state for _, state in world.states(run)} == {"done"}


@pytest.mark.parametrize(("status", "headers"), [(503, {"Retry-After": "0"}), (503, {"Retry-After": "18000"})])
def test_a_server_that_is_busy_after_the_work_is_done_is_read(world, status, headers):
    """A proxy gives up waiting while the server behind it commits."""
    world.patients("a")
    before = world.everything()
    run, _ = world.planned(Derived("a"))
    world.sandbox.before = done_but_answered(world, lambda: refusal(status, **headers))
    told = world.applied(run)
    assert told["written"] == {"Device": 1, "Observation": 1, "Provenance": 1, "Patient": 1}
    assert (told["set_aside"], told["unwritten"]) == ([], 0)
    assert {state for _, state in world.states(run)} == {"done"}
    assert world.undone(run)["set_aside"] == []
    assert world.everything() == before


def done_but_answered(world, answer):
    """The first transaction is carried out, and its answer replaced."""
    sent = []

    def before(method, path, content):
        if not transactions(method, path, content) or sent:
            return None
        sent.append(content)
        world.talk(lambda server: server.write("POST", "", content))
        return answer()

    return before


def test_a_write_that_arrives_after_it_was_read_for_is_ours_all_the_same(world, monkeypatch):
    """Time-out; the read finds nothing; the write is committed late; the second try meets it and is refused."""
    monkeypatch.setattr("service.write_back.deliver.PAUSE", 0)
    world.patients("a")
    clean = world.everything()
    run, _ = world.planned(Derived("a"))
    sent = []

    def before(method, path, content):
        if not transactions(method, path, content) or len(sent) > 1:
            return None
        sent.append(content)
        if len(sent) == 1:
            return Response(b"<html>gateway time-out</html>", 200, media_type="text/html")
        world.talk(lambda server: server.write("POST", "", sent[0]))
        return None

    world.sandbox.before = before
    assert world.applied(run)["written"] == {"Device": 1, "Observation": 1, "Provenance": 1, "Patient": 1}
    assert {ref: n for ref, n in world.sandbox.versions().items() if n > 1} == {"Patient/a": 2}
    assert sorted({state for type, state in world.states(run) if type == "Observation"}) == ["done", "failed"]
    assert world.undone(run)["set_aside"] == []
    assert world.everything() == clean


def test_an_answer_that_is_cut_off_is_read_again(world):
    world.patients("a")
    run, _ = world.planned(Derived("a"))
    sent = []

    def before(method, path, content):
        if not transactions(method, path, content) or sent:
            return None
        sent.append(content)
        world.talk(lambda server: server.write("POST", "", content))
        return Response(b'{"resourceType":"Bundle","entry":[{"resp', 200, media_type=FHIR)

    world.sandbox.before = before
    assert world.applied(run)["set_aside"] == []
    assert {ref: n for ref, n in world.sandbox.versions().items() if n > 1} == {"Patient/a": 2}
    assert {state for _, state in world.states(run)} == {"done"}


def test_a_500_before_anything_was_done_is_set_aside(world, monkeypatch):
    monkeypatch.setattr("service.write_back.deliver.PAUSE", 0)
    world.patients("a", "b")
    run, _ = world.planned(Derived("a"), Derived("b"))
    refuses = about("a")
    world.sandbox.before = lambda *request: refusal(500, "out of luck") if refuses(*request) else None
    told = world.applied(run)
    assert told["set_aside"] == [{"where": "Patient/a", "why": "not written in 5 tries: 500: out of luck"}]
    assert told["written"]["Observation"] == 1
    assert "intended" not in {state for _, state in world.states(run)}


def test_a_storm_of_conflicts_ends_after_five_tries(world, monkeypatch):
    monkeypatch.setattr("service.write_back.deliver.PAUSE", 0)
    world.patients("a")
    run, _ = world.planned(Derived("a"))
    world.sandbox.before = lambda *request: refusal(409, "busy here") if transactions(*request) else None
    told = world.applied(run)
    assert told["set_aside"] == [{"where": "Patient/a", "why": "not written in 5 tries: 409: busy here"}]
    assert len([each for each in world.sandbox.requests if each.path == "/fhir"]) == 5
    assert {state for type, state in world.states(run) if type != "Device"} == {"failed"}


def test_a_busy_server_is_waited_for(world):
    world.patients("a")
    run, _ = world.planned(Derived("a"))
    world.sandbox.before = once(transactions, lambda: refusal(503, **{"Retry-After": "0"}))
    assert world.applied(run)["written"]["Observation"] == 1


def test_a_server_that_asks_for_hours_ends_the_run_with_the_rest_counted(world):
    world.patients("a", "b", "c")
    run, _ = world.planned(Derived("a"), Derived("b"), Derived("c"))
    world.sandbox.before = lambda *request: refusal(429, **{"Retry-After": "18000"}) if transactions(*request) else None
    told = world.applied(run)
    assert told["unwritten"] == 3
    assert "come back in 18000 s" in told["stopped"]
    assert "intended" not in {state for _, state in world.states(run)}


def test_twenty_failures_in_a_row_end_it_and_the_rest_is_counted(world):
    ids = [f"p{n}" for n in range(30)]
    world.patients(*ids)
    run, _ = world.planned(*(Derived(each) for each in ids))
    world.sandbox.before = lambda *request: refusal(403) if transactions(*request) else None
    told = world.applied(run)
    assert "20 patients in a row" in told["stopped"]
    assert len(told["set_aside"]) + told["unwritten"] == 30
    assert told["unwritten"] >= 6
    assert set(told["written"]) == {"Device"}


def test_a_server_that_lets_us_write_no_device_gets_nothing_else(world):
    world.patients("a")
    run, _ = world.planned(Derived("a"))
    world.sandbox.before = lambda method, *_: refusal(403, "no devices") if method == "PUT" else None
    with pytest.raises(ServerProblem, match="does not take our Device"):
        world.applied(run)
    assert not world.stored("Observation")


def test_a_kill_between_write_and_record_is_settled_by_the_next_run(world):
    world.patients("a")
    run, _ = world.planned(Derived("a"))
    world.applied(run)
    ids = [write.id for write in world.catalog.writes(run.run, "Patient/a")]
    world.catalog.settle((key, "intended", None) for key in ids)
    _, told = world.written(Derived("a"))
    assert told["written"] == {}
    assert {state for _, state in world.states(run)} == {"done"}
    # Of the Patient nobody can tell any more whether that very version is ours.
    assert [write.version for write in world.catalog.writes(run.run, "Patient/a")] == ["1", "1", None]


def test_an_intent_that_never_reached_the_server_is_settled_as_failed(world):
    from service.catalog import Write

    world.patients("a")
    run, _ = world.planned(Derived("a"))
    world.catalog.intend([Write(run.run, "Patient/a", "Observation/never", "create", None, b'{"id":"never"}')])
    world.applied(run)
    assert world.states(run)[0] == ("Observation", "failed")
