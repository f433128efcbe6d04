"""Which way of logging on a source's settings name."""

from __future__ import annotations

from collections.abc import Generator
from urllib.parse import urlsplit

import httpx
import structlog

from service.errors import WrongUsage
from service.server.auth.backend_services import BackendServices, Client
from service.server.auth.keys import read_key
from service.server.egress import loopback_address
from service.settings import Source


class Bearer(httpx.Auth):
    """One token, given from outside."""

    def __init__(self, token: str) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request


def auth_of(source: Source, *, loopback: bool) -> httpx.Auth | None:
    """None where the source is open. Nothing secret is sent over plain http, but on this machine."""
    way = _way(source, loopback)
    if way and source.url.startswith("http:") and not loopback:
        raise WrongUsage("nothing secret is sent over plain http", where=source.url, do="name its https address")
    return way


def _way(source: Source, loopback: bool) -> httpx.Auth | None:
    if source.client_id:
        return _backend_services(source, loopback)
    if source.username:
        return httpx.BasicAuth(source.username, source.basic())
    token = source.bearer()
    return Bearer(token) if token else None


def _backend_services(source: Source, loopback: bool) -> BackendServices:
    if source.key_file is None:
        raise WrongUsage("client_id without key_file", where=f"sources.{source.name}", do="name the private key's file")
    client = Client(
        base=source.url,
        client_id=source.client_id,
        key=read_key(source.key_file),
        scopes=source.scopes,
        token_url=source.token_url,
        audience=source.audience,
        writes=source.write != "none",
        also_read=source.also_read,
    )

    def may_ask(token_url: str) -> None:
        if loopback and loopback_address(token_url) is None:
            raise WrongUsage("a server on this machine names a token endpoint elsewhere", where=_place(token_url))
        if not loopback and urlsplit(token_url).scheme != "https":
            raise WrongUsage("an assertion is sent over https only", where=_place(token_url), do="ask the owner")

    def say(what: str) -> None:
        structlog.get_logger().warning("scopes", source=source.id, said=what)

    return BackendServices(client, may_ask, say)


def _place(url: str) -> str:
    return urlsplit(url)._replace(query="", fragment="", netloc=urlsplit(url).netloc.rpartition("@")[2]).geturl()
