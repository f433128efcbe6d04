"""What is kept of a profile for it in, a card out: for staff, in words that the patient may read, too.

https://cds-hooks.hl7.org/2.0/#card-attributes
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import msgspec

from service.compose.canonical import CATEGORY

LONGEST = 139
LABEL = "Personalization profile"
STANDARD = "standard"

Json = dict[str, Any]


class Gist(msgspec.Struct):
    level: str | None
    pathways: list[str]
    reasons: list[str]
    as_of: str


_gist = msgspec.json.Decoder(Gist)


def cards(kept: bytes, displays: Mapping[str, str], origin: str, app: str) -> list[Json]:
    """One, or none where there is nothing beyond what everybody gets. `displays` are the words of pathways."""
    gist = _gist.decode(kept)
    if gist.level in (None, STANDARD) and not gist.pathways:
        return []
    pathways = [displays.get(code, code) for code in gist.pathways]
    links = [{"label": "Open the profile", "url": app, "type": "smart"}] if app else []
    return [
        {
            "uuid": str(uuid4()),
            "summary": _summary(gist.level, pathways),
            "detail": _detail(gist, pathways),
            "indicator": "info",
            "source": {"label": LABEL, "url": origin, "topic": _topic()},
            **({"links": links} if links else {}),
        }
    ]


def _summary(level: str | None, pathways: list[str]) -> str:
    """As many pathways as there is room for."""
    said = f"Care level: {level}" if level else "Care level: not known"
    for count in range(len(pathways), 0, -1):
        rest = f" and {len(pathways) - count} more" if count < len(pathways) else ""
        if len(told := f"{said}. {', '.join(pathways[:count])}{rest}") <= LONGEST:
            return told
    return said


def _detail(gist: Gist, pathways: list[str]) -> str:
    """GitHub-flavoured Markdown."""
    parts = [f"**Care level:** {gist.level or 'not known'}"]
    if pathways:
        parts.append("**Pathways:**\n" + "\n".join(f"- {each}" for each in pathways))
    if gist.reasons:
        parts.append("**Because of:**\n" + "\n".join(f"- {each}" for each in gist.reasons))
    parts.append(f"As of {gist.as_of}. It orders attention, and decides nothing about treatment.")
    return "\n\n".join(parts)


def _topic() -> Json:
    return {"system": CATEGORY, "code": "personalization", "display": "Personalization"}
