"""A file of an export in; its lines that fit, or what it says was deleted or went wrong, out."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator
from itertools import accumulate

import msgspec

from service.pull.filters import Filters
from service.pull.gathered import Gathered, Span
from service.pull.heads import LONGEST_LINE, Unfit, all_fit, checked
from service.pull.places import digest
from service.pull.sheet import Aside

FAILED = ("fatal", "error")
NAMELESS = "?"
_REFERENCE = re.compile(r"([A-Z][A-Za-z]+/[A-Za-z0-9.-]+)(?:/_history/.*)?$")


class _Request(msgspec.Struct):
    method: str = ""
    url: str = ""


class _Entry(msgspec.Struct):
    request: _Request = msgspec.field(default_factory=_Request)


class _Bundle(msgspec.Struct):
    entry: list[_Entry] = []


class _Issue(msgspec.Struct):
    severity: str = "error"


class _Outcome(msgspec.Struct):
    issue: list[_Issue] = []


_bundle = msgspec.json.Decoder(_Bundle)
_outcome = msgspec.json.Decoder(_Outcome)


class Held(msgspec.Struct):
    """A file that is whole: how many lines came, which were set aside, whether all others are dated, where they are."""

    lines: int = 0
    aside: list[Aside] = []
    dated: bool = True
    spans: list[Span] = []


class Sieve:
    """`with Sieve(...) as sieve: sieve.feed(part)`: a file as it comes in, its lines that fit gathered out.

    Without a type every line is kept. `whole` says afterwards whether the last line had an end, `ends_well` whether it
    could be one all the same; `digests` and `begins` tell the ids of those kept, and where in the gathered file.
    """

    def __init__(self, gathered: Gathered, resource_type: str, number: int, filters: Filters) -> None:
        self.type, self.held = resource_type, Held()
        self.digests, self.begins = array("Q"), array("Q")
        self.size, self.whole, self.ends_well = 0, True, True
        self._gathered = gathered
        self._place, self._filters = f"{resource_type} export, file {number + 1}, line", filters
        self._rest, self._too_long = b"", False

    def __enter__(self) -> Sieve:
        return self

    def __exit__(self, kind: type[BaseException] | None, _error: BaseException | None, _trace: object) -> None:
        if kind is None and self._rest:
            self.whole = False
            asides = len(self.held.aside)
            self._kept([self._rest])
            self.ends_well = len(self.held.aside) == asides
        self._gathered.flush()

    def feed(self, part: bytes) -> None:
        self.size += len(part)
        ends = part.rfind(b"\n") + 1
        if not ends:
            self._grows(part)
            return
        lines = self._rest + part[:ends]
        self._rest, self._too_long = part[ends:], False
        if not self._all_kept(lines):
            self._kept([line for line in map(bytes.rstrip, lines.split(b"\n")) if line])

    def _all_kept(self, lines: bytes) -> bool:
        """As they came, where every one is fit: to look at each by itself takes three times as long."""
        fit = all_fit(lines, self.type) if self.type and not self._filters.queries else None
        if fit is None:
            return False
        found, begins = fit
        place = self._gathered.add(lines, self.held.spans)
        self.held.lines += len(found)
        self.held.dated = self.held.dated and all(each.meta.lastUpdated for each in found)
        self.digests.extend(digest(each.id.encode()) for each in found)
        self.begins.extend(place + begin for begin in begins)
        return True

    def _grows(self, part: bytes) -> None:
        """A line without an end so far; once it is too long to pass, no more of it is held than says so."""
        if not self._too_long:
            self._rest += part
            self._too_long = len(self._rest) > LONGEST_LINE

    def _kept(self, lines: list[bytes]) -> None:
        if fit := self._fitting(lines) if self.type else lines:
            place = self._gathered.add(b"\n".join((*fit, b"")), self.held.spans)
            self.begins.extend([*accumulate((len(each) + 1 for each in fit), initial=place)][:-1])
        self.held.lines += len(lines)

    def _fitting(self, lines: list[bytes]) -> list[bytes]:
        fit, held, add = [], self.held, self.digests.append
        for number, line in enumerate(self._filters.passed(lines), held.lines + 1):
            try:
                found = checked(line, self.type, NAMELESS)
            except Unfit as unfit:
                where = f"{self._place} {number}" if unfit.where == NAMELESS else unfit.where
                held.aside.append(Aside(where, unfit.why))
                continue
            if not found.meta.lastUpdated:
                held.dated = False
            add(digest(found.id.encode()))
            fit.append(line)
        return fit


def removed(lines: Iterable[bytes]) -> list[str]:
    """`Type/id` of every DELETE in transaction Bundles; what is no Bundle removes nothing."""
    return [reference for line in lines for reference in _removed(line)]


def _removed(line: bytes) -> Iterator[str]:
    try:
        entries = _bundle.decode(line).entry
    except (msgspec.MsgspecError, RecursionError):
        return
    for entry in entries:
        found = _REFERENCE.search(entry.request.url)
        if found and entry.request.method == "DELETE":
            yield found[1]


def outcomes(lines: Iterable[bytes]) -> Iterator[tuple[bool, bytes]]:
    """(whether it tells of a failure, the OperationOutcome); what is none tells of one, for nobody knows."""
    for line in lines:
        try:
            issues = _outcome.decode(line).issue
        except (msgspec.MsgspecError, RecursionError):
            yield True, line
            continue
        yield any(issue.severity in FAILED for issue in issues), line
