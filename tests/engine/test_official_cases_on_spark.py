"""The official cases of SQL on FHIR v2 on Spark, and what the page says of them."""

import pytest
from flatten.views.official import PAGE, cases, page, passes, stated

from service.engine import Engine


@pytest.fixture(scope="module")
def engine(real_spark, tmp_path_factory):
    with Engine.open(tmp_path_factory.mktemp("engine") / "spill", real_spark) as opened:
        yield opened


def test_the_page_says_which_pass(engine, tmp_path_factory):
    passed = {case.name: passes(case.on(1), engine, tmp_path_factory.mktemp("case")) for case in cases()}
    assert [name for name, well in passed.items() if not well] == []
    current = PAGE.read_text() == page(stated()[0], passed)
    assert current, "docs/conformance-views.md: run python tests/flatten/views/official.py"
