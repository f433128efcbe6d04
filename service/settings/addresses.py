"""An address as it was typed in, the same as a stable name out."""

from __future__ import annotations

from typing import Annotated

import httpx
from pydantic import AfterValidator


def normal_base(url: str) -> str:
    """A base URL as a stable name: lower-case host, no default port, no trailing slash, nothing after the path."""
    try:
        parsed = httpx.URL(url.strip())
    except httpx.InvalidURL as error:
        raise ValueError(f"{url!r} is no address: {error}") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ValueError(f"{url!r} is no http or https address")
    if parsed.port is not None and not 0 < parsed.port < 65536:
        raise ValueError(f"{url!r}: no port has that number")
    if parsed.userinfo or parsed.query or parsed.fragment:
        raise ValueError("a base address holds no user, query or fragment")
    return str(parsed).rstrip("/")


Base = Annotated[str, AfterValidator(normal_base)]
