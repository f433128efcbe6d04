"""What is wrong with one FHIRPath expression, and at which of its characters."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class PathProblem(Exception):
    """`at` counts characters from 0; whoever knows which path of which view it was says so to the person."""

    def __init__(self, what: str, *, at: int, do: str) -> None:
        self.what, self.at, self.do = what, at, do
        super().__init__(what)

    def marked(self, path: str) -> str:
        """The path, with a mark before the place."""
        return f"{path[: self.at]}»{path[self.at :]}"


class UnknownElement(PathProblem):
    """The type has no element of that name."""


def a(noun: str) -> str:
    """With its article: a Patient, an Encounter."""
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"


def closest(word: str, known: Iterable[str], otherwise: str) -> str:
    """A remedy for a word that is not among the known ones."""
    found = get_close_matches(word, list(known), n=1)
    return f'did you mean "{found[0]}"?' if found else otherwise
