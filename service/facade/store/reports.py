"""A run of the lake in, its rankings as List and MeasureReport out, as far as the settings ask for them.

They are composed in R4, and served where the source speaks R4: no other version's words for them are known here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from service import reporting
from service.catalog import Run
from service.compose.content import Json, encode
from service.errors import PersonalizeError
from service.facade.store.profile import milliseconds
from service.report import Basis, top_fhir
from service.server.capability import Release
from service.shelves import Kept
from service.work import Work

WINDOW = "p1y"
LIMIT = 50


@dataclass(frozen=True)
class Reports:
    """`by`: visits, charges, liability; `work` opens a run; `skipped` is told which could not be made, and why."""

    by: tuple[str, ...]
    work: Callable[[Run], Work]
    skipped: Callable[[str, PersonalizeError], None]

    def of(self, run: Run, release: Release) -> Iterator[Kept]:
        for by in self.by if release.startswith("R4") else ():
            work = self.work(run)
            basis = reporting.basis(work)
            try:
                made = [*_lists(work, basis, by), top_fhir.summary(reporting.aggregate(work, by, WINDOW), basis)]
            except PersonalizeError as error:
                self.skipped(by, error)
                continue
            yield from (_kept(resource, f"{by}-{WINDOW}", number, basis) for number, resource in enumerate(made))


def _lists(work: Work, basis: Basis, by: str) -> list[Json]:
    found = top_fhir.lists(reporting.ranking(work, by, WINDOW, LIMIT), basis)
    return [each["resource"] for each in found["entry"]] if found["resourceType"] == "Bundle" else [found]


def _kept(resource: Json, name: str, number: int, basis: Basis) -> Kept:
    """A List is of patients by name: it is in nobody's compartment, and so has no `patient`."""
    identifier = hashlib.sha256(f"{name} {number}".encode()).hexdigest()[:40]
    code = resource["measure"] if "measure" in resource else resource["code"]["coding"][0]["code"]
    body = encode({"resourceType": resource["resourceType"], "id": f"report-{identifier}", **resource})
    opens, as_of = milliseconds(basis.opens[WINDOW]), milliseconds(basis.edition.as_of)
    return Kept(
        resource["resourceType"],
        f"report-{identifier}",
        body,
        run=basis.run,
        opens=opens,
        as_of=as_of,
        until=milliseconds(basis.edition.valid_until),
        status=resource["status"],
        code=code,
    )
