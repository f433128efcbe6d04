"""How `personalize worker` and `serve` carry out what is due: how long a change waits, how often it is tried."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Jobs(BaseModel):
    """Times are seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    debounce: float = Field(default=5, ge=0, description="seconds without another change before a patient is derived")
    at_most: float = Field(default=60, ge=0, description="seconds that a change waits while others keep coming")
    lease: float = Field(
        default=60, gt=0, description="seconds after which the job of a worker that died is taken over"
    )
    attempts: int = Field(default=5, ge=1, description="how often a job is tried before it is set aside")
    backoff: float = Field(
        default=30, ge=0, description="seconds before the second try; twice as many before each next"
    )
    in_serve: bool = Field(default=True, description="`serve` carries jobs out too, beside any `personalize worker`")
    poll: float = Field(default=1, gt=0, description="seconds between looks for work")
    together: int = Field(
        default=8, ge=1, description="patients that one run is about, at most, where four times as many are due"
    )
