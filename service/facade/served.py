"""What every request is answered with: the settings, the files, the tokens, the counters. Wired once, in `app.py`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from service.catalog import Catalog
from service.facade.access.grant import EVERYBODY, Grant
from service.facade.access.tokens import Tokens
from service.facade.audit.record import Accesses
from service.facade.hooks.clients import Clients
from service.facade.limits import Limits
from service.facade.metrics import Metrics
from service.facade.personalize.jobs import Jobs
from service.facade.search.condition import Condition
from service.facade.store.profiles import Profiles
from service.facade.store.shelf import Record, Shelf
from service.jobs.queue import Queue
from service.server.capability import Release
from service.settings import Source
from service.settings.serve import Serve


@dataclass
class Served:
    """`base` is our FHIR base as others reach it; `tokens` and `clients` None let everybody in. `pathways` are the
    words of their codes. `draining`: it is about to end."""

    settings: Serve
    source: Source
    base: str
    release: Release
    shelf: Shelf
    profiles: Profiles
    accesses: Accesses
    catalog: Catalog
    tokens: Tokens | None
    clients: Clients | None
    limits: Limits
    jobs: Jobs
    metrics: Metrics
    queue: Queue
    now: Callable[[], dt.datetime]
    pathways: Mapping[str, str]
    draining: bool = field(default=False)

    @property
    def origin(self) -> str:
        """Where the service is, without the path of its FHIR base."""
        return self.base.removesuffix("/fhir")

    @property
    def app(self) -> str:
        """Where an app that shows a profile is launched; empty where there is none."""
        return self.settings.app or (f"{self.origin}/app/launch" if self.settings.app_client_id else "")

    def shelf_of(self, type: str) -> Shelf:
        return self.accesses.shelf() if type == "AuditEvent" else self.shelf

    async def read(self, type: str, id: str, sight: Condition) -> Record | None:
        """What is read by its id, by whom it may be seen."""
        if type == "AuditEvent":
            return self.accesses.shelf().read(type, id, sight)
        return await self.profiles.read(type, id, sight)

    async def hook_grant(self, authorization: str | None, path: str) -> Grant:
        """Who calls a hook; its token is for exactly this address, as others reach it."""
        if self.clients is None:
            return EVERYBODY
        return await self.clients.grant(authorization, f"{self.origin}{path}")
