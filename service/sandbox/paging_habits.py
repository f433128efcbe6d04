"""How a server pages, as data: each habit was seen on a real one.

```
[paging]
link = "relative"      # base (HAPI's), root, relative, path, query, encoded, long, inner-host, doubled-port, elsewhere
size = 10              # pages no larger than this, whatever is asked for
shrinking = true       # each page holds half of the one before
empty = true           # a page without a resource before each that follows
overlap = 2            # so many come again on the next page
most = 100             # a search ends after so many, without a word
warns = true           # but for an OperationOutcome among the entries
total = "estimate"     # a number that is not true
lives = 3              # links are known no more after so many others were made
```
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

CONTINUATION = "%257B%2522token%2522%253A%2522a%252Bb%253D%2522%257D"  # encoded twice, as Azure's are
FILLING = "x" * 3000

Link = Literal[
    "base", "root", "relative", "path", "query", "encoded", "long", "inner-host", "doubled-port", "elsewhere"
]


class Paging(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    link: Link = "base"
    size: int | None = Field(default=None, ge=1)
    shrinking: bool = False
    empty: bool = False
    overlap: int = Field(default=0, ge=0)
    most: int | None = Field(default=None, ge=0)
    warns: bool = False
    total: Literal["true", "estimate"] = "true"
    lives: int | None = Field(default=None, ge=1)

    def url(self, base: str, token: str) -> str:
        """The next link; `base` is `http://host:port/fhir`."""
        origin, _, path = base.rpartition("/")
        return {
            "base": f"{base}?_getpages={token}",
            "root": f"/{path}?_getpages={token}",
            "relative": f"_page/{token}",
            "path": f"{base}/_page/{token}",
            "query": f"?_getpages={token}",
            "encoded": f"{base}?_getpages={token}&ct={CONTINUATION}",
            "long": f"{base}?_getpages={token}&filling={FILLING}",
            "inner-host": f"https://fhir-7f9c.internal:8443/{path}?_getpages={token}",
            "doubled-port": f"{origin}:443:443/{path}?_getpages={token}",
            "elsewhere": f"{origin}/another/{path}?_getpages={token}",
        }[self.link]

    def intact(self, query: str) -> bool:
        """Whether a link came back as it was given."""
        if self.link == "encoded":
            return query.endswith(f"&ct={CONTINUATION}")
        return self.link != "long" or query.endswith(f"&filling={FILLING}")
