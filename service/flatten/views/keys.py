"""Resources and references in, keys to join tables by out: `Type/id`. https://sql-on-fhir.org/ig/2.0.0/#required-additional-functions

An absolute reference keeps its address, since the record of that id here may be another's; a contained resource and a
urn stand in no table, so that they have no key.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

ANY_TYPE = "[A-Z][A-Za-z]+"
VERSION = "/_history/[^/]+$"


def reference_key(text: ir.StringValue, type_: str | None) -> ir.StringValue:
    """Null where the reference leads to no `type_`."""
    kind = type_ or ANY_TYPE
    plain = f"^{kind}/[^/|#?]+$"
    current = text.re_replace(VERSION, "")
    resolvable = current.re_search(f"^(https?://.*/)?{kind}/[^/|#?]+$")
    return ibis.cases((text.re_search(plain), text), (resolvable, current), else_=ibis.null("string"))
