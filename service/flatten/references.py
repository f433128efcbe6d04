"""The text of a FHIR reference in, `Type/id` within the source out, or null where it cannot be resolved.

Relative (`Patient/1`), absolute (`https://host/fhir/Patient/1`), versioned (`Patient/1/_history/2`) and canonical-like
(`Patient/1|2`) references mean the same record. Contained (`#p`), `urn:uuid:` and identifier-only ones cannot be
resolved from one resource alone.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from service.flatten.text import matched


def reference(text: ir.StringValue, *types: str) -> ir.StringValue:
    kind = "|".join(types) or "[A-Z][A-Za-z]+"
    plain = rf"^(?:{kind})/[^/|#?]+$"
    any_form = rf"^(?:https?://.*/)?((?:{kind})/[^/|#?]+)(?:/_history/[^/|#?]+)?(?:[|#].*)?$"
    # Nearly every reference is plain, and telling so costs a third of taking one apart.
    return ibis.cases((text.re_search(plain), text), else_=matched(text, any_form))


def unresolved(holder: ir.StructValue, what: str) -> ir.StringValue:
    """Why the Reference `holder`, which is the resource's `what`, leads to no Patient."""
    text = holder.reference
    return ibis.cases(
        (text.isnull() & holder.identifier.notnull(), f"the {what} is only a logical identifier"),
        (text.isnull(), f"no {what}"),
        (text.startswith("#"), f"the {what} is contained in the resource"),
        (text.startswith("urn:"), f"the {what} is a urn"),
        else_=f"the {what} is no Patient of this server",
    )
