"""A directory or an NDJSON file in, the files that may hold resources of one type out."""

from __future__ import annotations

import re
from pathlib import Path

from service.errors import WrongUsage

ENDINGS = (".ndjson", ".ndjson.gz", ".jsonl", ".jsonl.gz")


def files_of(place: Path, type_: str) -> list[Path]:
    """A file as it is; of a directory those whose names hold the type as a word: Patient.ndjson, Patient.000.ndjson."""
    if place.is_file():
        return [place]
    if not place.is_dir():
        raise WrongUsage("there is nothing here", where=str(place), do="name a directory or an NDJSON file with --from")
    word = re.compile(rf"(?<![A-Za-z]){type_}(?![A-Za-z])")
    found = sorted(each for each in place.iterdir() if each.name.endswith(ENDINGS) and word.search(each.name))
    if not found:
        raise WrongUsage(
            f"no file here holds {type_}", where=str(place), do=f"put {type_}.ndjson there, or name a file with --from"
        )
    return found
