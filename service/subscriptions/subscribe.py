"""A source in, its Subscriptions planned, made, renewed and taken back out; a plan writes nothing.

One that nears its end is not changed but replaced, by one with a secret of its own: what its server still sends
meanwhile is taken too, and nothing is lost in between.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from uuid import uuid4

import httpx
import msgspec

from service.errors import NotFhir, Refused, WrongUsage
from service.server.answers import Answer
from service.server.capability import Capability
from service.server.client import FhirServer
from service.server.egress import may_write, names_this_machine
from service.server.search import pages
from service.subscriptions.forms import Form, Wanted, differences
from service.subscriptions.kept import Kept, Subscription, digest_of

TOLD_OF = ("Encounter", "Claim", "ExplanationOfBenefit")
GONE = (404, 410)
Action = Literal["create", "renew", "keep", "remove"]


@dataclass(frozen=True)
class Line:
    """What is to be done about what a Subscription is told by; `old` is the one that stands."""

    action: Action
    criteria: str
    form: Form
    old: Subscription | None = None

    def text(self) -> str:
        ends = f", until {dt.datetime.fromtimestamp(self.old.ends, dt.UTC):%Y-%m-%d %H:%M}Z" if self.old else ""
        return f"{self.action:<8} {self.criteria}{ends}"


@dataclass
class Subscribing:
    """`url` is where the server reaches us; `now` the time."""

    server: FhirServer
    kept: Kept
    url: str
    installation: str
    now: dt.datetime
    notes: list[str] = field(default_factory=list)

    async def plan(self) -> list[Line]:
        """WrongUsage where the server takes no Subscription, or could not reach us safely."""
        _reachable(self.url)
        capability = (await self.server.metadata()).capability
        if not capability.takes("Subscription", "create"):
            raise WrongUsage(
                "this server takes no Subscription", where=self.server.base, do="set changes_at: it is polled then"
            )
        form = self._form(capability)
        return list(self._lines(form, self._criteria(form, capability)))

    def _form(self, capability: Capability) -> Form:
        topics = self.server.source.notify_topics
        if capability.release == "R5":
            if not topics:
                raise WrongUsage("Subscriptions of R5 need a topic", where="notify_topics", do="name the server's")
            return "r5"
        return "backport" if topics else "criteria"

    def _criteria(self, form: Form, capability: Capability) -> Sequence[str]:
        if form != "criteria":
            return self.server.source.notify_topics
        return [f"{each}?" for each in TOLD_OF if capability.states(each)]

    def _lines(self, form: Form, wanted: Sequence[str]) -> Iterator[Line]:
        standing = self.kept.of(self.server.source.id, self.server.base)
        for criteria in wanted:
            old = next((each for each in standing if (each.form, each.criteria) == (form, criteria)), None)
            yield Line(self._action(old), criteria, form, old)
        for each in standing:
            if each.criteria not in wanted or each.form != form:
                yield Line("remove", each.criteria, form, each)

    def _action(self, old: Subscription | None) -> Action:
        if old is None:
            return "create"
        nears = old.ends - self.now.timestamp() < self._span.total_seconds() / 2
        return "renew" if nears or old.theirs is None or old.state in ("off", "error") else "keep"

    @property
    def _span(self) -> dt.timedelta:
        return dt.timedelta(days=self.server.source.notify_days)

    async def apply(self, lines: Sequence[Line]) -> None:
        """The new before the old, so that there is always one that tells."""
        may_write(self.server.source, self.server.loopback, self.installation)
        for each in lines:
            if each.action in ("create", "renew"):
                await self._create(each)
            if each.action in ("renew", "remove") and each.old:
                await self.take_back(each.old)

    async def take_back(self, each: Subscription) -> None:
        """Gone there, then here; whose answer was never seen is looked for by its endpoint."""
        for reference in [each.theirs] if each.theirs else await self._found(each.id):
            try:
                await self.server.write("DELETE", reference)
            except Refused as error:
                if error.status not in GONE:
                    raise
        self.kept.drop(each.id)

    async def _create(self, line: Line) -> None:
        """On record before it is sent: a kill in between leaves none that nobody knows of."""
        secret, end, id = secrets.token_urlsafe(32), self.now + self._span, uuid4().hex
        content = self.server.source.notify_content
        wanted = Wanted(line.form, line.criteria, content, f"{self.url}/notify/{id}", secret, end)
        source, base = self.server.source.id, self.server.base
        kept = Subscription(
            id, source, base, line.form, line.criteria, None, digest_of(secret), "requested", end.timestamp()
        )
        self.kept.keep(kept)
        asked = wanted.resource()
        reference = _named(await self.server.write("POST", "Subscription", msgspec.json.encode(asked)))
        await self._compared(asked, reference)
        self.kept.keep(replace(kept, theirs=reference))

    async def _compared(self, asked: dict[str, Any], reference: str) -> None:
        """A server may make something else of it."""
        answer = await self.server.read(reference)
        stands = msgspec.json.decode(answer.body) if answer else {}
        if changed := differences(asked, stands):
            self.notes.append(f"{reference} stands otherwise than it was asked for: {', '.join(changed)}")

    async def _found(self, id: str) -> list[str]:
        found = []
        async for page in pages(self.server, "Subscription", {"_count": "100"}):
            for body in page.resources:
                if f"/notify/{id}".encode() in body:
                    found.append(f"Subscription/{msgspec.json.decode(body)['id']}")
        return found


def _named(answer: Answer) -> str:
    """The reference of what was created, from where the server says that it is."""
    parts = httpx.URL(answer.headers.get("Location", "")).path.split("/_history/")[0].split("/")
    if parts[-2:-1] == ["Subscription"]:
        return "/".join(parts[-2:])
    try:
        return f"Subscription/{msgspec.json.decode(answer.body)['id']}"
    except (msgspec.MsgspecError, KeyError, TypeError) as error:
        raise NotFhir(
            "what was created has no address", where="Subscription", do="look for it, and delete it"
        ) from error


def _reachable(url: str) -> None:
    """By https, unless it never leaves this machine."""
    parsed = httpx.URL(url) if url else httpx.URL("")
    if parsed.scheme == "https" or (parsed.scheme == "http" and names_this_machine(parsed.host)):
        return
    raise WrongUsage(
        "notifications are received by https alone, but from this machine",
        where=url or "serve.url",
        do="set url under [serve] to the address by which that server reaches `personalize serve`",
    )


async def renew(server: FhirServer, kept: Kept, url: str, installation: str, now: dt.datetime) -> list[Line]:
    """Those alone that were asked for by `subscribe --apply` and near their end; nothing that was never asked for."""
    subscribing = Subscribing(server, kept, url, installation, now)
    lines = [each for each in await subscribing.plan() if each.action == "renew"]
    await subscribing.apply(lines)
    return lines
