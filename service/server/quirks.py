"""Where real servers differ from the specification: each as data, with the server and the version where it was seen."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Quirk:
    name: str
    software: str
    seen: str
    spec: str


IF_NONE_MATCH_IGNORED = Quirk(
    "if-none-match-ignored",
    software="HAPI",
    seen='8.8.0: PUT with If-None-Match: * overwrites; If-Match: W/"0" gives 201 if absent, else 409',
    spec="R4 http.html#cond-update",
)
STALE_MATCH_409 = Quirk(
    "stale-match-409",
    software="HAPI",
    seen="8.8.0: PUT, PATCH, and the whole transaction",
    spec="R4 http.html#concurrency asks for 412",
)
SOURCE_SUFFIX = Quirk(
    "source-suffix",
    software="HAPI",
    seen="8.8.0: meta.source comes back with #<request id> added",
    spec="R4 resource.html#Meta: source is a uri that the server keeps",
)

QUIRKS = (IF_NONE_MATCH_IGNORED, STALE_MATCH_409, SOURCE_SUFFIX)


def quirks_of(software: str) -> frozenset[Quirk]:
    """The quirks known of a server that calls itself `software` in its CapabilityStatement."""
    return frozenset(quirk for quirk in QUIRKS if quirk.software.lower() in software.lower())
