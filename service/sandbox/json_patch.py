"""A resource's bytes and a JSON Patch in, the patched bytes out: numbers stay as they were written.

https://www.rfc-editor.org/rfc/rfc6902, https://hl7.org/fhir/R4/http.html#patch
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from service.sandbox.outcome import Refusal, malformed

_tree = msgspec.json.Decoder(float_hook=Decimal)
_text = msgspec.json.Encoder(decimal_format="number")


class Operation(msgspec.Struct):
    op: str
    path: str
    value: Any = None


_operations = msgspec.json.Decoder(list[Operation], float_hook=Decimal)


def patched(resource: bytes, patch: bytes) -> bytes:
    """All operations in their order, or a Refusal: 400 for what is no patch, 422 for what does not fit."""
    try:
        operations = _operations.decode(patch)
    except (ValueError, RecursionError) as error:
        raise malformed(f"the body is no JSON Patch: {error}") from None
    tree = _tree.decode(resource)
    for operation in operations:
        _apply(tree, operation)
    return _text.encode(tree)


def _apply(tree: Any, operation: Operation) -> None:
    if operation.op not in _DO:
        raise malformed(f"op {operation.op!r} is not supported; these are: {', '.join(_DO)}")
    *way, last = [_unescaped(step) for step in operation.path.split("/")[1:]] or [""]
    place = tree
    for step in way:
        place = _at(place, step, operation)
    _DO[operation.op](place, last, operation.value, operation)


def _unescaped(step: str) -> str:
    return step.replace("~1", "/").replace("~0", "~")


def _at(place: Any, step: str, operation: Operation) -> Any:
    try:
        return place[int(step)] if isinstance(place, list) else place[step]
    except (KeyError, IndexError, ValueError, TypeError):
        raise _does_not_fit(operation, "there is nothing at that path") from None


def _test(place: Any, last: str, value: Any, operation: Operation) -> None:
    if _at(place, last, operation) != value:
        raise _does_not_fit(operation, "another value stands there")


def _add(place: Any, last: str, value: Any, operation: Operation) -> None:
    if isinstance(place, list):
        at = len(place) if last == "-" else int(last) if last.isdecimal() else -1
        if not 0 <= at <= len(place):
            raise _does_not_fit(operation, "there is no such place in the array")
        place.insert(at, value)
    elif isinstance(place, dict):
        place[last] = value
    else:
        raise _does_not_fit(operation, "a value holds nothing")


def _replace(place: Any, last: str, value: Any, operation: Operation) -> None:
    _at(place, last, operation)
    place[int(last) if isinstance(place, list) else last] = value


def _remove(place: Any, last: str, _value: Any, operation: Operation) -> None:
    _at(place, last, operation)
    del place[int(last) if isinstance(place, list) else last]


def _does_not_fit(operation: Operation, why: str) -> Refusal:
    return Refusal(422, "processing", f"{operation.op} {operation.path}: {why}")


_DO = {"test": _test, "add": _add, "replace": _replace, "remove": _remove}
