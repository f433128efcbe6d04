"""A sandbox in, what goes wrong with its pages out: hooks that several tests play."""

import json

import httpx
from fastapi import Response

from service.sandbox.http import FHIR_JSON


def omitting(server):
    """Pages shift while others write: one resource slips from a page not yet read to one that was. Tells which page."""
    left_out = []

    def omits(_method, path, _body):
        if "_getpages" not in path or left_out:
            return None
        left_out.append(path)
        page = httpx.get(f"{server.url}{path.removeprefix('/fhir')}").json()
        page["entry"].pop()
        return Response(json.dumps(page), media_type=FHIR_JSON)

    server.before = omits
    return left_out


def looping(url, words):
    """A hook: a page at a path with these words has a next link that leads to itself."""
    page = {"resourceType": "Bundle", "link": [{"relation": "next", "url": f"{url}?_getpages=again"}]}
    return lambda _method, path, _body: (
        Response(json.dumps(page), media_type=FHIR_JSON) if words in path or "=again" in path else None
    )
