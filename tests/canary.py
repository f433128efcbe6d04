"""Patients in, the same marked by words that stand nowhere else; a text in, which of these words it repeats, out.

A conftest whose `pytest_runtest_makereport` is `watching(marks)` fails each test that printed or logged one of them;
`repeated` looks through what is left of a whole session.
"""

from pathlib import Path

import pytest

NAME, RECORD, REASON = "Kanarienvogel", "MRN-5500271", "seltsamer-Husten"
IDS = ("p02-preventive", "p03-emergency", "p05-readmitted")
NAMES = (NAME, RECORD, REASON)  # stand nowhere but on the server and in what was pulled of it
MARKS = (*NAMES, *IDS)
SAID = ".said"  # how files end into which processes of tests print
LEFT = (f"*{SAID}", "*.journal", "*.log", "*.toml")  # what a session leaves besides lakes


def marked(resources):
    """The planted resources by type: each Patient with a marked name and record number, each visit with a reason."""
    return {kind: [_marked(kind, each) for each in all] for kind, all in resources.items()}


def _marked(kind, resource):
    if kind == "Encounter":
        return {"reasonCode": [{"text": REASON}], **resource}
    if kind != "Patient":
        return resource
    called = {"name": [{"family": NAME, "given": resource["name"][0]["given"]}]} if "name" in resource else {}
    return {**resource, **called, "identifier": [{"system": "urn:example:mrn", "value": RECORD}]}


def leaks(text, marks=MARKS):
    return [mark for mark in marks if mark.lower() in text.lower()]


def watching(marks):
    """Of ids the log alone: stdout is for answers, which name whom they are about; but nobody by name."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(item, call):
        report = yield
        if report.when == "teardown":  # then everything that was said is there
            found = {*leaks(report.capstderr + report.caplog, marks), *leaks(report.capstdout, NAMES)}
            if found:
                told = ", ".join(sorted(found))
                report.outcome, report.longrepr = "failed", f"what was logged repeats of a patient: {told}"
        return report

    return pytest_runtest_makereport


def repeated(folder):
    """(how many files were looked through, the marks in them) of what tests left below a folder."""
    files = {file for pattern in LEFT for file in Path(folder).rglob(pattern) if file.is_file()}
    found = ((file, leaks(file.read_text(errors="replace"), NAMES)) for file in sorted(files))
    return len(files), [f"{file}: {', '.join(marks)}" for file, marks in found if marks]
