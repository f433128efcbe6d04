"""charlson.toml in; codes and weights of the comorbidities out."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from importlib.resources import files
from typing import Any


def systems() -> list[str]:
    """The URLs by which ICD-10 and its national editions go."""
    return list(_document()["systems"])


def categories() -> list[dict[str, Any]]:
    """name, classic, schneeweiss, unless"""
    return [{"unless": None, **{k: v for k, v in each.items() if k != "codes"}} for each in _document()["category"]]


def prefixes() -> list[dict[str, str]]:
    """prefix (of a code without its dot), category"""
    return [
        {"prefix": prefix, "category": each["name"]}
        for each in _document()["category"]
        for code in each["codes"]
        for prefix in _expanded(code.replace(".", ""))
    ]


def _expanded(code: str) -> Iterator[str]:
    """`I42.5-I42.9` is five codes; whatever is no range is one."""
    if "-" not in code:
        yield code
        return
    first, last = code.split("-")
    for number in range(int(first[1:]), int(last[1:]) + 1):
        yield f"{first[0]}{number:0{len(first) - 1}}"


def _document() -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("charlson.toml").read_text("utf-8"))
