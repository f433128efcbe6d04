"""The bytes of a resource as a client sent them in, the bytes to store out: only `id` and `meta` are the server's.

Values are kept as raw JSON text, so 100.00 stays 100.00 and content unknown to any model survives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import msgspec

from service.sandbox.dates import instant
from service.sandbox.outcome import malformed

Fields = dict[str, msgspec.Raw]

_fields = msgspec.json.Decoder(Fields)
# 1.0 and 1.00 are different content in FHIR, so numbers are compared as they are written.
_as_written = msgspec.json.Decoder(float_hook=lambda text: ("number", text))
_KEPT_LABELS = ("tag", "security")
_SUBSETTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}


@dataclass(frozen=True, slots=True)
class Content:
    """A resource taken apart one level deep."""

    type: str
    id: str | None
    fields: Fields
    meta: Fields

    def of(self, type: str) -> Content:
        """The same content; refused unless it is a resource of this type."""
        if self.type != type:
            raise malformed(f"resourceType is {self.type!r}, the address says {type}")
        return self

    def named(self, id: str) -> Content:
        return replace(self, id=id)


def parse(body: bytes) -> Content:
    """JSON bytes -> Content. Refuses what is no JSON object with a resourceType, or has an unusable meta."""
    try:
        body.decode()
        fields = _fields.decode(body)
        meta = _fields.decode(fields["meta"]) if "meta" in fields else {}
        _check_labels(meta)
    except (ValueError, RecursionError) as error:
        raise malformed(f"the body is no FHIR JSON: {error}") from None
    type = _text(fields, "resourceType")
    if not type:
        raise malformed("the body has no resourceType")
    return Content(type, _text(fields, "id"), fields, meta)


def _check_labels(meta: Fields) -> None:
    """Raises unless tags and labels are lists of objects: later versions have to merge them."""
    for key in meta.keys() & set(_KEPT_LABELS):
        msgspec.json.decode(meta[key], type=list[dict[str, Any]])


def _text(fields: Mapping[str, msgspec.Raw], name: str) -> str | None:
    value = msgspec.json.decode(fields[name]) if name in fields else None
    if value is not None and not isinstance(value, str):
        raise malformed(f"{name} must be a string")
    return value


def stamp(content: Content, version: int, updated: int, before: Content | None) -> bytes:
    """The bytes of this version: sent content, the server's versionId and lastUpdated, and the labels it had."""
    meta: dict[str, Any] = {"versionId": str(version), "lastUpdated": instant(updated)}
    meta |= {key: raw for key, raw in content.meta.items() if key not in meta}
    if before:
        meta |= _merged_labels(before.meta, content.meta)
    head = {"resourceType": content.type, "id": content.id, "meta": meta}
    rest = {key: raw for key, raw in content.fields.items() if key not in head}
    return msgspec.json.encode(head | rest)


def _merged_labels(before: Fields, now: Fields) -> dict[str, Any]:
    """Servers merge tags and labels on update (HAPI #4993), so a PUT cannot take one away."""
    merged = {}
    for key in _KEPT_LABELS:
        kept = _labels(before, key)
        known = {_token(label) for label in kept}
        merged[key] = kept + [label for label in _labels(now, key) if _token(label) not in known]
    return {key: labels for key, labels in merged.items() if labels}


def _labels(meta: Fields, key: str) -> list[dict[str, Any]]:
    return msgspec.json.decode(meta[key]) if key in meta else []


def _token(label: dict[str, Any]) -> tuple[Any, Any]:
    return label.get("system"), label.get("code")


def part(body: bytes, elements: tuple[str, ...]) -> bytes:
    """These elements of a resource, and what says that it is no more than a part. The rest is not looked at."""
    told = _elements(elements).decode(body)
    meta = _fields.decode(told.meta)
    fields = {name: getattr(told, name) for name in told.__struct_fields__}
    fields["meta"] = meta | {"tag": [*_labels(meta, "tag"), _SUBSETTED]}
    return msgspec.json.encode({name: value for name, value in fields.items() if value != msgspec.Raw()})


@cache
def _elements(names: tuple[str, ...]) -> msgspec.json.Decoder[Any]:
    wanted = dict.fromkeys(("resourceType", "id", "meta", *names))
    return msgspec.json.Decoder(msgspec.defstruct("Part", [(name, msgspec.Raw, msgspec.Raw()) for name in wanted]))


def same(one: bytes, other: bytes) -> bool:
    """Whether two stored resources differ in no more than versionId, lastUpdated, spacing and the order of keys."""
    return _timeless(one) == _timeless(other)


def _timeless(body: bytes) -> dict[str, Any]:
    resource: dict[str, Any] = _as_written.decode(body)
    resource["meta"] = {k: v for k, v in resource["meta"].items() if k not in ("versionId", "lastUpdated")}
    return resource
