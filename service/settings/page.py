"""The settings model in; docs/settings.md, or a commented personalize.toml, out.

python -m service.settings.page
"""

from __future__ import annotations

import json
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from service.settings import CONFIG_FILE, Settings, Source
from service.settings.jobs import Jobs
from service.settings.own import Own
from service.settings.serve import HookClient, Issuer, Serve

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"
MADE = "<!-- Made by `python -m service.settings.page` from the settings model; a test compares. -->"
OPENING = f"""\
# Settings

`{CONFIG_FILE}` in the directory where `personalize` is run; `personalize sources init` writes a commented one, and
`personalize sources test` tries it. The environment wins over the file: `PERSONALIZE_INSTALLATION`,
`PERSONALIZE_SOURCES__HOSPITAL__TOKEN`. Secrets belong there, or in files of their own that a setting names.
"""
SET_ELSEWHERE = (
    "name",
    "configured",
    "also_read",
    "sources",
    "jobs",
    "serve",
    "own",
    "issuers",
    "hooks",
)  # fmt: skip - by the table's own name, or by nobody
WORDS: dict[Any, str] = {
    str: "text",
    int: "number",
    float: "number",
    bool: "true or false",
    Path: "file",
    SecretStr: "secret",
}


def page() -> str:
    parts = [
        MADE,
        OPENING,
        "## The installation",
        *_table(Settings),
        "",
        "## A source: `[sources.NAME]`",
        *_table(Source),
        "",
        "## A hospital's own views and measures: `[own]`",
        *_table(Own),
        "",
        "## Jobs: `[jobs]`",
        *_table(Jobs),
        "",
        "## What is served: `[serve]`",
        *_table(Serve),
        "",
        "## Who issues access tokens: `[serve.issuers.NAME]`",
        *_table(Issuer),
        "",
        "## Who may call CDS Hooks: `[serve.hooks.NAME]`",
        *_table(HookClient),
    ]
    return "\n".join(parts) + "\n"


def commented(installation: str, name: str, url: str) -> str:
    """A personalize.toml that says all that can be said, most of it as comments."""
    lines = [
        "# Settings of `personalize`, read in this directory. One name for good: it is part of every id written.",
        f"installation = {json.dumps(installation)}",
    ]
    lines += [*_comments(Settings, but=("installation",)), "", f"[sources.{name}]", f"url = {json.dumps(url)}"]
    lines += [*_comments(Source, but=("url",)), "", "[own]", *_comments(Own, but=())]
    lines += ["", "[jobs]", *_comments(Jobs, but=())]
    lines += ["", "[serve]", *_comments(Serve, but=())]
    return "\n".join(lines) + "\n"


def _fields(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    return ((name, field) for name, field in model.model_fields.items() if name not in SET_ELSEWHERE)


def _table(model: type[BaseModel]) -> Iterator[str]:
    yield ""
    yield "| setting | what it is | value | unless set |"
    yield "| --- | --- | --- | --- |"
    for name, field in _fields(model):
        described = str(field.description).replace("|", r"\|")
        yield f"| `{name}` | {described} | {_kind(field.annotation)} | {_default(field)} |"


def _comments(model: type[BaseModel], but: tuple[str, ...]) -> Iterator[str]:
    for name, field in _fields(model):
        if name not in but:
            yield f"# {name} = {_example(field)}  # {field.description} ({_kind(field.annotation)})"


def _example(field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True, validated_data={})
    if isinstance(default, bool | int | float):
        return json.dumps(default)
    if isinstance(default, tuple | dict):
        return "{}" if isinstance(default, dict) else "[]"
    return json.dumps("" if default is None else str(default))


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    default = field.get_default(call_default_factory=True, validated_data={})
    return "" if default in (None, "", (), {}) else f"`{json.dumps(default)}`"


def _kind(annotation: Any) -> str:
    """A type in words."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(f"`{each}`" for each in inner if each != "")
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(words for each in inner if each is not type(None) and (words := _kind(each))))
    if origin is tuple:
        return f"list of {_kind(inner[0])}"
    if origin is dict:
        return f"table of {_kind(inner[1])}"
    if hasattr(annotation, "__metadata__"):
        return _kind(inner[0])
    return WORDS[annotation]


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
