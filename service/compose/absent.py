"""Why something is not known in, a FHIR dataAbsentReason with neutral words out. Unknown is never zero."""

from __future__ import annotations

from collections.abc import Mapping

from service.compose.canonical import ABSENT
from service.compose.content import Json

DISPLAY = {"unsupported": "Unsupported", "unknown": "Unknown", "not-applicable": "Not Applicable"}
DECEASED, TOO_LITTLE_DATA = "deceased", "too-little-data"
LEVELS = {DECEASED: ("not-applicable", "The patient has died."), TOO_LITTLE_DATA: ("unknown", "Too little data.")}
NOT_KNOWN = "not known"


def measure_absent(reason: str, words: Mapping[str, str]) -> Json:
    """`words` say what each reason means; only what the server does not offer at all is `unsupported`."""
    text = words.get(reason, NOT_KNOWN)
    return _concept("unsupported" if reason == "not-exposed" else "unknown", f"{text[0].upper()}{text[1:]}.")


def level_absent(reason: str | None) -> Json:
    return _concept(*LEVELS.get(reason or "", LEVELS["too-little-data"]))


def _concept(code: str, text: str) -> Json:
    return {"coding": [{"system": ABSENT, "code": code, "display": DISPLAY[code]}], "text": text}
