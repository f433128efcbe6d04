"""In: what this machine has. Out: real servers for the tests here."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from required import require

from .hapi.server import Hapi, missing_tools, running
from .loading import ALL_TYPES, DATA, load


@contextmanager
def noted_hapi(tmp_path_factory: pytest.TempPathFactory, real_parts: list[str]) -> Iterator[Hapi]:
    """A HAPI of our own, noted among the real parts."""
    require(missing_tools(), "a HAPI FHIR server")
    with running(tmp_path_factory.mktemp("hapi")) as server:
        real_parts.append(str(server))
        yield server


@pytest.fixture(scope="session")
def hapi(tmp_path_factory: pytest.TempPathFactory, real_parts: list[str]) -> Iterator[Hapi]:
    """The session's one HAPI (R4). Tests share it: write under ids of your own, and count nothing but those."""
    with noted_hapi(tmp_path_factory, real_parts) as server:
        yield server


@pytest.fixture(scope="session")
def loaded_hapi(hapi: Hapi, real_parts: list[str]) -> Hapi:
    """The session's HAPI with the planted patients and the 100 of Synthea (no ExplanationOfBenefit of Synthea)."""
    load(hapi.base, DATA / "planted", ALL_TYPES)
    real_parts.append(f"on HAPI: Synthea, {load(hapi.base, DATA / 'synthea' / 'r4')}")
    return hapi


@pytest.fixture
def fresh_hapi(tmp_path_factory: pytest.TempPathFactory, real_parts: list[str]) -> Iterator[Hapi]:
    """An empty HAPI (R4) for one test, in a process of its own: 15 to 25 s, so only where others' writes disturb."""
    with noted_hapi(tmp_path_factory, real_parts) as server:
        yield server
