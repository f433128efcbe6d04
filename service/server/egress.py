"""An address in, whether it is this machine out; connections to this machine are pinned to the address checked.

The name proves nothing: `localhost.example.org` may lead anywhere, and a name may lead elsewhere a second later. So
the host is looked up once, and every connection then goes to the address found.
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import ssl
from collections.abc import Collection
from functools import cache
from typing import get_args

import httpx

from service.errors import PagingBroken, ServerProblem, WriteRefused, WrongUsage
from service.settings import LOCAL_INSTALLATION, Source, WriteRung

# The furthest first: an owner's choice is a ceiling, and what a server does not take goes to one after it.
RUNGS: tuple[WriteRung, ...] = get_args(WriteRung)


def loopback_address(url: str) -> str | None:
    """The loopback address behind `url`'s host when all its addresses are loopback, else None."""
    parsed = httpx.URL(url)
    try:
        found = socket.getaddrinfo(parsed.host, parsed.port or 80, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError):
        return None
    addresses = sorted({str(entry[4][0]) for entry in found})
    if addresses and all(ipaddress.ip_address(address.split("%")[0]).is_loopback for address in addresses):
        return addresses[0]
    return None


def names_this_machine(host: str) -> bool:
    """By the name or number alone, for what is only compared and never gone to: nothing is looked up."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def certificates() -> ssl.SSLContext:
    """Of those who vouch for servers. To read them takes 26 ms, and a run has several clients."""
    return _certificates(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@cache
def _certificates(_file: str | None, _folder: str | None) -> ssl.SSLContext:
    return httpx.create_ssl_context()


class Pinned(httpx.AsyncBaseTransport):
    """Sends every request to one checked address, whatever the host's name resolves to by then."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._inner = httpx.AsyncHTTPTransport(verify=certificates(), retries=1)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions = {**request.extensions, "sni_hostname": request.url.host}
        if request.url.host != self._address:
            request.url = request.url.copy_with(host=self._address)
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


def may_write(source: Source, loopback: bool, installation: str) -> None:
    """The safety rule: only loopback, or a source named in the settings by an installation that has a name."""
    if loopback:
        return
    if not source.configured:
        raise WriteRefused(
            "nothing is written to an address that is neither on this machine nor named in personalize.toml",
            where=source.url,
            do="add it under [sources.NAME] if it is yours, or leave --apply away",
        )
    if installation == LOCAL_INSTALLATION:
        raise WriteRefused(
            "this installation has no name yet, so it writes to this machine only",
            where=source.url,
            do='set installation = "..." in personalize.toml, one name for good',
        )


def known_rung(asked: str | None) -> WriteRung | None:
    """A word given to --write as a rung; None where none was given."""
    if asked is None or asked in RUNGS:
        return asked
    raise WrongUsage(f"--write {asked!r} is unknown", do="write " + ", ".join(RUNGS))


def rung(source: Source, loopback: bool, asked: WriteRung | None) -> WriteRung:
    """How far writing may go: on this machine as asked, elsewhere as the source's owner set it, or less."""
    if asked is None:
        return source.write
    if loopback or not beyond(asked, source.write):
        return asked
    raise WriteRefused(
        f"--write {asked} goes further than this source's owner allows, which is {source.write}",
        where=source.url,
        do=f'leave --write away, or set write = "{asked}" under that source in personalize.toml',
    )


def beyond(one: WriteRung, other: WriteRung) -> bool:
    """Whether `one` goes further than `other`."""
    return RUNGS.index(one) < RUNGS.index(other)


_ORIGIN = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")


_UPWARDS = re.compile(r"[/\\](?:\.|%2e){2}(?:[/\\]|$)", re.IGNORECASE)


def within(base: str, link: str) -> str:
    """A link the server gave, as one under `base`'s origin, its path and query kept to the letter.

    Proxies advertise hosts that cannot be reached (`:443:443`, inner names): the origin is always ours. A link that
    leaves the base path altogether is refused. Relative ones (Aidbox, Canvas) are resolved by hand: re-parsing would
    encode Azure's tokens twice.
    """
    ours = _ORIGIN.match(base)
    origin = ours.group() if ours else ""
    path = base[len(origin) :]
    theirs = _ORIGIN.match(link)
    if theirs:
        rest = link[theirs.end() :]
    elif link.startswith("/"):
        rest = link
    else:
        rest = f"{path}{link}" if link.startswith("?") else f"{path}/{link}"
    inside = rest == path or rest.startswith((f"{path}/", f"{path}?"))
    if inside and not _UPWARDS.search(rest.split("?")[0]):
        return origin + rest
    raise PagingBroken(
        "the next link leads away from the server's base",
        where=base,
        do="ask its owner to mend the base address it advertises",
    )


def of_export(base: str, link: str, origins: Collection[str] = ()) -> str:
    """The address of an export's status or file: the server's own, or at one of `origins`, which its owner named.

    Its place on the server is free. What lies below the base path at another origin is the server's own as a proxy
    names it, and is asked for at ours.
    """
    ours, theirs = _ORIGIN.match(base), _ORIGIN.match(link)
    if not ours or ".." in link.split("?")[0].split("/"):
        raise _astray(link)
    if not theirs:
        return ours.group() + link if link.startswith("/") else f"{base}/{link}"
    rest, path = link[theirs.end() :], base[ours.end() :]
    if _same_origin(ours.group(), theirs.group()) or _origin(theirs.group()) in {_origin(each) for each in origins}:
        return link
    if path and rest.startswith(f"{path}/"):
        return ours.group() + rest
    raise _astray(link)


def _same_origin(one: str, other: str) -> bool:
    return _origin(one) == _origin(other)


def _origin(url: str) -> tuple[str, str, int | None]:
    parsed = httpx.URL(url)
    return parsed.scheme, parsed.host, parsed.port


def _astray(link: str) -> ServerProblem:
    host = httpx.URL(link).host if _ORIGIN.match(link) else "?"
    return ServerProblem(
        f"an export leads to another origin, {host}",
        where="its status or a file",
        do="name that origin in bulk_origins of this source if it is where the server keeps its files",
    )
