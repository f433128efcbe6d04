"""A number of invented patients in, the whole pipeline on an embedded server told to a reader out."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from service import pipeline, reporting, shown
from service.opening import opened
from service.sandbox import POPULATION_AS_OF, running
from service.work import Work

Say = Callable[[str], None]
RANKED = 10


def demonstrate(*, patients: int, serve: bool, port: int, host: str, say: Say) -> None:
    """Pull, derive, write back, rank and explain; then serve what stands there until Ctrl-C."""
    with (
        suppress(KeyboardInterrupt),
        running(patients=patients, port=port, host=host) as server,
        tempfile.TemporaryDirectory(prefix="personalize-demo-") as lake,
    ):
        # A container listens on every address; the demo itself comes in by loopback, where it may write.
        url = server.url.replace("0.0.0.0", "127.0.0.1")  # noqa: S104
        say(f"An embedded FHIR server with {patients} invented patients: {url}\n")
        with opened(Path(lake), url, write="patient") as work:
            example = _told(work, say)
        say(_reading(url, example))
        if serve:
            say("\nServing until Ctrl-C.")
            while True:
                time.sleep(1)


def _told(work: Work, say: Say) -> str:
    """The run, the rankings, one patient; returns that patient."""
    outcome = pipeline.run(work, as_of=POPULATION_AS_OF.date().isoformat(), write=True)
    for line in shown.lines(outcome):
        say(line)
    came = {code: reporting.top(work, "visits", code, RANKED) for code in shown.WINDOWS.values()}
    for window, code in shown.WINDOWS.items():
        say(f"\nTop patients by visits of the {window}, for the care team")
        for line in shown.ranking(came[code]):
            say(f"  {line}")
    example = came["p1y"][-1].patient if came["p1y"] else "Patient/pt-000001"
    say("\nOne patient, from resources to level")
    for line in reporting.explain(work, example).lines():
        say(f"  {line}")
    return example


def _reading(url: str, patient: str) -> str:
    return (
        "\nAny app reads that profile in one request:\n"
        f"  curl '{url}/Observation?patient={patient.removeprefix('Patient/')}"
        "&code=https://w3id.org/fhir-personalization/CodeSystem/personalization-measure%7Cprofile"
        "&status=final,amended&_sort=-date&_count=1&_revinclude=Provenance:target'"
    )
