"""The story: servers -> raw -> facts -> profiles -> plan -> servers. A stage commits all its files or none.

Each stage is a function of the files before it and of the settings; `run` tells them in order. Only `apply` and `undo`
write to a server.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from service import before, write_back
from service import derive as deriving
from service import flatten as flattening
from service import pull as pulling
from service.derive.as_of import as_of_instant
from service.derive.categories import Categories
from service.derive.policy import Policy
from service.derive.windows import YEAR, window
from service.engine import Engine
from service.lake import read_json
from service.server.client import FhirServer
from service.server.egress import may_write, rung
from service.tracing import counted, span
from service.work import Work

P = ParamSpec("P")
T = TypeVar("T")
Told = dict[str, Any]
STAGES = ["pull", "flatten", "derive", "plan", "apply", "undo"]


def run(
    work: Work,
    *,
    as_of: str | None = None,
    limit: int | None = None,
    only: Sequence[str] | None = None,
    group: str | None = None,
    write: bool = False,
    full: bool = False,
) -> Outcome:
    """Server -> lake -> plan; `write` alone sends anything back. `full` reads all of it, changed or not.

    `limit`, `only` and `group` restrict whom is read: so many patients, those with these ids, the members of a Group.
    """
    outcome = Outcome(work)
    with span("run", source=work.source.id, run=work.run.run) as told:
        _permitted(work, write)
        _computable(work)
        outcome.stage("pull", pull, limit, only, group, full)
        outcome.stage("flatten", flatten)
        outcome.stage("derive", derive, as_of)
        outcome.stage("plan", plan, full)
        if write:
            outcome.stage("apply", apply)
        told["outcome"] = "partial" if outcome.partial else "done"
    return outcome


def _computable(work: Work) -> None:
    """An engine that cannot start, or a measure that cannot be run, says so before an hour of reading, not after it."""
    _ = work.views, work.measures
    with work.engine():
        return


def _permitted(work: Work, write: bool) -> None:
    """Refused before an hour of reading, not after it. Looks the address up, and asks nobody anything."""
    server = FhirServer(work.source)
    rung(work.source, server.loopback, work.asked)
    if write:
        may_write(work.source, server.loopback, work.run.installation)


def pull(
    work: Work,
    limit: int | None = None,
    only: Sequence[str] | None = None,
    group: str | None = None,
    full: bool = False,
) -> Told:
    """Server -> raw/: NDJSON a type, and a manifest. With it the run begins."""
    work.catalog.begin(work.run)
    earlier = None if full else before.followed(work)
    named = only and before.persons(work, only)
    manifest = _with_server(
        work,
        lambda server: pulling.pull(
            server,
            work.raw,
            limit=limit,
            only=named,
            group=group,
            earlier=earlier,
            progress=work.progress,
            check=work.views.check,
        ),
        also_read=work.views.types,
    )
    if manifest.whole:
        marks = {name: each.since for name, each in manifest.types.items() if each.since}
        work.catalog.read_until(work.source.id, work.source.url, work.run.run, marks)
    return asdict(manifest)


def flatten(work: Work) -> Told:
    """raw/ -> facts/: one Parquet table a kind of fact, and what was set aside."""
    with work.engine() as engine:
        return flattening.flatten(
            work.raw,
            work.facts,
            engine=engine,
            source=work.source.id,
            zone=work.source.zone,
            aliases=work.source.aliases,
            sensitive_labels=work.source.sensitive_labels,
            opt_out_tag=work.source.opt_out_tag,
            own=work.views,
            earlier=before.flattened(work),
        )


def derive(work: Work, as_of: str | None = None) -> Told:
    """facts/ -> profiles/: measures, levels, pathways at `as_of`."""
    manifest = read_json(work.raw / "manifest.json", "pull")
    with work.engine() as engine:
        instant, latest = _instant(work, engine, manifest, as_of)
        told = deriving.derive(
            work.facts,
            work.profiles,
            engine=engine,
            manifest=manifest,
            as_of=instant,
            zone=work.source.zone,
            policy=work.policy,
            categories=Categories.load(work.source.adjudications),
            own=work.measures,
            known=before.known(work),
            earlier=before.profiled(work),
        )
    opens = window(YEAR, instant, work.source.zone).opens
    return {**told, "older": latest.date().isoformat() if latest and latest < opens else None}


def compare(work: Work, policy: Path, as_of: str | None = None) -> deriving.Comparison:
    """Who would change level or pathway under another policy, at `as_of` or that of the profiles that stand."""
    manifest = read_json(work.raw / "manifest.json", "pull")
    after, standing = Policy.load(policy), work.profiles / "profiles.json"
    if as_of is None and standing.is_file():
        as_of = str(read_json(standing, "derive")["as_of"])
    with work.engine() as engine:
        instant, _ = _instant(work, engine, manifest, as_of)
        return deriving.compare(
            work.facts,
            engine=engine,
            manifest=manifest,
            as_of=instant,
            zone=work.source.zone,
            before=work.policy,
            after=after,
            categories=Categories.load(work.source.adjudications),
            known=before.known(work),
        )


def _instant(work: Work, engine: Engine, manifest: Told, as_of: str | None) -> tuple[dt.datetime, dt.datetime | None]:
    """Where windows end, and the latest start that the server's clock has reached."""
    clock = dt.datetime.fromisoformat(str(manifest["server_date"]))
    latest = deriving.latest_start(work.facts, engine, not_after=clock)
    return as_of_instant(as_of, work.source.zone, latest_start=latest, now=clock), latest


def plan(work: Work, full: bool = False) -> Told:
    """profiles/ and what stands on the server -> a plan file. Reads only."""
    with work.composer() as engine:
        return _with_server(
            work,
            lambda server: write_back.plan(
                server,
                work.lake,
                work.run,
                work.catalog,
                rung=rung(work.source, server.loopback, work.asked),
                recorded=dt.datetime.now(dt.UTC),
                full=full,
                engine=engine,
            ),
        )


def diff(work: Work) -> write_back.Diff:
    """The plan file as before and after of each patient."""
    return write_back.Diff(work.lake, work.run, work.catalog)


def apply(work: Work, retry_failed: bool = False) -> Told:
    """Plan file -> server, where the safety rule allows it; `retry_failed` for those alone who were set aside."""
    return _with_server(
        work,
        lambda server: write_back.apply(
            work.run, server, work.catalog, work.lake, work.progress, retry_failed=retry_failed
        ),
    )


def undo(work: Work) -> Told:
    """What a run wrote -> taken back, as far as nobody else has changed it since."""
    return _with_server(work, lambda server: write_back.undo(work.run, server, work.catalog))


def only(work: Work, name: str, *args: Any) -> Outcome:
    """One stage of the story by itself, on the files that the stages before it left."""
    stages = {"pull": pull, "flatten": flatten, "derive": derive, "plan": plan, "apply": apply, "undo": undo}
    outcome = Outcome(work)
    outcome.stage(name, stages[name], *args)
    return outcome


@dataclass
class Outcome:
    """What each stage told, and how many seconds it took; the catalog remembers the last one that finished."""

    work: Work
    told: dict[str, Told] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def partial(self) -> bool:
        """Some patients were set aside, not exported, not written, or not taken back."""
        aside = [entry["where"] for told in self.told.values() for entry in told.get("set_aside", [])]
        unwritten = any(told.get("unwritten") or told.get("incomplete") for told in self.told.values())
        return unwritten or any(where.startswith("Patient/") for where in aside)

    def stage(self, name: str, tell: Callable[Concatenate[Work, P], Told], *args: P.args, **kwargs: P.kwargs) -> None:
        began, work = time.perf_counter(), self.work
        with span(name, source=work.source.id, run=work.run.run) as told:
            self.told[name] = tell(work, *args, **kwargs)
            told |= counted(self.told[name])
        self.seconds[name] = round(time.perf_counter() - began, 3)
        self.work.catalog.reached(self.work.run.run, name)


def _with_server(
    work: Work, talk: Callable[[FhirServer], Coroutine[Any, Any, T]], also_read: tuple[str, ...] = ()
) -> T:
    async def session() -> T:
        async with FhirServer(work.source.model_copy(update={"also_read": also_read}), work.statements) as server:
            return await talk(server)

    return asyncio.run(session())
