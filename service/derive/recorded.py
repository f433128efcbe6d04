"""What a source records at all: what it never shows of anybody is unknown of each patient, not absent.

Who derives some patients alone cannot see that of their facts, and is told by these names what is known of the others.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, cast

import ibis
import ibis.expr.types as ir

from service.lake import read_json

Recorded = Literal["cancelled", "acuity", "diagnoses", "preventive", "claims", "explanations"]
Known = frozenset[str]  # of these names; others are of no account

NOTHING: Known = frozenset()


def known(profiles: Path) -> Known:
    """As the run found that these are of."""
    basis = cast("dict[str, dict[str, bool]]", read_json(profiles / "profiles.json", "derive")["basis"])
    return frozenset(name for name, seen in basis["source_records"].items() if seen)


def recorded(name: Recorded, seen: ir.BooleanScalar, known: Known) -> ir.BooleanScalar:
    """By these facts, or by what is known of others."""
    return (seen.fill_null(False) | ibis.literal(name in known)).name(name)
