"""What docs/conformance.md says was tested is tested: every test that it names exists."""

import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NAMED = re.findall(r"`(?:([a-z_/]+\.py)::)?(test_[a-z0-9_]+)`", (HERE.parent / "docs" / "conformance.md").read_text())


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_a_test_that_is_named_exists(file, name):
    files = [HERE / file] if file else list((HERE / "faults").glob("test_*.py"))
    assert any(f"def {name}(" in each.read_text() for each in files)


def test_every_fault_test_is_named():
    tests = {
        name
        for each in (HERE / "faults").glob("test_*.py")
        for name in re.findall(r"^def (test_[a-z0-9_]+)\(", each.read_text(), re.MULTILINE)
    }
    assert tests - {name for _, name in NAMED} <= {"test_the_command_lists_who_was_set_aside_and_tries_them_again"}
    assert len(NAMED) > 15


@pytest.mark.parametrize(
    ("part", "rows"), [("A", 26), ("B", 19), ("C", 25), ("P", 19), ("D", 38), ("E", 34), ("F", 25)]
)
def test_every_requirement_has_a_test_or_a_reason(part, rows):
    text = (HERE.parent / "docs" / "conformance.md").read_text()
    for number in range(1, rows + 1):
        (row,) = re.findall(rf"^\| {part}{number} (.*)$", text, re.MULTILINE)
        assert "::test_" in row or "`test_" in row or "not applicable: " in row, row
