"""A server and what is asked of it in; whether it is read by search or by an export, of whom, and why, out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from service.errors import NotPermitted, Refused
from service.server.capability import Capability
from service.server.client import FhirServer
from service.server.search import count

WORTH_EXPORTING = 1_000  # patients: fewer are read sooner than an export is made ready
SYSTEM, PATIENT = "", "Patient"
STATED_AS = {SYSTEM: "system", PATIENT: "Patient"}


@dataclass(frozen=True)
class Way:
    """`level` is that of the export: Patient, Group/[id] or empty for the system; None is by search.

    `usual` needs no note: few patients, or a server that states no export, are searched. `scope` is the Group that
    the source's settings name: whom all of its pulls are of, whichever way.
    """

    level: str | None
    why: str
    scope: str = ""
    usual: bool = False

    @property
    def of_a_group(self) -> bool:
        return bool(self.level and self.level.startswith("Group/"))


async def way_to(server: FhirServer, capability: Capability, *, few: bool, group: str | None) -> Way:
    """`few`: so many patients, or those of a list, were asked for; `group`: the members of that one."""
    source = server.source
    scope = "" if few or group else source.bulk_group
    named = (group or scope).removeprefix("Group/")
    level = f"Group/{named}" if named else SYSTEM if source.bulk_system else PATIENT
    if source.pull == "search":
        return Way(None, "", scope)
    against = next(_against(server, capability, level, few=few, group=bool(group)), None)
    if against is None and source.pull == "auto" and level in STATED_AS:
        against = await _small(server)
    if against is not None:
        return Way(None, f"read by search: {against}", scope, usual=source.pull == "auto" and not scope)
    return Way(level, f"read by an export of {_words(level)}, as {_stated(server, capability, level)}", scope)


def _against(server: FhirServer, capability: Capability, level: str, *, few: bool, group: bool) -> Iterator[str]:
    """Reasons to search instead; what was asked for by name is tried, for servers do more and less than they state."""
    if few:
        yield "an export cannot be of some patients alone"
    if server.source.pull == "bulk":
        return
    if group:
        yield "--group is of some patients; --pull bulk exports them"
    if server.base.startswith("http:") and not server.loopback:
        yield "an export is asked for over https only"
    if _kind(level) not in capability.exports:
        yield f"the server states no $export of {_words(level)}"


async def _small(server: FhirServer) -> str | None:
    try:
        patients = await count(server, "Patient", {})
    except (NotPermitted, Refused):
        return None
    if patients is not None and patients < WORTH_EXPORTING:
        return f"the server counts {patients:,} patients, and fewer than {WORTH_EXPORTING:,} are not worth an export"
    return None


def _kind(level: str) -> str:
    return STATED_AS.get(level, "Group")


def _words(level: str) -> str:
    return {SYSTEM: "the whole system", PATIENT: "all patients"}.get(level, level)


def _stated(server: FhirServer, capability: Capability, level: str) -> str:
    return "the server states" if _kind(level) in capability.exports else f"pull = {server.source.pull} asks for it"
