"""What is logged in, one line of JSON on stderr out: for machines that collect it, not for a terminal."""

from __future__ import annotations

import sys
from typing import Any

import msgspec
import structlog


def structured() -> None:
    """For this process, from here on."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(serializer=_line),
        ],
        logger_factory=to_stderr,
    )


def to_stderr(*_names: str) -> structlog.WriteLogger:
    """stderr as it is when something is said: who embeds this may have put another one there since."""
    return structlog.WriteLogger(sys.stderr)


def _line(said: Any, **_: Any) -> str:
    return msgspec.json.encode(said, enc_hook=str).decode()
