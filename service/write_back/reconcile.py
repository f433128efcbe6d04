"""Writes whose fate is open in, what remains of them out: what stands already is left, the rest fits what stands.

Read after every lost race and every lost answer, so that nothing is written twice and nobody is overwritten unseen.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace

from service.compose.content import parse, personalization, same
from service.server.quirks import IF_NONE_MATCH_IGNORED
from service.write_back.patient import Borne, bearing, borne, decoded, encoded, panel_of
from service.write_back.reasons import lapses
from service.write_back.remembered import EDITED, TAKEN_OFF, Remembered, panel_newer
from service.write_back.sending import Put, Sender
from service.write_back.standing import Standing, deleted_version, read


class HandsOff(Exception):
    """What stands there now must not be replaced by this plan; the text says why."""


@dataclass
class Reconciled:
    """`open` is still to be written, against what stands now; `stands` is there already, with its version."""

    open: list[Put] = field(default_factory=list)
    stands: dict[str, str | None] = field(default_factory=dict)


async def reconcile(puts: list[Put], sender: Sender, as_of: dt.datetime, remembered: Remembered) -> Reconciled:
    """Reads each resource again and compares."""
    found = Reconciled()
    for put in puts:
        standing = await read(sender.server, put.reference)
        if _stands(put, standing, as_of, panel_open=any(each.type == "Observation" for each in found.open)):
            found.stands[put.reference] = standing.version if standing else None
        else:
            found.open.append(await _fitted(put, standing, sender, as_of, remembered))
    return found


def _stands(put: Put, standing: Standing | None, as_of: dt.datetime, *, panel_open: bool) -> bool:
    if standing is None:
        return False
    if put.type == "Patient":
        return _bears(put, standing, as_of)
    wanted, present = parse(put.body), standing.content
    if not same(wanted, present):
        return False
    if put.type == "Provenance":
        # When the panel returns to a content it had before, its Provenance is there, but of another day.
        return not panel_open or wanted["recorded"] == present.get("recorded")
    return put.type != "Observation" or not lapses(personalization(present), as_of)


def _bears(put: Put, standing: Standing, as_of: dt.datetime) -> bool:
    wanted, present = decoded(put.after), borne(standing.body)
    if wanted is None or present is None:
        return wanted is present
    return same(wanted.content, present.content) and not lapses(present.content, as_of)


async def _fitted(
    put: Put, standing: Standing | None, sender: Sender, as_of: dt.datetime, remembered: Remembered
) -> Put:
    """The same write against what stands there now."""
    if put.type == "Patient":
        return _fitted_patient(put, standing, remembered)
    if standing is None:
        return replace(put, match=await _absent(put, sender), before=None)
    if standing.version is None:
        raise HandsOff(f"the server names no version of {put.type}, so a change in between could be lost")
    if put.type == "Observation" and standing.version != put.match:
        _still_ours(put, standing, as_of, remembered)
    return replace(put, match=standing.version, before=standing.body)


async def _absent(put: Put, sender: Sender) -> str | None:
    """HAPI counts a deletion as a version, and If-Match must name it."""
    if IF_NONE_MATCH_IGNORED in sender.quirks:
        return await deleted_version(sender.server, put.reference)
    return None


def _still_ours(put: Put, standing: Standing, as_of: dt.datetime, remembered: Remembered) -> None:
    """Another run may have been faster and know more; or a person has changed what the plan saw."""
    if why := panel_newer(standing.content, as_of) or remembered.panel_held(put.reference, standing):
        raise HandsOff(f"Observation: {why}")
    if put.match is not None and not remembered.knows(put.reference):
        raise HandsOff(f"Observation: {EDITED}")


def _fitted_patient(put: Put, standing: Standing | None, remembered: Remembered) -> Put:
    if standing is None:
        raise HandsOff("the Patient is no longer there")
    if standing.version is None:
        raise HandsOff("the server names no version of the Patient, so a change in between could be lost")
    present, wanted = borne(standing.body), decoded(put.after)
    if why := _borne_held(put, present, wanted) or remembered.extension_held(put.reference, present):
        raise HandsOff(f"Patient: {why}")
    return replace(put, body=bearing(standing.body, wanted), match=standing.version, before=encoded(present))


def _borne_held(put: Put, present: Borne | None, wanted: Borne | None) -> str | None:
    """What the Patient bears now, against what the plan saw."""
    planned = decoded(put.before)
    if present is None:
        return TAKEN_OFF if planned else None
    if planned and same(present.content, planned.content):
        return None
    panel = panel_of(present.content)
    if panel and not (wanted and panel == panel_of(wanted.content)):
        return "it bears the profile of another installation by now"
    return None
