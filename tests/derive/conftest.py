"""The planted patients, derived once for all tests that only look."""

import pytest

from .lakes import planted, profiled


@pytest.fixture(scope="session")
def derived(tmp_path_factory):
    return profiled(tmp_path_factory.mktemp("planted"), planted())
