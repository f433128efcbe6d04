"""Patients in, the same marked by words that stand nowhere else; a text in, which of these words it repeats, out.

`pytest_runtest_makereport` fails a test whose server logged one of them; a conftest that imports it has all watched.
"""

import pytest

NAME, RECORD, REASON = "Kanarienvogel", "MRN-5500271", "seltsamer-Husten"
IDS = ("p02-preventive", "p03-emergency", "p05-readmitted")
MARKS = (NAME, RECORD, REASON, *IDS)


def marked(resources):
    """The planted resources: each Patient with a marked name and record number, each visit with a marked reason."""
    for patient in resources["Patient"]:
        yield {
            **patient,
            "name": [{"family": NAME, "given": patient["name"][0]["given"]}] if "name" in patient else [],
            "identifier": [{"system": "urn:example:mrn", "value": RECORD}],
        }
    for kind, each in ((kind, each) for kind, all in resources.items() for each in all if kind != "Patient"):
        yield {"reasonCode": [{"text": REASON}], **each} if kind == "Encounter" else each


def leaks(text, marks=MARKS):
    return [mark for mark in marks if mark.lower() in text.lower()]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """After the teardown everything that was logged is there; stdout is for answers, which name whom they are about."""
    report = yield
    found = leaks(report.capstderr + report.caplog) if report.when == "teardown" else []
    if found:
        report.outcome, report.longrepr = "failed", f"what was logged repeats of a patient: {', '.join(found)}"
    return report
