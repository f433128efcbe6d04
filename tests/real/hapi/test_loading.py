"""In: the planted and Synthea's patients, loaded on a real HAPI. Out: the proof that every one of them is there."""

import pytest

from ..loading import DATA, USUAL_TYPES, LoadingFailed, lines, put
from .server import Hapi


@pytest.mark.parametrize("kind", USUAL_TYPES)
def test_everything_that_was_sent_is_on_the_server(loaded_hapi: Hapi, kind: str) -> None:
    sent = [*lines(DATA / "planted", kind), *lines(DATA / "synthea" / "r4", kind)]
    with loaded_hapi.client() as server:
        there = server.get(f"/{kind}", params={"_summary": "count"}).json()["total"]
    assert there >= len(sent) > 0


def test_a_refused_bundle_says_who_refused_what(hapi: Hapi) -> None:
    with hapi.client() as server, pytest.raises(LoadingFailed, match=r"refused a transaction of 1 Patient: 400 .*4711"):
        put(server, "Patient", ['{"resourceType":"Patient","id":"4711"}'])


def test_lines_of_an_absent_type_are_none() -> None:
    assert list(lines(DATA / "planted", "Condition")) == []
