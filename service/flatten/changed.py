"""Two pulls of which one follows the other in; the lines that went and those that came, by resource type, out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.lake import linked, private_directory
from service.raw import id_of, replaced, same_lines, tail


@dataclass(frozen=True)
class Changed:
    """`went` and `came` are directories as a pull's, of these `types` and of what changed alone."""

    went: Path
    came: Path
    types: tuple[str, ...]

    @property
    def anything_went(self) -> bool:
        return any(file.stat().st_size for file in self.went.iterdir())

    def ids(self) -> Iterator[dict[str, str]]:
        """(resource, id) of each line in either."""
        for folder in (self.went, self.came):
            for each in self.types:
                with (folder / f"{each}.ndjson").open("rb") as lines:
                    yield from ({"resource": each, "id": id_of(line)} for line in lines)


def changed(raw: Path, earlier: Path, manifest: Mapping[str, Any], types: Iterable[str], room: Path) -> Changed | None:
    """Of `types`; None where one of them differs and nobody can tell in which lines. `room` is an empty directory."""
    found, told = Changed(room / "went", room / "came", ()), manifest.get("types", {})
    for folder in (found.went, found.came):
        private_directory(folder)
    differing = [each for each in types if not same_lines(raw / f"{each}.ndjson", earlier / f"{each}.ndjson")]
    for each in differing:
        file, begins = raw / f"{each}.ndjson", told.get(each, {}).get("came_at")
        if begins is None or not replaced(file).is_file():
            return None
        linked(replaced(file), found.went / file.name)
        tail(file, begins, found.came / file.name)
    return Changed(found.went, found.came, tuple(differing))
