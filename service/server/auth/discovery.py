"""GET [base]/.well-known/smart-configuration in, where and how a token is asked for out. SMART App Launch 2.2.0."""

from __future__ import annotations

from dataclasses import dataclass

import httpx
import msgspec

from service.errors import NotFhir, WrongUsage

PATH = ".well-known/smart-configuration"


class _Configuration(msgspec.Struct):
    token_endpoint: str = ""
    token_endpoint_auth_signing_alg_values_supported: list[str] = []
    capabilities: list[str] = []


@dataclass(frozen=True)
class Discovered:
    """`algorithms` that the server verifies, where it lists any. `v2`: it knows scopes such as system/Patient.rs."""

    token_url: str
    algorithms: tuple[str, ...]
    v2: bool


def request(base: str) -> httpx.Request:
    return httpx.Request("GET", f"{base}/{PATH}", headers={"Accept": "application/json"})


def read(base: str, response: httpx.Response) -> Discovered:
    """Relative addresses in it are taken from the FHIR base."""
    where = f"{base}/{PATH}"
    if response.status_code != httpx.codes.OK:
        raise WrongUsage(
            f"the server tells no way to ask for a token (HTTP {response.status_code})",
            where=where,
            do="set token_url under this source in personalize.toml",
        )
    try:
        told = msgspec.json.decode(response.content, type=_Configuration)
    except msgspec.MsgspecError as error:
        raise NotFhir("this is no SMART configuration", where=where, do="ask its owner") from error
    if not told.token_endpoint:
        raise WrongUsage(
            "the server names no token endpoint", where=where, do="set token_url under this source in personalize.toml"
        )
    token_url = str(httpx.URL(f"{base}/").join(told.token_endpoint))
    return Discovered(
        token_url, tuple(told.token_endpoint_auth_signing_alg_values_supported), "permission-v2" in told.capabilities
    )
