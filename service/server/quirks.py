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

QUIRKS = (IF_NONE_MATCH_IGNORED,)


def quirks_of(software: str) -> frozenset[Quirk]:
    """The quirks known of a server that calls itself `software` in its CapabilityStatement."""
    return frozenset(quirk for quirk in QUIRKS if quirk.software.lower() in software.lower())
