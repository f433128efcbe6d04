"""A Patient's bytes and the extension that it shall bear in, a JSON Patch out that changes this one place alone.

https://hl7.org/fhir/R4/http.html#patch: the test operations refuse it where something else stands by then.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from service.compose.canonical import PATIENT_PERSONALIZATION
from service.write_back.patient import Borne, borne, count_extensions, urls

Operation = dict[str, Any]

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')
_FRACTION = re.compile(rb"\d[.eE]")


def patch(patient: bytes, wanted: Borne | None) -> bytes:
    """The same change as `bearing` makes, where it is `patchable`; an empty patch where there is nothing to change."""
    present = borne(patient)
    if present is None:
        operations = _added(patient, wanted) if wanted else []
    elif wanted is None:
        operations = _taken_off(patient, present)
    else:
        place = f"/extension/{present.at}"
        operations = [_test(present.at, PATIENT_PERSONALIZATION), _put("replace", place, wanted.extension)]
    return msgspec.json.encode(operations)


def patchable(patient: bytes) -> bool:
    """Not with a fraction in it: some servers patch by way of floating point, and give what was 100.00 back as 100.0
    (seen on HAPI 8.8.0). A whole resource they store as it comes."""
    return not _FRACTION.search(_STRING.sub(b"", patient))


def _added(patient: bytes, wanted: Borne) -> list[Operation]:
    """At its own place, where it was taken from once; that nothing stands there yet is for If-Match to know."""
    count = count_extensions(patient)
    if not count:
        return [_put("add", "/extension", msgspec.Raw(b"[" + bytes(wanted.extension) + b"]"))]
    last = _test(count - 1, urls(patient)[-1])
    return [last, _put("add", f"/extension/{min(wanted.at, count)}", wanted.extension)]


def _taken_off(patient: bytes, present: Borne) -> list[Operation]:
    """An empty array is no FHIR JSON, so the last one takes the array with it."""
    alone = count_extensions(patient) == 1
    place = "/extension" if alone else f"/extension/{present.at}"
    return [_test(present.at, PATIENT_PERSONALIZATION), {"op": "remove", "path": place}]


def _test(at: int, url: str) -> Operation:
    return _put("test", f"/extension/{at}/url", url)


def _put(op: str, path: str, value: Any) -> Operation:
    return {"op": op, "path": path, "value": value}
