"""A server's client in, what stands there out: every fact is asked of the server, not of our report."""

import time
from collections import Counter

from fhir_profiles import CANONICAL
from service.compose.content import encode

OURS = f"{CANONICAL}/installation|local"
SETTLES_WITHIN = 120  # seconds: HAPI stores the larger code systems and fills new indexes in the background


def everything(server, search):
    """All resources of a search, by next links."""
    bundle = server.get(search).raise_for_status().json()
    while True:
        yield from (entry["resource"] for entry in bundle.get("entry", []))
        following = [link["url"] for link in bundle["link"] if link["relation"] == "next"]
        if not following:
            return
        bundle = server.get(following[0]).raise_for_status().json()


def panels(server):
    return {panel["subject"]["reference"]: panel for panel in everything(server, f"Observation?_tag={OURS}&_count=200")}


def versions(server, kind):
    """How many versions of each resource `_history` holds, deletions included."""
    bundle = server.get(f"{kind}/_history?_count=500").raise_for_status().json()
    count = Counter()
    while True:
        for entry in bundle.get("entry", []):
            count[entry["request"]["url"].split("/_history")[0].rpartition("/")[2]] += 1
        following = [link["url"] for link in bundle["link"] if link["relation"] == "next"]
        if not following:
            return count
        bundle = server.get(following[0]).raise_for_status().json()


def patients(server):
    """Every Patient as it stands, without what the server alone sets."""
    found = {}
    for patient in everything(server, "Patient?_count=200"):
        patient["meta"] = {
            key: value for key, value in patient["meta"].items() if key in ("tag", "security", "profile")
        }
        found[patient["id"]] = patient
    return found


def standing(server, kind):
    """The version of each that stands. HAPI 8.8.0 remembers a `_history`'s length for a minute, and ends it there."""
    return Counter({each["id"]: int(each["meta"]["versionId"]) for each in everything(server, f"{kind}?_count=200")})


def found(server, kind, **query):
    """The ids on the first page of a search."""
    entries = server.get(f"/{kind}", params=query).raise_for_status().json().get("entry", [])
    return {entry["resource"]["id"] for entry in entries}


def errors(server, resource):
    """What `$validate` says against it."""
    outcome = server.post(f"/{resource['resourceType']}/$validate", content=encode(resource)).json()
    wrong = [issue for issue in outcome["issue"] if issue["severity"] in ("error", "fatal")]
    return [issue.get("diagnostics", issue["code"]) for issue in wrong]


def settled(ask, wanted):
    """The answer once it is as wanted, or the last one."""
    deadline = time.monotonic() + SETTLES_WITHIN
    while (answer := ask()) != wanted and time.monotonic() < deadline:
        time.sleep(1)
    return answer
