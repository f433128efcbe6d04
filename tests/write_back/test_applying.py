"""A plan in, the server's own versions out: what is written, and what is left as it was."""

import datetime as dt
import json

import pytest
from derived_files import AS_OF, Derived
from fastapi import Response

from service.catalog import Run
from service.errors import LakeProblem, WriteRefused, WrongUsage
from service.server.client import FhirServer
from service.settings import Source
from service.write_back import apply

from .answering import FHIR, once, refusal, transactions


def test_the_first_night_writes_each_resource_once(world):
    world.patients("a", "b")
    run, told = world.written(Derived("a"), Derived("b", level=None, level_absent="deceased"))
    assert told["written"] == {"Device": 1, "Observation": 2, "Provenance": 2, "Patient": 1}
    assert told["rung"] == {"patient": 1, "observation": 1}
    assert (told["set_aside"], told["unwritten"], told["stopped"]) == ([], 0, None)
    versions = world.sandbox.versions()
    assert {ref: n for ref, n in versions.items() if n > 1} == {"Patient/a": 2}
    assert world.states(run)[0] == ("Device", "done")
    assert {state for _, state in world.states(run)} == {"done"}


def test_the_patient_shows_its_level_and_where_to_read_more(world):
    world.patients("a")
    world.written(Derived("a", level="enhanced", pathways=["financial-navigation", "proactive-outreach"]))
    parts = {part["url"]: part for part in world.extension("a")["extension"]}
    assert parts["level"]["valueCode"] == "enhanced"
    assert parts["profile"]["valueReference"]["reference"] == f"Observation/{world.panel('Patient/a')['id']}"
    assert parts["pathway"]["valueCodeableConcept"]["coding"][0]["code"] == "proactive-outreach"


def test_everything_else_of_the_patient_survives_to_the_letter(world):
    world.patients("a")
    before = world.sandbox.store.read("Patient", "a").body
    world.written(Derived("a"))
    after = world.sandbox.store.read("Patient", "a").body
    assert b'"multipleBirthInteger":2,"x-unknown":{"amount":100.00},"name":[{"family":"Example"}]' in after
    assert list(json.loads(after)) == [*json.loads(before), "extension"]


def test_a_patient_keeps_the_extensions_of_others_in_their_order(world):
    others = [
        {"url": "https://example.org/one", "valueString": "1"},
        {"url": "https://example.org/two", "valueCode": "2"},
    ]
    world.sandbox.store.put({"resourceType": "Patient", "id": "a", "extension": others})
    world.written(Derived("a"))
    assert world.patient("a")["extension"][:2] == others
    world.written(Derived("a", level=None, level_absent="too-little-data"))
    assert world.patient("a")["extension"] == others


def test_a_second_night_writes_nothing(world):
    world.patients("a", "b")
    world.written(Derived("a"), Derived("b"))
    versions = world.sandbox.versions()
    world.sandbox.requests.clear()
    _, told = world.written(Derived("a"), Derived("b"), as_of=AS_OF + dt.timedelta(days=1))
    assert told["written"] == {}
    assert world.sandbox.writes == []
    assert world.sandbox.versions() == versions


def test_the_same_plan_applied_twice_writes_once(world):
    world.patients("a", "b")
    run, _ = world.written(Derived("a"), Derived("b"))
    versions = world.sandbox.versions()
    world.sandbox.requests.clear()
    assert world.applied(run)["written"] == {}
    assert world.sandbox.writes == []
    assert world.sandbox.versions() == versions


def test_a_changed_panel_is_a_new_version_with_a_new_provenance(world):
    world.patients("a")
    world.written(Derived("a"))
    _, told = world.written(Derived("a", level="enhanced"))
    assert told["written"] == {"Observation": 1, "Provenance": 1, "Patient": 1}
    assert len(world.stored("Provenance")) == 2
    assert world.panel("Patient/a")["meta"]["versionId"] == "2"


def test_a_content_that_returns_tells_its_own_day_again(world):
    world.patients("a")
    for level in ("standard", "enhanced", "standard", "enhanced"):
        world.written(Derived("a", level=level))
    recorded = [json.loads(each)["recorded"] for each in world.stored("Provenance").values()]
    # The first was final, what came after amends it: three contents, of which the last came twice.
    assert sorted(recorded) == [f"2026-07-01T{hour}:00:00+00:00" for hour in ("00", "02", "03")]
    assert world.panel("Patient/a")["meta"]["versionId"] == "4"


def test_renewing_writes_no_second_provenance(world):
    world.patients("a")
    world.written(Derived("a"))
    _, told = world.written(Derived("a"), as_of=AS_OF + dt.timedelta(days=80))
    assert told["written"] == {"Observation": 1, "Patient": 1}
    assert world.panel("Patient/a")["issued"].startswith("2026-09-19")


def test_without_a_level_the_extension_is_taken_off(world):
    world.patients("a")
    bare = world.everything()["Patient/a"]
    world.written(Derived("a"))
    _, told = world.written(Derived("a", level=None, level_absent="deceased"))
    assert told["written"]["Patient"] == 1
    assert world.everything()["Patient/a"] == bare


def test_an_edit_of_the_patient_between_plan_and_write_survives(world):
    world.patients("a")

    def edit():
        world.sandbox.store.put(b'{"resourceType":"Patient","id":"a","gender":"female","x-unknown":{"amount":7.10}}')

    run, _ = world.planned(Derived("a"))
    world.sandbox.before = once(transactions, edit)
    told = world.applied(run)
    assert told["written"]["Patient"] == 1
    assert b'"gender":"female","x-unknown":{"amount":7.10}' in world.sandbox.store.read("Patient", "a").body
    assert world.extension("a")
    assert [state for type, state in world.states(run) if type == "Patient"] == ["failed", "done"]


def test_a_panel_that_another_run_changed_since_the_plan_is_read_and_replaced(world):
    world.patients("a")
    world.written(Derived("a"), rung="observation")
    run, _ = world.planned(Derived("a", level="enhanced"), rung="observation")
    world.written(Derived("a", level="intensive"), rung="observation")
    told = world.applied(run)
    assert told["written"] == {"Observation": 1, "Provenance": 1}
    [(reference, _)] = world.stored("Observation").items()
    assert world.sandbox.versions()[reference] == 3
    [kept] = [write for write in world.catalog.writes(run.run, "Patient/a") if write.resource == reference]
    assert b'"intensive"' in kept.before


def test_two_workers_write_one_profile(world):
    world.patients("a")
    first, _ = world.planned(Derived("a"))
    second, _ = world.planned(Derived("a"))
    world.applied(first)
    versions = world.sandbox.versions()
    told = world.applied(second)
    assert told["written"] == {}
    assert told["set_aside"] == []
    assert world.sandbox.versions() == versions


def test_an_older_plan_does_not_replace_a_newer_profile(world):
    world.patients("a")
    older, _ = world.planned(Derived("a"), rung="observation")
    world.written(Derived("a", level="enhanced"), rung="observation", as_of=AS_OF + dt.timedelta(days=1))
    told = world.applied(older)
    assert "a newer profile, as of 2026-07-02T00:00:00+00:00, stands" in told["set_aside"][0]["why"]
    assert world.panel("Patient/a")["valueCodeableConcept"]["coding"][0]["code"] == "enhanced"


def test_nothing_to_write_writes_no_device_either(world):
    assert world.written()[1]["written"] == {}
    assert world.sandbox.writes == []


def test_a_plan_for_patients_is_refused_once_the_owner_lowered_the_rung(world):
    world.patients("a")
    run, _ = world.planned(Derived("a"), rung="patient", installation="north")
    world.sandbox.requests.clear()

    async def lowered(server):
        server.loopback = False
        server.source = server.source.model_copy(update={"configured": True, "write": "observation"})
        return await apply(run, server, world.catalog, world.lake)

    with pytest.raises(WriteRefused, match=r"goes as far as patient.*allows observation by now.*Plan again"):
        world.talk(lowered)
    assert world.sandbox.requests == []


def statement_without_transactions(method, path, body):
    if path != "/fhir/metadata":
        return None
    statement = {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "rest": [{"mode": "server"}]}
    return Response(json.dumps(statement).encode(), 200, media_type=FHIR)


def test_without_transactions_each_resource_is_put_in_order(world):
    world.patients("a")
    run, _ = world.planned(Derived("a"))
    world.sandbox.before = statement_without_transactions
    told = world.applied(run)
    assert told["written"] == {"Device": 1, "Observation": 1, "Provenance": 1, "Patient": 1}
    done = [each for each in world.sandbox.writes if each.status < 300]
    assert [each.path.split("/")[2] for each in done] == ["Device", "Observation", "Provenance", "Patient"]
    assert world.applied(run)["written"] == {}


def test_without_transactions_a_half_written_patient_is_finished_by_the_same_plan(world):
    world.patients("a")
    run, _ = world.planned(Derived("a"))

    def before(method, path, body):
        if method == "PUT" and path.startswith("/fhir/Provenance/"):
            return refusal(422, "not now")
        return statement_without_transactions(method, path, body)

    world.sandbox.before = before
    assert world.applied(run)["set_aside"] == [{"where": "Patient/a", "why": "422: not now"}]
    world.sandbox.before = statement_without_transactions
    assert world.applied(run)["written"] == {"Provenance": 1, "Patient": 1}
    assert world.panel("Patient/a")["meta"]["versionId"] == "1"


def test_an_address_that_is_neither_ours_nor_configured_is_not_written_to(world):
    world.patients("a")
    run, _ = world.planned(Derived("a"))
    world.sandbox.requests.clear()

    async def as_a_stranger(server):
        server.loopback = False
        return await apply(run, server, world.catalog, world.lake)

    with pytest.raises(WriteRefused):
        world.talk(as_a_stranger)
    assert world.sandbox.requests == []


def test_a_plan_for_another_server_is_not_applied(world):
    import asyncio

    world.patients("a")
    run, _ = world.planned(Derived("a"))

    async def elsewhere():
        async with FhirServer(Source(url="http://127.0.0.1:9/fhir")) as server:
            await apply(run, server, world.catalog, world.lake)

    with pytest.raises(WrongUsage, match=r"leads to http://127.0.0.1:9/fhir by now"):
        asyncio.run(elsewhere())


def test_nothing_planned_yet(world):
    run = world.catalog.begin(Run.starting(world.source.id, world.source.url, "local", AS_OF))
    with pytest.raises(LakeProblem, match="personalize plan"):
        world.applied(run)


def test_the_rung_none_writes_nothing(world):
    world.patients("a")
    _, told = world.written(Derived("a"), rung="none")
    assert told["written"] == {}
    assert world.sandbox.writes == []


def test_labels_only_on_what_is_ours(world):
    world.patients("a")
    world.written(Derived("a"))
    assert "tag" not in world.patient("a")["meta"]
    assert "security" not in world.patient("a")["meta"]
    assert world.panel("Patient/a")["meta"]["tag"][0]["code"] == "local"
