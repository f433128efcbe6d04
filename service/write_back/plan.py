"""Composed profiles and what stands on the server in, a plan file out: what would be written, and why. Reads only."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from service.catalog import Catalog, Run
from service.compose import Edition, compose, device, read_edition
from service.compose.content import Json, encode, same
from service.lake import Lake, committed_file, read_json
from service.server.client import FhirServer
from service.settings import WriteRung
from service.write_back.plan_file import Before, DevicePlan, Header, digest_of, writing
from service.write_back.planner import Planner
from service.write_back.recover import recover, same_server
from service.write_back.remembered import Remembered
from service.write_back.standing import Lines, Standing, panels, read


async def plan(
    server: FhirServer,
    lake: Lake,
    run: Run,
    catalog: Catalog,
    *,
    rung: WriteRung,
    recorded: dt.datetime,
) -> dict[str, Any]:
    """The plan of this run's profiles, at `lake.plan(...)`; the catalog keeps its digest.

    Returns `counts` of panels by action, `patients` whose Patient would be changed, `held` that are shown but left
    alone, the first lines in words as `listed`, and `notes`. On the rung `none` the server is asked nothing.
    """
    same_server(run, server)
    profiles, target = lake.profiles(run.source, run.run), lake.plan(run.source, run.run)
    edition = read_edition(profiles, source_id=run.source, installation=run.installation, recorded=recorded)
    pulled = lake.raw(run.source, run.run) / "Patient.ndjson"
    with Lines.open(pulled) as patients, Lines.spooled(target.parent) as found:
        if rung != "none":
            await recover(server, catalog, run.source)
            await panels(server, run.installation, found, None if _complete(lake, run) else patients)
        header = _header(run, rung, edition, await _device_standing(server, rung, edition))
        remembered = Remembered(catalog, run.source, run.base)
        with committed_file(target) as part, writing(part, header) as file:
            planner = Planner(edition, rung, found, patients, remembered, file, _opted_out(profiles))
            if rung != "none":
                planner.all(compose(profiles, edition), _complete(lake, run))
    catalog.planned(run.run, digest_of(target))
    told = {"counts": header.counts, "patients": header.patients, "held": header.held}
    return {**told, "listed": planner.listed, "notes": [*planner.notes(), *_interrupted(catalog, run)]}


def _opted_out(profiles: Path) -> frozenset[str]:
    about: dict[str, Any] = read_json(profiles / "profiles.json", "derive")
    return frozenset(about.get("opted_out", ()))


def _complete(lake: Lake, run: Run) -> bool:
    """Whether every patient of the server was asked for."""
    return not read_json(lake.raw(run.source, run.run) / "manifest.json", "pull").get("limited")


async def _device_standing(server: FhirServer, rung: WriteRung, edition: Edition) -> Standing | None:
    return None if rung == "none" else await read(server, f"Device/{edition.identity.device}")


def _header(run: Run, rung: WriteRung, edition: Edition, stands: Standing | None) -> Header:
    return Header(
        run=run.run,
        source=run.source,
        base=run.base,
        installation=run.installation,
        as_of=edition.as_of.isoformat(),
        rung=rung,
        device=_device(device(edition), stands),
    )


def _device(wanted: Json, stands: Standing | None) -> DevicePlan:
    body = msgspec.Raw(encode(wanted))
    if stands is None:
        return DevicePlan(body, "create")
    before = Before(stands.version, msgspec.Raw(stands.body))
    return DevicePlan(body, "unchanged" if same(stands.content, wanted) else "update", before)


def _interrupted(catalog: Catalog, run: Run) -> Iterator[str]:
    for name in catalog.interrupted(run.source):
        if name != run.run:
            count = len(catalog.patients(name))
            yield f"run {name} was interrupted after {count:,} patients: undo it with `personalize undo {name}`"
