"""What a test needs that this machine may lack."""

import os

import pytest


def require(lacking, part):
    """Under CI a missing real part is a failure, elsewhere the test is skipped; both say what to install."""
    if not lacking:
        return
    why = f"{part} needs {' and '.join(lacking)}: install that, or run .ci/run, which does"
    if os.environ.get("CI"):
        pytest.fail(why, pytrace=False)
    pytest.skip(why)
