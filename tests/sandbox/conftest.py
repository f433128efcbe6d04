"""A running sandbox in, a client that speaks FHIR to it out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from service.sandbox import Sandbox, running


class Client:
    """httpx against one sandbox; addresses are relative to its base."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox, self.url = sandbox, sandbox.url
        self._http = httpx.Client(timeout=60)

    def __call__(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self._http.request(method, path if path.startswith("http") else self.url + path, **options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self("GET", path, **options)

    def put(self, resource: dict[str, Any], **headers: str) -> httpx.Response:
        path = f"/{resource['resourceType']}/{resource['id']}"
        return self(
            "PUT", path, json=resource, headers={name.replace("_", "-"): text for name, text in headers.items()}
        )

    def bundle(self, type: str, *entries: dict[str, Any]) -> httpx.Response:
        return self("POST", "", json={"resourceType": "Bundle", "type": type, "entry": list(entries)})

    def ids(self, path: str) -> list[str]:
        """The ids of every page."""
        return [resource["id"] for page in self.pages(path) for resource in self.found(page)]

    def pages(self, path: str) -> Iterator[dict[str, Any]]:
        address: str | None = path
        while address:
            answer = self.get(address)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            yield page
            address = self.next_link(page)

    @staticmethod
    def found(page: dict[str, Any], mode: str = "match") -> list[dict[str, Any]]:
        return [entry["resource"] for entry in page.get("entry", []) if entry["search"]["mode"] == mode]

    @staticmethod
    def next_link(page: dict[str, Any]) -> str | None:
        return next((link["url"] for link in page["link"] if link["relation"] == "next"), None)

    def close(self) -> None:
        self._http.close()


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    """A client of an empty server of its own."""
    client = Client(sandbox)
    yield client
    client.close()


@pytest.fixture(scope="module")
def shared() -> Iterator[Client]:
    """A client of a server that a module fills once, and then only reads."""
    yield from _client_of(0)


@pytest.fixture(scope="session")
def reader() -> Iterator[Client]:
    """A client of a server with 30 patients, for tests that change nothing."""
    yield from _client_of(30)


def _client_of(patients: int) -> Iterator[Client]:
    with running(patients) as started:
        client = Client(started)
        yield client
        client.close()


@pytest.fixture
def patient() -> dict[str, Any]:
    return {"resourceType": "Patient", "id": "p1", "active": True, "gender": "female"}
