"""A server tells that something changed: it is on record before it is answered, and who proves nothing is not heard."""

import json

import pytest
import sqlalchemy as sa

from service.jobs import schedule
from service.subscriptions.forms import BACKPORT
from service.subscriptions.kept import Kept, Subscription, digest_of
from service.tables import jobs, subscriptions

SECRET = "a-secret-of-this-subscription-alone"
PROOF = {"authorization": f"Bearer {SECRET}", "content-type": "application/fhir+json"}
JOBS = "[jobs]\nin_serve = false\n"


@pytest.fixture
def house(served):
    """A server that listens, with a Subscription of ours on its source."""
    http = served('auth = "off"', tables=JOBS)
    keep(http, "one")
    return http


def keep(http, id, digest=SECRET, source=None):
    wiring = http.wiring
    Kept(http.served.queue.engine).keep(
        Subscription(
            id, source or wiring.source.id, wiring.source.url, "r5", "t", "Subscription/1", digest_of(digest),
            "requested", 4e9,
        )
    )  # fmt: skip


def call(http, body=None, path="/notify/one", headers=PROOF, method="POST"):
    content = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
    return http.request(method, f"{http.root}{path}", content=content, headers=headers).status_code


def asked(http):
    with http.served.queue.engine.connect() as look:
        return {(row.kind, row.patient): row.asked for row in look.execute(sa.select(jobs))}


def kept(http, id="one"):
    return Kept(http.served.queue.engine).one(id)


def visit(patient, id="e1"):
    return {"resourceType": "Encounter", "id": id, "subject": {"reference": patient}}


def r5(kind="event-notification", total=None, numbers=(), status="active", resources=()):
    events = [{"eventNumber": str(n), "focus": {"reference": f"Encounter/e{n}"}} for n in numbers]
    told = {"resourceType": "SubscriptionStatus", "type": kind, "status": status, "notificationEvent": events}
    if total is not None:
        told["eventsSinceSubscriptionStart"] = str(total)
    entries = [{"resource": told}, *[{"resource": each} for each in resources]]
    return {"resourceType": "Bundle", "type": "subscription-notification", "entry": entries}


def r4(kind="event-notification", total=None, numbers=(), resources=()):
    parameters = [
        {"name": "subscription", "valueReference": {"reference": "Subscription/1"}},
        {"name": "status", "valueCode": "active"},
        {"name": "type", "valueCode": kind},
    ]
    if total is not None:
        parameters.append({"name": "events-since-subscription-start", "valueString": str(total)})
    parameters += [
        {"name": "notification-event", "part": [{"name": "event-number", "valueString": str(n)}]} for n in numbers
    ]
    status = {"resourceType": "Parameters", "meta": {"profile": [f"{BACKPORT}/x"]}, "parameter": parameters}
    entries = [{"resource": status}, *[{"resource": each} for each in resources]]
    return {"resourceType": "Bundle", "type": "history", "entry": entries}


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/notify/one", {}),
        ("/notify/one", {"authorization": "Bearer wrong"}),
        ("/notify/other", PROOF),
        ("/notify/of-another-source", PROOF),
        ("/notify/one/Encounter/e1", {}),
    ],
)
def test_who_does_not_prove_itself_is_not_heard(house, path, headers):
    keep(house, "of-another-source", source="elsewhere")
    assert call(house, path=path, headers=headers) == 401
    assert asked(house) == {}


def test_one_that_guesses_is_asked_to_wait(served):
    http = served('auth = "off"\nrequests_per_minute = 8', tables=JOBS)
    keep(http, "one")
    codes = [call(http, headers={"authorization": f"Bearer {n}"}) for n in range(4)]
    assert codes[0] == 401
    assert codes[-1] == 429


def test_a_call_without_a_body_asks_what_changed_once_however_many_come(house):
    assert [call(house) for _ in range(5)] == [200] * 5
    assert asked(house) == {("changes", ""): 5}
    assert kept(house).called is not None


def test_a_resource_that_is_sent_names_its_patient(house):
    assert call(house, visit("Patient/p1"), "/notify/one/Encounter/e1", method="PUT") == 200
    own = house.wiring.source.url
    assert call(house, visit(f"{own}/Patient/p2"), "/notify/one/Encounter/e2", method="PUT") == 200
    assert asked(house) == {("patient", "Patient/p1"): 1, ("patient", "Patient/p2"): 1}


@pytest.mark.parametrize("reference", ["https://elsewhere.example/fhir/Patient/p1", "Group/1", "Patient/a/b", ""])
def test_a_resource_about_nobody_here_asks_what_changed(house, reference):
    assert call(house, visit(reference), "/notify/one/Encounter/e1", method="PUT") == 200
    assert asked(house) == {("changes", ""): 1}


@pytest.mark.parametrize("form", [r4, r5])
def test_events_in_order_name_their_patients_and_repeated_ones_add_nothing(house, form):
    first = form(total=1, numbers=[1], resources=[visit("Patient/p1")])
    assert call(house, first) == 200
    assert call(house, first) == 200
    assert call(house, form(total=3, numbers=[2, 3], resources=[visit("Patient/p1"), visit("Patient/p2")])) == 200
    assert call(house, first) == 200
    assert asked(house) == {("patient", "Patient/p1"): 2, ("patient", "Patient/p2"): 1}
    assert kept(house).events == 3


@pytest.mark.parametrize("form", [r4, r5])
def test_a_gap_in_the_numbers_asks_what_changed(house, form):
    assert call(house, form(total=1, numbers=[1], resources=[visit("Patient/p1")])) == 200
    assert call(house, form(total=4, numbers=[4], resources=[visit("Patient/p4")])) == 200
    assert asked(house)[("changes", "")] == 1
    assert call(house, form(total=3, numbers=[3], resources=[visit("Patient/p3")])) == 200
    assert asked(house)[("changes", "")] == 1
    assert kept(house).events == 4


@pytest.mark.parametrize("form", [r4, r5])
def test_a_handshake_and_a_heartbeat_are_no_events_but_tell_of_lost_ones(house, form):
    assert call(house, form("handshake", total=0)) == 200
    assert call(house, form("heartbeat", total=0)) == 200
    assert asked(house) == {}
    assert kept(house).state == "active"
    assert call(house, form("heartbeat", total=2)) == 200
    assert asked(house) == {("changes", ""): 1}
    assert call(house, form("heartbeat", total=2)) == 200
    assert asked(house) == {("changes", ""): 1}


@pytest.mark.parametrize("resources", [(), ({"resourceType": "Encounter", "id": "e1"},)])
def test_ids_alone_or_a_part_of_what_is_meant_ask_what_changed(house, resources):
    assert call(house, r5(total=1, numbers=[1], resources=resources)) == 200
    assert asked(house) == {("changes", ""): 1}


def test_a_server_that_gives_up_is_noticed(house):
    assert call(house, r5("query-status", status="error")) == 200
    assert kept(house).state == "error"


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        {"resourceType": "Bundle", "type": "searchset", "entry": [{}]},
        {"resourceType": "Bundle", "type": "history", "entry": [{"resource": {"resourceType": "Patient"}}]},
        r5("something"),
    ],
)
def test_what_is_no_notification_is_refused(house, body):
    assert call(house, body) == 400
    assert asked(house) == {}


def test_a_body_that_is_too_large_is_not_read(served):
    http = served('auth = "off"\nlargest_body = 2000', tables=JOBS)
    keep(http, "one")
    assert call(http, visit("Patient/p1") | {"text": "x" * 5_000}) == 413


def test_a_number_is_taken_as_text_or_number(house):
    body = r5(numbers=[1], resources=[visit("Patient/p1")])
    body["entry"][0]["resource"]["notificationEvent"][0]["eventNumber"] = 1
    assert call(house, body) == 200
    assert kept(house).events == 1


def test_one_that_promised_to_be_heard_of_and_is_not_is_made_up_for(house):
    assert call(house, r5("heartbeat", total=0)) == 200
    sources = [house.wiring.source]
    schedule.look_after(house.served.queue, sources)
    assert asked(house) == {}
    with house.served.queue.engine.begin() as tx:
        tx.execute(subscriptions.update().values(called=subscriptions.c.called - 2_000))
    for _ in range(2):
        schedule.look_after(house.served.queue, sources)
    assert asked(house) == {("changes", ""): 1}
