"""A FHIR server in, `raw/<source>/<run>/` out: one NDJSON file a type, and a manifest of what came and what did not.

Patients first, then one plain search a type: includes are cut short without a word (HAPI at 1,000 a page, Azure too).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from service.errors import LakeProblem
from service.lake import write_json
from service.pull.bulk import NotBegun
from service.pull.by_export import ExportReader
from service.pull.earlier import Earlier
from service.pull.manifest import Manifest, Progress
from service.pull.part import Part
from service.pull.reader import ROLE, Reader
from service.pull.way import Way, way_to
from service.pull.whom import Whom
from service.server.client import FhirServer
from service.server.crew import together
from service.server.stated import Stated

READ_BY_PATIENT = ("Encounter", "Claim", "ExplanationOfBenefit", "ClaimResponse", "Condition")
READ = ("Patient", *READ_BY_PATIENT, ROLE)
UNCONFIGURED_PATIENTS = 50


async def pull(
    server: FhirServer,
    target: Path,
    *,
    limit: int | None = None,
    only: Sequence[str] | None = None,
    group: str | None = None,
    earlier: Earlier | None = None,
    progress: Progress,
    check: Callable[[str], object] = str,
) -> Manifest:
    """Patients with their visits, claims, what payers said of them, and diagnoses, to NDJSON in `target`; all or none.

    `limit` is the most patients read: 50 when not given and the address is neither loopback nor configured. `only` are
    ids, and `group` that of a Group: then these are read, and nobody else. Of `earlier` what has not changed since is
    not read again. What an interrupted pull of the same left in `<target>.part`, or in that of another run of the
    source, is not read again either. `check` is told the version of FHIR before anything is read, and may refuse it.
    """
    limit = limit if limit is not None or server.loopback or server.source.configured else UNCONFIGURED_PATIENTS
    stated = await server.stated()
    check(stated.capability.fhir_version)
    way = await way_to(server, stated.capability, few=limit is not None or only is not None, group=group)
    whom = Whom() if way.level is not None else await Whom.of(server, only, group or way.scope or None, limit)
    manifest = _begun(server, stated, whom, way)
    followed = earlier and not (manifest.limited and not (way.scope and way.of_a_group))
    earlier = earlier if earlier and followed and earlier.follows(manifest.fhir_version) else None
    manifest.follows = earlier.run if earlier else None
    part = Part.open(target, _asked(manifest, whom, way), dt.datetime.now(dt.UTC))
    if part.resumed:
        manifest.notes.append("an interrupted pull was taken up: what it had read was not read again")
    reads = (server, part, manifest, earlier, stated.capability, progress)
    with _room(part):
        try:
            await _all(Reader(*reads) if way.level is None else ExportReader(*reads, way), whom)
        except NotBegun as error:
            manifest.notes.append(f"read by search after all: no export was begun ({error.what})")
            await _all(Reader(*reads), await Whom.of(server, only, group or way.scope or None, limit))
        manifest.notes += _followed(manifest)
        write_json(part.folder / "manifest.json", asdict(manifest))
        part.commit()
    return manifest


@contextmanager
def _room(part: Part) -> Iterator[None]:
    """A disk that is full or fails ends it before anything counts as read."""
    try:
        yield
    except OSError as error:
        raise LakeProblem(
            f"the lake cannot be written: {error.strerror or error}",
            where=str(part.folder),
            do="make room, and run it again: what was read is not read again",
        ) from error
    finally:
        part.close()


async def _all(reader: Reader, whom: Whom) -> None:
    further = (each for each in reader.server.source.also_read if each not in READ)
    by_patient = (*READ_BY_PATIENT, *further)
    await reader.opt_outs(reader.server.source.opt_out_group)
    if isinstance(reader, ExportReader):
        await reader.exported(("Patient", *by_patient))
        await reader.roles([] if reader.way.of_a_group else None)
    else:
        patients = await reader.patients(whom.limit) if whom.ids is None else await reader.named(whom.ids)
        await together(reader.type(each, patients) for each in by_patient)
        await reader.roles(patients)
    order = {name: place for place, name in enumerate(("Patient", *by_patient, ROLE, "Group"))}
    types = reader.manifest.types
    reader.manifest.types = {name: types[name] for name in sorted(types, key=lambda each: order[each])}


def _begun(server: FhirServer, stated: Stated, whom: Whom, way: Way) -> Manifest:
    return Manifest(
        source=server.source.id,
        base=server.base,
        stated_base=stated.capability.base,
        fhir_version=stated.capability.fhir_version,
        software=stated.capability.software,
        server_date=stated.now().isoformat(),
        limited=whom.limited or way.of_a_group,
        scope=way.scope,
        way=way.why,
        notes=[way.why] if way.why and not way.usual else [],
        set_aside=[{"where": where, "why": why} for where, why in whom.aside],
    )


def _asked(manifest: Manifest, whom: Whom, way: Way) -> dict[str, Any]:
    """What an interrupted pull must have been asked for to be taken up."""
    return {
        "base": manifest.base,
        "fhir_version": manifest.fhir_version,
        "software": manifest.software,
        "follows": manifest.follows,
        "whom": whom.digest,
        "export": way.level,
    }


def _followed(manifest: Manifest) -> list[str]:
    if manifest.follows is None:
        return []
    changed = {name: each for name, each in manifest.types.items() if each.changed}
    said = ", ".join(f"{each.changed:,} {name}" for name, each in changed.items())
    own = sum(each.own for each in changed.values())
    ours = f"; {own:,} of them by our own writes alone" if own else ""
    blind = [name for name, each in manifest.types.items() if each.changed is not None and each.stated is None]
    unseen = (
        [f"deletions of {', '.join(blind)} are found with --full alone: the server does not count"] if blind else []
    )
    return [f"since run {manifest.follows} {said or 'nothing'} was new or changed{ours}", *unseen]
