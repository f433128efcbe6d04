"""A TOML file in, the misbehaviour of a server out: what it cannot do, and what it does wrong to which request.

```
seed = 7                                 # for probability; the same seed gives the same faults
no = ["transaction", "update-create"]    # neither stated in /metadata nor done
claimed = ["patch"]                      # stated, and refused
without = ["Flag"]                       # resource types that it does not have

[[fault]]
method = "PUT|PATCH"                     # regular expressions: any without it; POST of a Bundle is path ""
path = "^Observation/"                   # below the base
body = "Patient/a"                       # in the body
nth = 3                                  # or first = 2, every = 5, probability = 0.1; each time without it
do = "status"                            # status, status-after, delay, drop-before, drop-after, lie-200, truncate,
status = 503                             # cut, partial; for status: which one, and perhaps
retry-after = "120"
seconds = 0.5                            # for delay
entry = "^Provenance/"                   # with do = "status": only that entry of a batch is answered so
entries = 1                              # for partial: so many entries of a transaction are done, then 500

[bulk]                                   # how it exports; the rest stands in export_order.py
at = ["Patient", "Group"]                # not of the whole system; [] is a server without $export
polls = 3                                # so often it is not done yet
retry-after = "1"
file-lines = 100

[paging]                                 # how it pages: paging_habits.py
link = "relative"
```
"""

from __future__ import annotations

import random
import re
import threading
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from service.errors import WrongUsage
from service.sandbox.export_order import Habits
from service.sandbox.paging_habits import Paging
from service.sandbox.store import Limits

Switch = Literal[
    "transaction",
    "batch",
    "update-create",
    "conditional-create",
    "patch",
    "delete",
    "if-match",
    "if-none-match",
]
Do = Literal["status", "status-after", "delay", "drop-before", "drop-after", "lie-200", "truncate", "cut", "partial"]


def _expression(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"{text!r} is no regular expression: {error}") from error
    return text


Expression = Annotated[str, AfterValidator(_expression)]


class Fault(BaseModel):
    """One thing that goes wrong, to which requests, and how often."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=lambda name: name.replace("_", "-"))

    do: Do
    method: Expression = ""
    path: Expression = ""
    body: Expression = ""
    entry: Expression = ""
    nth: int | None = Field(default=None, ge=1)
    first: int | None = Field(default=None, ge=1)
    every: int | None = Field(default=None, ge=1)
    probability: float | None = Field(default=None, ge=0, le=1)
    status: int = Field(default=500, ge=200, le=599)
    retry_after: str | None = None
    seconds: float = Field(default=0.1, ge=0)
    entries: int = Field(default=1, ge=0)

    def concerns(self, method: str, path: str, body: bytes) -> bool:
        if not re.fullmatch(self.method or ".*", method):
            return False
        if not re.search(self.path, path):
            return False
        return not self.body or re.search(self.body.encode(), body) is not None


class Plan(BaseModel):
    """The file as a whole."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int = 1
    no: frozenset[Switch] = frozenset()
    claimed: frozenset[Switch] = frozenset()
    without: frozenset[str] = frozenset()
    fault: tuple[Fault, ...] = ()
    bulk: Habits = Habits()
    paging: Paging = Paging()


@dataclass
class Faults:
    """Counts what has come by, and says what is to happen next. Without a plan nothing ever does.

    `struck` is told of a fault when its turn has come, `carried_out` when the request was done that is not answered.
    """

    plan: Plan = field(default_factory=Plan)
    struck: Callable[[Fault], None] | None = None
    carried_out: Callable[[Fault], None] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _met: list[int] = field(init=False)
    _chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.replan(self.plan)

    def replan(self, plan: Plan) -> None:
        """Other faults from now on, counted from the start; what the server can do at all stays as it was."""
        with self._lock:
            self.plan = plan
            self._met = [0] * len(plan.fault)
            self._chance = random.Random(plan.seed)

    @classmethod
    def of(cls, toml: str, where: str = "the faults") -> Faults:
        try:
            return cls(Plan.model_validate(tomllib.loads(toml)))
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            key = ".".join(str(part) for part in first["loc"])
            raise WrongUsage(f"{key}: {first['msg']}", where=where, do="mend that fault") from None
        except tomllib.TOMLDecodeError as error:
            raise WrongUsage(f"not TOML: {error}", where=where, do="mend the file") from error

    @classmethod
    def load(cls, path: Path) -> Faults:
        try:
            return cls.of(path.read_text("utf-8"), str(path))
        except (OSError, UnicodeDecodeError) as error:
            raise WrongUsage("the faults cannot be read", where=str(path), do="check --faults") from error

    def can(self, what: Switch) -> bool:
        return what not in self.plan.no and what not in self.plan.claimed

    def states(self, what: Switch) -> bool:
        return what not in self.plan.no

    def has(self, resource_type: str) -> bool:
        return resource_type not in self.plan.without

    @property
    def idle(self) -> bool:
        """Whether no request has to be looked at."""
        ignored = {"if-match", "if-none-match"} & (self.plan.no | self.plan.claimed)
        return not (self.plan.fault or self.plan.without or ignored)

    @property
    def limits(self) -> Limits:
        return Limits(self.plan.no | self.plan.claimed, self.plan.without)

    def about(self, method: str, path: str, body: bytes) -> Fault | None:
        """What is to happen to this request: the first fault whose turn it is."""
        return self._next(lambda fault: not fault.entry and fault.concerns(method, path, body))

    def about_entry(self, url: str, body: bytes) -> Fault | None:
        """What is to happen to this entry of a batch."""
        return self._next(
            lambda fault: (
                bool(fault.entry)
                and re.search(fault.entry, url) is not None
                and re.search(fault.body.encode(), body) is not None
            )
        )

    def _next(self, concerned: Callable[[Fault], bool]) -> Fault | None:
        """Each fault counts for itself what concerns it, also when another one's turn comes first."""
        with self._lock:
            due = [fault for n, fault in enumerate(self.plan.fault) if concerned(fault) and self._due_now(n, fault)]
        if due and self.struck:
            self.struck(due[0])
        return due[0] if due else None

    def _due_now(self, n: int, fault: Fault) -> bool:
        self._met[n] += 1
        return _due(fault, self._met[n], self._chance)


def _due(fault: Fault, count: int, chance: random.Random) -> bool:
    if fault.nth is not None:
        return count == fault.nth
    if fault.first is not None:
        return count <= fault.first
    if fault.every is not None:
        return count % fault.every == 0
    return fault.probability is None or chance.random() < fault.probability
