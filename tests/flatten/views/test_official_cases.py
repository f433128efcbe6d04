"""The official cases of SQL on FHIR v2, each on every FHIR version that its file names, and the page about them."""

import pytest

from flatten.views.official import PAGE, cases, page, passes, stated
from service.engine import Engine


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    with Engine.open(tmp_path_factory.mktemp("engine") / "spill") as opened:
        yield opened


@pytest.fixture(scope="module")
def passed():
    """By the case's name, of those that ran so far."""
    return {}


def test_no_case_is_missing():
    assert len({case.name for case in cases()}) == 134


@pytest.mark.parametrize("case", list(cases()), ids=lambda case: case.name)
def test_official_case(case, engine, passed, tmp_path):
    passed[case.name] = False
    case.check(engine, tmp_path)
    passed[case.name] = True


def test_the_page_says_so(engine, passed, tmp_path_factory):
    for case in cases():
        if case.name not in passed:
            passed[case.name] = passes(case, engine, tmp_path_factory.mktemp("case"))
    current = PAGE.read_text() == page(passed, stated()[1])
    assert current, "docs/conformance-views.md: run python tests/flatten/views/official.py"
