"""A Patient's bytes in, the same bytes with only our extension changed out.

The Patient is never parsed into a model: every other element is carried over as the text that came, so that the key
order, unknown elements and the digits of 100.00 survive.
"""

from __future__ import annotations

import msgspec

from service.compose.canonical import PATIENT_PERSONALIZATION
from service.compose.content import Json, parse, value_of

Fields = dict[str, msgspec.Raw]

_fields = msgspec.json.Decoder(Fields)
_list = msgspec.json.Decoder(list[msgspec.Raw])


class _Url(msgspec.Struct):
    url: str = ""


NAME = PATIENT_PERSONALIZATION.rpartition("/")[2].encode()
_url = msgspec.json.Decoder(_Url)


class Borne(msgspec.Struct, frozen=True):
    """Our extension as a Patient bears it: its JSON, and its place among the Patient's extensions."""

    at: int
    extension: msgspec.Raw

    @property
    def content(self) -> Json:
        return parse(bytes(self.extension))

    def encoded(self) -> bytes:
        return msgspec.json.encode(self)


def encoded(borne: Borne | None) -> bytes | None:
    """For the catalog: None where nothing is borne."""
    return borne.encoded() if borne else None


def decoded(body: bytes | None) -> Borne | None:
    return msgspec.json.decode(body, type=Borne) if body else None


def borne(patient: bytes) -> Borne | None:
    """Our extension on this Patient; None where it bears none."""
    if NAME not in patient and b"\\u" not in patient:  # most bear none, and are not taken apart to see it
        return None
    for at, extension in enumerate(_extensions(_fields.decode(patient))):
        if _url.decode(extension).url == PATIENT_PERSONALIZATION:
            return Borne(at, msgspec.Raw(bytes(extension)))
    return None


def bearing(patient: bytes, wanted: Borne | None) -> bytes:
    """The Patient with `wanted` in place of our extension, at its own place where there was none; or without any."""
    fields = _fields.decode(patient)
    extensions, present = _extensions(fields), borne(patient)
    if present:
        del extensions[present.at]
    if wanted:
        extensions.insert(present.at if present else wanted.at, wanted.extension)
    if extensions:
        fields["extension"] = msgspec.Raw(msgspec.json.encode(extensions))
    else:
        fields.pop("extension", None)
    return msgspec.json.encode(fields)


def count_extensions(patient: bytes) -> int:
    return len(_extensions(_fields.decode(patient)))


def urls(patient: bytes) -> list[str]:
    """Of its extensions, in their order."""
    return [_url.decode(extension).url for extension in _extensions(_fields.decode(patient))]


def panel_of(extension: Json) -> str | None:
    """The id of the panel that a Patient's extension points at."""
    reference = (value_of(extension, "profile") or {}).get("reference", "")
    return str(reference).rpartition("Observation/")[2] or None


def _extensions(fields: Fields) -> list[msgspec.Raw]:
    return _list.decode(fields["extension"]) if "extension" in fields else []
