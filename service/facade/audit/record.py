"""Accesses in, kept as AuditEvents in a file of the lake before they are answered; to be searched like the profiles."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from uuid import uuid4

from service import shelves
from service.compose.content import encode
from service.facade.audit.access import Access
from service.facade.audit.event import events, said_in
from service.facade.outcome import Refusal
from service.facade.store.profile import milliseconds
from service.facade.store.shelf import Shelf
from service.lake import private_directory
from service.server.capability import Release
from service.shelves.journal import Journal


class Accesses:
    """audit/<source>.sqlite; unlike the file of profiles it cannot be made again."""

    def __init__(self, path: Path, release: Release, observer: str, now: Callable[[], dt.datetime]) -> None:
        self._release, self._observer, self._now = release, observer, now
        _made(path, release)
        self._journal = Journal(path)
        self._shelf = Shelf(path, now)

    def keep(self, access: Access) -> None:
        """503 where it cannot be kept: what is not recorded is not shown."""
        moment = self._now()
        happened = events(access, lambda: str(uuid4()), moment, self._observer)
        try:
            self._journal.append(
                _kept(said_in(self._release, event), patient, access.outcome, moment) for patient, event in happened
            )
        except OSError as error:
            raise Refusal(503, "exception", "the access could not be recorded, so nothing is shown") from error

    def shelf(self) -> Shelf:
        """All of them, to be searched."""
        self.settle()
        return self._shelf

    def settle(self) -> None:
        self._journal.move()

    def close(self) -> None:
        self._journal.close()


def _made(path: Path, release: Release) -> None:
    """An empty file where there is none yet."""
    private_directory(path.parent)
    if path.is_file():
        return
    with closing(shelves.connect(path)) as connection:
        path.chmod(0o600)
        shelves.create(connection)
        shelves.tell(connection, build=secrets.token_hex(8), key=secrets.token_bytes(32), fhir=release, published="0")


def _kept(event: dict[str, object], patient: str | None, outcome: str, moment: dt.datetime) -> shelves.Kept:
    at = milliseconds(moment)
    return shelves.Kept(
        "AuditEvent", str(event["id"]), encode(event), patient=patient, updated=at, as_of=at, status=outcome
    )
