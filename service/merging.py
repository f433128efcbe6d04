"""A Patient's line in, the records that it is one person's with out: those that it replaced or was replaced by.

https://hl7.org/fhir/R4/valueset-link-type.html: `refer` and `seealso` merge nothing.
"""

from __future__ import annotations

import msgspec

MERGING = ("replaced-by", "replaces")


class _Other(msgspec.Struct):
    reference: str = ""


class _Link(msgspec.Struct):
    other: _Other = msgspec.field(default_factory=_Other)
    type: str = ""


class _Linking(msgspec.Struct):
    link: list[_Link] = []


_linking = msgspec.json.Decoder(_Linking)


def merged_with(line: bytes) -> list[str]:
    """References as the line has them; one of another shape says nothing here: flattening sets it aside."""
    if b'"link"' not in line:
        return []
    try:
        return [link.other.reference for link in _linking.decode(line).link if link.type in MERGING]
    except msgspec.MsgspecError:
        return []
