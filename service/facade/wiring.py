"""A lake and settings in, all that a server needs, opened, out; the one place where its parts are put together."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

import fhir_profiles
from service import settings, working
from service.catalog import Catalog, Run
from service.compose.release import release_of
from service.errors import PersonalizeError, WrongUsage
from service.facade.access.asking import Asking, Unanswered
from service.facade.access.tokens import Tokens
from service.facade.audit.record import Accesses
from service.facade.hooks.clients import Clients
from service.facade.http import BASE
from service.facade.limits import Limits, OwnLimits, Rate
from service.facade.metrics import Metrics
from service.facade.personalize.jobs import Job, Jobs
from service.facade.personalize.work import carry_out
from service.facade.served import Served
from service.facade.store.make import Making
from service.facade.store.profiles import FromFile, Profiles
from service.facade.store.reports import Reports
from service.facade.store.shelf import Shelf
from service.jobs.beside import repeated
from service.jobs.queue import Claim, Queue
from service.lake import Lake
from service.opening import existing
from service.server.egress import names_this_machine
from service.settings import Settings, Source
from service.settings.serve import Serve
from service.work import Work

if TYPE_CHECKING:
    from service.facade.shared_redis import SharedRedis

Now = Callable[[], dt.datetime]

log = structlog.get_logger(__name__)


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True)
class Wiring:
    """Of one source; `now` is the clock by which profiles lapse."""

    config: Settings
    source: Source
    lake: Lake
    now: Now = utc_now

    @property
    def serve(self) -> Serve:
        return self.config.serve

    def refresh(self) -> bool:
        """The file of profiles as the lake has them now; whether anything was new."""
        with Catalog.open(self.lake.catalog, self.config.catalog()) as catalog:
            reports = Reports(self.serve.reports, lambda run: self._work(catalog, run), _skipped)
            whole = self.serve.patient == "whole"
            return Making(self.lake, catalog, self.source, whole, reports, self.now).refresh()

    def _work(self, catalog: Catalog, run: Run) -> Work:
        return Work.of(self.config, self.source, self.lake, catalog, run)

    @contextmanager
    def opened(self, origin: str) -> Iterator[Served]:
        """What is served, at `origin` unless the settings name another; looked after in a thread for the block."""
        base = f"{self.serve.url or origin}{BASE}"
        tokens = self._tokens(base)
        self.refresh()
        shelf = Shelf(self.lake.served(self.source.id), self.now)
        release = release_of(shelf.about.fhir)
        accesses = Accesses(self.lake.audit(self.source.id), release, base, self.now)
        jobs, metrics, shared = Jobs(self._personalize), Metrics(), self._shared()
        with (
            Catalog.open(self.lake.catalog, self.config.catalog()) as catalog,
            closing(accesses),
            repeated(lambda: self._looked_after(accesses), self.serve.refresh, "refresh"),
            closing(jobs),
            self._worked() as queue,
        ):
            yield Served(
                settings=self.serve,
                source=self.source,
                base=base,
                release=release,
                shelf=shelf,
                profiles=self._profiles(shelf, shared, metrics),
                accesses=accesses,
                catalog=catalog,
                tokens=tokens,
                clients=Clients(self.serve.hooks, catalog) if tokens else None,
                limits=self._limits(shared),
                jobs=jobs,
                metrics=metrics,
                queue=queue,
                now=self.now,
                pathways=_pathways(),
            )

    def _shared(self) -> SharedRedis | None:
        url = self.config.redis()
        if url is None and self.serve.share_profiles:
            raise WrongUsage("profiles are shared through Redis", where="serve.share_profiles", do="set redis_url")
        if url is None:
            return None
        # Its client brings an asyncio side along: 0.15 s at the start, for who has no Redis.
        from service.facade.shared_redis import SharedRedis

        return SharedRedis(url)

    def _limits(self, shared: SharedRedis | None) -> Limits:
        rate = Rate.of(self.serve.requests_per_minute)
        if shared is None:
            return OwnLimits(rate)
        from service.facade.shared_limits import SharedLimits

        return SharedLimits(shared, self.source.id, rate)

    def _profiles(self, shelf: Shelf, shared: SharedRedis | None, metrics: Metrics) -> Profiles:
        if shared is None or not self.serve.share_profiles:
            return FromFile(shelf)
        from service.facade.store.shared_profiles import FromRedis

        return FromRedis(shelf, shared, self.source.id, self.serve.share_profiles, metrics.shared)

    def _renewed(self) -> None:
        """What cannot be read leaves what is served as it is, until the next look."""
        try:
            if self.refresh():
                log.info("newer profiles are served")
        except PersonalizeError as error:
            log.warning("profiles were not renewed", reason=error.what, do=error.do)

    @contextmanager
    def _worked(self) -> Iterator[Queue]:
        """What is due of this source is carried out in a thread, unless that is left to others; the one under way when
        it ends is ended first."""

        def ended(_claim: Claim, how: str) -> None:
            if how == "done":
                self._renewed()

        with working.worker(self.lake.root, self.config, [self.source], ended) as worker:
            thread = threading.Thread(target=worker.work, name="worker", daemon=True)
            if self.config.jobs.in_serve:
                thread.start()
            try:
                yield worker.queue
            finally:
                worker.over.set()
                if thread.is_alive():
                    thread.join()

    def _personalize(self, job: Job) -> int:
        made = carry_out(job, self.config, self.source, self.lake)
        self.refresh()
        return made

    def _tokens(self, base: str) -> Tokens | None:
        if self.serve.auth == "off":
            log.warning("NO TOKEN IS ASKED FOR: everybody on this machine sees all profiles", setting="serve.auth")
            return None
        for name, client in self.serve.hooks.items():
            _reachable(f"serve.hooks.{name}", [client.jwks_url])
        for name, issuer in self.serve.issuers.items():
            _reachable(f"serve.issuers.{name}", [issuer.jwks_url, issuer.introspection_url])
        if not self.serve.issuers:
            raise WrongUsage(
                "no issuer of access tokens is named",
                where="serve.issuers",
                do='name your authorization server, or to try it on this machine alone set auth = "off" under [serve]',
            )
        return Tokens(self.serve.issuers, base, self.source)

    def _looked_after(self, accesses: Accesses) -> bool:
        """A newer run, or a review, is served soon after, and accesses are found."""
        try:
            accesses.settle()
        except PersonalizeError as error:
            log.warning("accesses were not settled", reason=error.what, do=error.do)
        self._renewed()
        return True


def wired(lake_dir: Path, server: str | None, now: Now = utc_now, **typed: object) -> Wiring:
    """`typed` stands in place of what the settings say; what is None was not typed."""
    config = settings.load()
    serve = Serve.model_validate(config.serve.model_dump() | {k: v for k, v in typed.items() if v is not None})
    lake = existing(lake_dir, config)
    if serve.auth == "off" and not names_this_machine(serve.host):
        raise WrongUsage(
            "without tokens it listens on this machine alone",
            where=f"serve.host = {serve.host}",
            do="set auth, or host",
        )
    config = config.model_copy(update={"serve": serve})
    return Wiring(config, _source(config, server), lake, now)


def _source(config: Settings, server: str | None) -> Source:
    """A base has one source: ids of patients and the version of FHIR are a source's own."""
    if server is not None:
        return config.source(server)
    if len(config.sources) != 1:
        known = ", ".join(sorted(config.sources)) or "none"
        raise WrongUsage("which source is to be served?", do=f"name one of those in personalize.toml: {known}")
    return config.source(next(iter(config.sources)))


def _reachable(where: str, urls: list[str]) -> None:
    if not any(urls):
        raise WrongUsage("its tokens cannot be checked", where=where, do="set jwks_url or introspection_url")
    for url in filter(None, urls):
        try:
            Asking(url)
        except Unanswered as error:
            raise WrongUsage(str(error), where=f"{where}: {url}", do="name its https address") from error


def _skipped(by: str, error: PersonalizeError) -> None:
    log.warning("a ranking could not be made", by=by, reason=error.what)


def _pathways() -> dict[str, str]:
    """The words of their codes."""
    system = fhir_profiles.load("r4", "CodeSystem/personalization-pathway")
    return {each["code"]: each["display"] for each in system["concept"]}
