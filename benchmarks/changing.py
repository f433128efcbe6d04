"""A FHIR server in, changes of what a hospital records on it out: visits, claims, edits, deletions, one at a time.

And what stands there, read back over HTTP.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from itertools import count, islice
from typing import Any

import httpx

Resource = dict[str, Any]
FHIR = {"Accept": "application/fhir+json", "Content-Type": "application/fhir+json", "Cache-Control": "no-cache"}
RECORDS = ("Organization", "Practitioner", "PractitionerRole", "Patient", "Encounter", "Claim", "ExplanationOfBenefit")


class Server:
    """Its resources by type; `changed` makes one change and says whom it is about."""

    def __init__(self, base: str, seed: int) -> None:
        self.base, self.http = base, httpx.Client(base_url=base, headers=FHIR, timeout=120)
        self._chance, self._numbers = random.Random(seed), count()
        self._ways: tuple[Callable[[], str], ...] = (self.visit, self.visit, self._claim, self._edit, self._delete)

    def load(self, resources: Iterator[bytes]) -> None:
        while some := list(islice(resources, 200)):
            entries = [self._put_entry(json.loads(each)) for each in some]
            bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
            self.http.post(self.base, json=bundle).raise_for_status()

    def _put_entry(self, resource: Resource) -> Resource:
        url = f"{resource['resourceType']}/{resource['id']}"
        return {"fullUrl": f"urn:{url}", "resource": resource, "request": {"method": "PUT", "url": url}}

    def all(self, type: str) -> list[Resource]:
        """Every resource of the type, page by page."""
        found, url = [], f"{self.base}/{type}?_count=200"
        while url:
            page = self.http.get(url).raise_for_status().json()
            found += [entry["resource"] for entry in page.get("entry", [])]
            url = next((link["url"] for link in page.get("link", []) if link["relation"] == "next"), "")
        return found

    def history(self, resource: Resource) -> list[Resource]:
        """Every version that is not a deletion, the newest first."""
        page = self.http.get(f"/{resource['resourceType']}/{resource['id']}/_history?_count=1000").raise_for_status()
        return [entry["resource"] for entry in page.json().get("entry", []) if "resource" in entry]

    def changed(self) -> str:
        """`Patient/id` of whom something is now recorded otherwise."""
        return self._chance.choice(self._ways)()

    def visit(self, **more: str) -> str:
        """A new one, like one that stands there but for `more`, in the last weeks."""
        visit = self._any("Encounter")
        day = time.strftime("%Y-%m-%dT%H:00:00Z", time.gmtime(time.time() - 86_400 * self._chance.randint(1, 40)))
        return self._put({**visit, "id": self._name(), "period": {"start": day, "end": day}, **more}, "subject")

    def _claim(self) -> str:
        return self._put({**self._any("Claim"), "id": self._name()}, "patient")

    def _edit(self) -> str:
        visit = self._any("Encounter")
        status = self._chance.choice(["finished", "cancelled", "in-progress"])
        return self._put({**visit, "status": status}, "subject")

    def _delete(self) -> str:
        visit = self._any("Encounter")
        answer = self.http.delete(f"/Encounter/{visit['id']}")
        if (
            answer.status_code == 409
        ):  # HAPI, where a claim refers to it: it is said to be a mistake, as people do there
            return self._put({**visit, "status": "entered-in-error"}, "subject")
        answer.raise_for_status()
        return str(visit["subject"]["reference"])

    def _any(self, type: str) -> Resource:
        """Of the newest hundred one."""
        page = self.http.get(f"/{type}?_count=100&_sort=-_lastUpdated").raise_for_status().json()
        resource: Resource = self._chance.choice(page["entry"])["resource"]
        resource.pop("meta", None)
        return resource

    def _put(self, resource: Resource, whose: str) -> str:
        self.http.put(f"/{resource['resourceType']}/{resource['id']}", json=resource).raise_for_status()
        return str(resource[whose]["reference"])

    def _name(self) -> str:
        return f"soak-{next(self._numbers)}"
