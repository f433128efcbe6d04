"""Text in, what a regular expression found in it out."""

from __future__ import annotations

import ibis.expr.types as ir


def matched(text: ir.StringValue, pattern: str) -> ir.StringValue:
    """The first group, or null: engines answer a failed match with an empty text."""
    return text.re_extract(pattern, 1).nullif("")
