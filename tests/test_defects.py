"""What `make defects` plants is still to be planted; whether it is found, that command tells."""

from pathlib import Path

import pytest
from defects import listed, planted

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("defect", listed(), ids=lambda each: each["name"])
def test_what_a_defect_changes_is_there_once(defect):
    assert planted(defect, ROOT) != (ROOT / defect["file"]).read_text()
    assert (ROOT / "tests" / defect["tests"]).is_file()
