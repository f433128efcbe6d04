"""A resource in, the digest of its content out: equal for what we composed and for what a server made of it.

Servers reorder keys, add to meta and write 0.50 for 0.5, and every night moves asOf and its like: none of that is
content. Everything else is, so that an edit by hand on the server is noticed.
"""

from __future__ import annotations

import base64
import hashlib
from decimal import MAX_PREC, Context, Decimal
from typing import Any

import msgspec

from service.compose.canonical import PATIENT_PERSONALIZATION

Json = dict[str, Any]

NO_CONTENT = {"meta", "text"}
MOVING = {
    "Observation": {"issued", "effectivePeriod"},
    "Provenance": {"recorded"},
    "Flag": {"period"},
    "DocumentReference": {"date", "indexed", "context", "period", "content"},
}
MOVING_PARTS = {"asOf", "validUntil", "reviewBy"}

_WITHOUT_ROUNDING = Context(prec=MAX_PREC)
_LONGEST_INTEGER = 40


def plain(number: Decimal) -> Decimal | int:
    """The one way to write a number: 0.50 is 0.5, and 2.0 is the integer 2."""
    short = number.normalize(_WITHOUT_ROUNDING)
    exponent = short.as_tuple().exponent
    assert isinstance(exponent, int), "JSON knows neither NaN nor infinity"
    return int(short) if 0 <= exponent <= _LONGEST_INTEGER else short


_sorted = msgspec.json.Encoder(decimal_format="number", order="sorted")
_as_composed = msgspec.json.Encoder(decimal_format="number")
_plain_numbers = msgspec.json.Decoder(Json, float_hook=lambda text: plain(Decimal(text)))


def parse(body: bytes) -> Json:
    """JSON from anywhere, its numbers written our way. For comparing only: what goes back is never parsed with this."""
    return _plain_numbers.decode(body)


def encode(resource: Json) -> bytes:
    """Decimals as JSON numbers, digit by digit: no float on the way out."""
    return _as_composed.encode(resource)


def digest(resource: Json) -> str:
    """SHA-256 of the content of a resource or of a patient-personalization extension, as composed or as parsed here."""
    return hashlib.sha256(_sorted.encode(_content(resource))).hexdigest()


def same(one: Json | None, other: Json | None) -> bool:
    """Whether both hold the same content, or neither is there."""
    if one is None or other is None:
        return one is other
    return digest(one) == digest(other)


def identical(one: Json, other: Json) -> bool:
    """Equal in what moves every night, too; only what a server adds by itself may differ."""
    return _without(one, NO_CONTENT) == _without(other, NO_CONTENT)


def fingerprint(resource: Json) -> str:
    """SHA-256 of all but what a server adds by itself: of two that are `identical` the same."""
    return hashlib.sha256(_sorted.encode(_without(resource, NO_CONTENT))).hexdigest()


def _content(element: Json) -> Json:
    if element.get("url") == PATIENT_PERSONALIZATION:
        return {**element, "extension": [part for part in _parts(element) if part.get("url") not in MOVING_PARTS]}
    left_out = NO_CONTENT | MOVING.get(element.get("resourceType", ""), set())
    kept = _without(element, left_out)
    if element.get("resourceType") == "DocumentReference":
        kept["content"] = _attached(element)
    if "extension" in kept:
        kept["extension"] = [_content(extension) for extension in _parts(element)]
    return kept


def _attached(document: Json) -> list[Any]:
    """What a panel in a document says; anything else as it is, so that it differs."""
    attachments = [each.get("attachment", {}) for each in document.get("content", [])]
    return [_content(held) if (held := enclosed(each)) else each for each in attachments]


def enclosed(attachment: Json) -> Json | None:
    """The JSON resource that an attachment holds; None for anything else."""
    try:
        held = parse(base64.b64decode(attachment["data"]))
    except (KeyError, TypeError, ValueError, msgspec.MsgspecError):
        return None
    return held if isinstance(held, dict) else None


def _without(element: Json, left_out: set[str]) -> Json:
    return {key: value for key, value in element.items() if key not in left_out}


def _parts(element: Json) -> list[Json]:
    parts: list[Json] = element.get("extension", [])
    return parts


def find(element: Json, url: str) -> Json | None:
    """The first extension of that url."""
    return next((part for part in _parts(element) if part.get("url") == url), None)


def value_of(extension: Json | None, part: str) -> Any:
    """The value of the first part of that name in a complex extension, whatever its type; None without one."""
    for each in _parts(extension or {}):
        if each.get("url") == part:
            return next((value for key, value in each.items() if key.startswith("value")), None)
    return None


def personalization(resource: Json) -> Json | None:
    """The patient-personalization extension of a panel or a Patient."""
    return find(resource, PATIENT_PERSONALIZATION)
