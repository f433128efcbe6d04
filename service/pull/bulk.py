"""An export's order in, its lines in NDJSON files out: downloaded side by side, verified, resumed after a kill.

Files are kept as they came until all are here, so that one which is whole is never fetched again. `export.state` beside
them tells which export they are of and which of them are whole. An export that fails, or is interrupted by a person,
is ended on the server; one that was cut off by a lost connection or a kill is gone on with by the same command.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import msgspec

from service.errors import NotFhir, NotPermitted, Refused, ServerBusy, ServerProblem, Unreachable
from service.pull.brought import Brought, Came
from service.pull.bulk_files import Held, Sieve, outcomes, removed
from service.pull.filters import Filters
from service.pull.gathered import Gathered, alike, gathering, holds, lines_in
from service.pull.manifest import Progress
from service.pull.part import Part, keep
from service.pull.places import Places
from service.server import bulk
from service.server.answers import outcome_text, place
from service.server.bulk import Item, Manifest, Order, Say
from service.server.client import FhirServer
from service.server.crew import each

EXPORTS = 3  # begun again when the links of one have expired
LARGEST_FILE = 64 << 30
BOMB_FROM, BOMB_RATIO = 256 << 20, 400  # NDJSON shrinks to a tenth or a fiftieth


class NotBegun(ServerProblem):
    """Nobody asked for an export by name, and the server does not begin one: a search may do."""


class State(msgspec.Struct):
    """`held`: the files that are whole, by their place in the manifest. Of types that are `done` none is needed."""

    order: Order
    status: str
    manifest: Manifest | None = None
    held: dict[int, Held] = {}
    done: list[str] = []


class Export:
    """`async with Export(...) as export: brought = await export.brought()`; a failure inside ends it on the server."""

    def __init__(self, server: FhirServer, part: Part, order: Order, say: Say, progress: Progress) -> None:
        self.server, self.part, self.order, self.say, self.progress = server, part, order, say, progress
        self.state = _resumed(part, order)
        self.resumed = self.state is not None
        self._places: dict[Path, Places] = {}
        self._placed: set[int] = set()  # downloads of this process

    async def __aenter__(self) -> Export:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, Unreachable | ServerBusy):
            return  # it stands on the server: the same command goes on with it
        await asyncio.shield(self._end())
        if error is not None:
            self._forget()

    async def brought(self) -> Brought:
        state, manifest = await self._downloaded()
        brought = Brought(manifest.transactionTime)
        output, deleted = len(manifest.output), len(manifest.deleted)
        for number, item in enumerate(_items(manifest)):
            if number >= output + deleted:
                self._tell(self._lines(number, item), brought)
            elif number >= output:
                brought.deleted += removed(self._lines(number, item))
            elif item.type not in state.done:
                file = self._file(number, item)
                came = brought.types.setdefault(item.type, Came(file, self._places.get(file)))
                came.places = came.places if number in self._placed else None
                came.downloads.append(state.held[number])
        if strangers := sorted(brought.types.keys() - {*self.order.types}):
            self.say(f"exported, and not asked for: {', '.join(strangers)}; left out")
        return brought

    async def done(self, resource_type: str) -> None:
        """What came of it lies in a sheet that is done: there is no need to fetch it again, or to hold it twice."""
        assert self.state is not None
        self.state.done.append(resource_type)
        await asyncio.to_thread(self._keep, self.state)
        self._named(resource_type).unlink(missing_ok=True)

    def _lines(self, number: int, item: Item) -> Iterator[bytes]:
        assert self.state is not None
        return lines_in(self._file(number, item), self.state.held[number].spans)

    async def _downloaded(self) -> tuple[State, Manifest]:
        """All files whole, of one export."""
        for attempt in range(EXPORTS):
            state = await self._finished()
            assert state.manifest is not None
            try:
                await self._files(state, state.manifest)
            except ServerProblem as error:
                if not bulk.expired(error) or attempt == EXPORTS - 1:
                    raise
                await self._renew(state, state.manifest)
            else:
                return state, state.manifest
        raise AssertionError("the last of them is returned or raised")

    async def _begun(self) -> str:
        try:
            return await bulk.begin(self.server, self.order, self.say)
        except (NotFhir, NotPermitted, Refused) as error:
            if self.server.source.pull != "auto":
                raise
            raise NotBegun(error.what, where=error.where, do=error.do) from error

    async def _finished(self) -> State:
        state = self.state
        if state is None:
            self.state = state = State(self.order, await self._begun())
            self._keep(state)
        if state.manifest is None:
            try:
                state.manifest = await bulk.finished(self.server, state.status)
            except ServerProblem as error:
                if not (bulk.expired(error) and self.resumed):
                    raise
                self.say("the export that was under way is gone from the server: begun again")
                self._forget()
                return await self._finished()
            self._keep(state)
        return state

    async def _renew(self, state: State, before: Manifest) -> None:
        """The same export may name its files anew; else it is begun again, and nothing of it is kept."""
        try:
            now = await bulk.finished(self.server, state.status)
        except ServerProblem:
            now = None
        if now and _items(now) != _items(before) and _shape(now) == _shape(before):
            self.say("the links of the export had expired: its manifest was fetched again")
            state.manifest = now
            self._keep(state)
            return
        self.say("the links of the export had expired: it was begun again")
        await self._end()
        self._forget()

    async def _files(self, state: State, manifest: Manifest) -> None:
        """Those that are not here yet, as many at once as the source bears."""
        one_at_a_time = asyncio.Lock()  # who waits for the disk keeps no other from reading
        waiting = [(n, item) for n, item in enumerate(_items(manifest)) if not self._here(state, manifest, n, item)]

        async def fetch(numbered: tuple[int, Item]) -> None:
            number, item = numbered
            kind = item.type if number < len(manifest.output) else ""
            file = gathered(self._file(number, item))
            sieve = await self._fetched(file, number, kind, item, token=manifest.requiresAccessToken)
            if kind:
                self._place(number, file.path, sieve)
            state.held[number] = sieve.held
            async with one_at_a_time:
                await asyncio.to_thread(self._keep, state)
            self.progress(f"pull {item.type or 'export'}", sieve.held.lines)

        with gathering() as gathered:
            await each(iter(waiting), fetch, workers=min(self.server.in_flight, len(waiting)))

    def _place(self, number: int, file: Path, sieve: Sieve) -> None:
        if file not in self._places:
            self._places[file] = Places(file.with_suffix(f".ids{file.suffix}"))
        self._places[file].add(sieve.digests, sieve.begins)
        self._placed.add(number)

    async def _fetched(self, file: Gathered, number: int, kind: str, item: Item, *, token: bool) -> Sieve:
        """A file that seems cut off is fetched once more, and taken when the same comes again."""
        sieve = await self._verified(file, number, kind, item, token=token)
        if sieve.whole:
            return sieve
        first = sieve.held.spans
        sieve = await self._verified(file, number, kind, item, token=token)
        if not sieve.whole:
            if not (sieve.ends_well and alike(file.path, first, sieve.held.spans)):
                raise NotFhir("a file ends in the middle of a line", where=place(item.url), do="run it again")
            self.say(f"a file of {item.type} lacks its last newline, also when fetched again: taken as whole")
        return sieve

    async def _verified(self, file: Gathered, number: int, kind: str, item: Item, *, token: bool) -> Sieve:
        async for attempt in self.server.tries():
            with attempt:
                sieve = await self._streamed(file, number, kind, item, token=token)
                if item.count is not None and sieve.held.lines != item.count:
                    raise NotFhir(
                        f"a file of {item.type} has {sieve.held.lines:,} lines, and its manifest says {item.count:,}",
                        where=place(item.url),
                        do="run it again",
                    )
                return sieve
        raise AssertionError("stamina either returns or raises")

    async def _streamed(self, file: Gathered, number: int, kind: str, item: Item, *, token: bool) -> Sieve:
        """Straight to the disk, line by line checked, never whole in memory."""
        headers = {"Accept": bulk.NDJSON, "Accept-Encoding": "gzip"}
        filters = Filters.of(kind, self.server.source.bulk_filters)
        async with self.server.stream(item.url, headers, token=token) as response:
            with Sieve(file, kind, number, filters) as sieve:
                async for part in response.aiter_bytes():
                    sieve.feed(part)
                    if _too_large(sieve.size, response.num_bytes_downloaded):
                        raise ServerProblem("a file is too large to be one of an export", where=place(item.url))
        return sieve

    def _tell(self, lines: Iterator[bytes], brought: Brought) -> None:
        """An error makes the export partial; warnings and information are said."""
        for failed, line in outcomes(lines):
            said = outcome_text(line)
            if failed:
                brought.partial.append(said)
            else:
                self.say(f"the server says of the export: {said}")

    async def _end(self) -> None:
        if self.state is not None:
            await bulk.end(self.server, self.state.status)

    def _forget(self) -> None:
        for leftover in self.part.folder.glob("*export*.state"):
            leftover.unlink()
        self.state, self.resumed = None, False
        self._places.clear()
        self._placed.clear()

    def _keep(self, state: State) -> None:
        keep(self.part.state("export"), state)

    def _file(self, number: int, item: Item) -> Path:
        """One for all that is wanted of a type; a name that the server made up is none of a file of ours."""
        assert self.state is not None and self.state.manifest is not None
        wanted = number < len(self.state.manifest.output) and item.type in self.order.types
        return self._named(item.type if wanted else str(number))

    def _named(self, what: str) -> Path:
        return self.part.state(f"export-{what}")

    def _here(self, state: State, manifest: Manifest, number: int, item: Item) -> bool:
        if number < len(manifest.output) and item.type in state.done:
            return True
        return number in state.held and holds(self._file(number, item), state.held[number].spans)


def _too_large(size: int, came: int) -> bool:
    return size > LARGEST_FILE or (size > BOMB_FROM and size > BOMB_RATIO * came)


def _resumed(part: Part, order: Order) -> State | None:
    try:
        state = msgspec.json.decode(part.state("export").read_bytes(), type=State)
    except (OSError, msgspec.MsgspecError):
        return None
    return state if state.order == order else None


def _items(manifest: Manifest) -> list[Item]:
    return [*manifest.output, *manifest.deleted, *manifest.error]


def _shape(manifest: Manifest) -> list[tuple[str, int | None]]:
    return [(item.type, item.count) for item in _items(manifest)]
