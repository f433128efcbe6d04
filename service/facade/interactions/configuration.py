"""`/.well-known/smart-configuration`: the hospital's authorization server, which we are not.

https://hl7.org/fhir/smart-app-launch/conformance.html
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from service.facade.http import BASE, Wired
from service.facade.outcome import Refusal
from service.facade.search.parameters import SEARCH
from service.facade.watched import Open
from service.settings.serve import Issuer

CONTEXTS = ("patient", "user", "system")
OF_NOBODY = ("List", "MeasureReport")
CAPABILITIES = ["permission-patient", "permission-user", "permission-v1", "permission-v2"]
LAUNCHES = ["launch-ehr", "launch-standalone", "client-public", "context-ehr-patient", "context-standalone-patient"]

router = APIRouter(prefix=BASE, route_class=Open)


@router.get("/.well-known/smart-configuration")
async def configuration(served: Wired) -> Response:
    """Always JSON, whatever is asked for."""
    named = [each for each in served.settings.issuers.values() if each.token_endpoint]
    if served.tokens is None or not named:
        raise Refusal(404, "not-found", "no authorization server is named in the settings of this service")
    return JSONResponse(_told(named[0]))


def _told(issuer: Issuer) -> dict[str, Any]:
    """`issuer` is not told: it would claim OpenID Connect, which is the authorization server's to say."""
    launches = {"authorization_endpoint": issuer.authorization_endpoint} if issuer.authorization_endpoint else {}
    grants = ["authorization_code"] if launches else []
    return {
        **launches,
        "token_endpoint": issuer.token_endpoint,
        "grant_types_supported": [*grants, "client_credentials"],
        "code_challenge_methods_supported": ["S256"],
        "response_types_supported": ["code"],
        "scopes_supported": [f"{context}/{type}.rs" for context in CONTEXTS for type in _within(context)],
        "capabilities": [*CAPABILITIES, *(LAUNCHES if launches else [])],
        **({"introspection_endpoint": issuer.introspection_url} if issuer.introspection_url else {}),
    }


def _within(context: str) -> list[str]:
    """A ranking of patients stands in no patient's compartment."""
    return [type for type in SEARCH if context != "patient" or type not in OF_NOBODY]
