"""Where resources come from: what their dates and references mean there."""

from __future__ import annotations

import re
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from service.flatten.text import matched
from service.flatten.times import Calendar

SCHEME = re.compile("^https?://", re.IGNORECASE)
NO_ADDRESS = "[^\\s\\S]"  # matches nothing


@dataclass(frozen=True)
class Origin:
    """`bases` are the addresses under which the source's own resources go; what stands elsewhere is another's."""

    calendar: Calendar
    bases: tuple[str, ...] = ()

    def reference(self, text: ir.StringValue, *types: str) -> ir.StringValue:
        """`Type/id` within the source, or null where it cannot be resolved.

        Relative (`Patient/1`), absolute (`https://host/fhir/Patient/1`), versioned (`Patient/1/_history/2`) and
        canonical-like (`Patient/1|2`) references mean the same record, an absolute one under an address of the source
        only. Contained (`#p`), `urn:uuid:` and identifier-only ones cannot be resolved from one resource alone.
        """
        kind = "|".join(types) or "[A-Z][A-Za-z]+"
        plain = rf"^(?:{kind})/[^/|#?]+$"
        any_form = rf"^(?:(?:{self._own})/)?((?:{kind})/[^/|#?]+)(?:/_history/[^/|#?]+)?(?:[|#].*)?$"
        # Nearly every reference is plain, and telling so costs a third of taking one apart.
        return ibis.cases((text.re_search(plain), text), else_=matched(text, any_form))

    def elsewhere(self, text: ir.StringValue) -> ir.BooleanValue:
        """An address that is none of the source's: the record of that id here may be somebody else's."""
        return (text.re_search("^https?://") & ~text.re_search(f"^(?:{self._own})/")).fill_null(False)

    def unresolved(self, holder: ir.StructValue, what: str) -> ir.StringValue:
        """Why the Reference `holder`, which is the resource's `what`, leads to no Patient."""
        text = holder.reference
        return ibis.cases(
            (text.isnull() & holder.identifier.notnull(), f"the {what} is only a logical identifier"),
            (text.isnull(), f"no {what}"),
            (text.startswith("#"), f"the {what} is contained in the resource"),
            (text.startswith("urn:"), f"the {what} is a urn"),
            (text.contains("?"), f"the {what} is a search, which names nobody by itself"),
            (
                self.elsewhere(text),
                f"the {what} is at another address; if that is this server's too, name it in `aliases`",
            ),
            else_=f"the {what} is no Patient of this server",
        )

    @property
    def _own(self) -> str:
        """Whether http or https is no question of identity: a proxy may add or end the latter."""
        hosts = {SCHEME.sub("", base).rstrip("/") for base in self.bases}
        return "|".join(f"https?://{re.escape(host)}" for host in sorted(hosts)) or NO_ADDRESS
