"""An address that the operator named in, the small JSON document there out. Keys and introspection come this way alone.

No redirect is followed, and nothing is asked over plain http but on this machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec

from service.server.egress import Pinned, certificates, loopback_address

LARGEST = 256 * 1024
SECONDS = 5.0


class Unanswered(Exception):
    """It could not be asked, or what it said is no answer; the words hold nothing that was sent."""


class Asking:
    """One address; `client_id` and `secret` for HTTP Basic where it wants to know who asks."""

    def __init__(self, url: str, client_id: str = "", secret: str = "") -> None:
        self._url = url
        pinned = loopback_address(url)
        if pinned is None and urlsplit(url).scheme != "https":
            raise Unanswered("it is asked over https only")
        self._http = httpx.AsyncClient(
            auth=httpx.BasicAuth(client_id, secret) if client_id else None,
            headers={"Accept": "application/json"},
            timeout=SECONDS,
            verify=certificates(),
            transport=Pinned(pinned) if pinned else None,
            follow_redirects=False,
        )

    async def get(self) -> dict[str, Any]:
        return await self._asked("GET")

    async def post(self, form: Mapping[str, str]) -> dict[str, Any]:
        return await self._asked("POST", form)

    async def _asked(self, method: str, form: Mapping[str, str] | None = None) -> dict[str, Any]:
        try:
            async with self._http.stream(method, self._url, data=form) as response:
                if response.status_code != httpx.codes.OK:
                    raise Unanswered(f"HTTP {response.status_code}")
                return msgspec.json.decode(await _whole(response), type=dict[str, Any])
        except (httpx.HTTPError, msgspec.MsgspecError) as error:
            raise Unanswered(type(error).__name__) from None


async def _whole(response: httpx.Response) -> bytes:
    body = bytearray()
    async for part in response.aiter_bytes():
        body += part
        if len(body) > LARGEST:
            raise Unanswered(f"it is longer than {LARGEST} bytes")
    return bytes(body)
