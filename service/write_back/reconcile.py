"""Writes whose fate is open in, what remains of them out: what stands already is left, the rest fits what stands.

Read after every lost race and every lost answer, so that nothing is written twice and nobody is overwritten unseen.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace

from service.compose.content import Json, parse, same, value_of
from service.compose.shapes import says
from service.server.quirks import IF_NONE_MATCH_IGNORED
from service.write_back.patching import patch, patchable
from service.write_back.patient import Borne, bearing, borne, decoded, encoded, panel_of
from service.write_back.reasons import lapses
from service.write_back.remembered import EDITED, TAKEN_OFF, Remembered, overtaken, panel_newer
from service.write_back.sending import Put, Sender
from service.write_back.standing import Standing, deleted_version, read

# What says a level: an Observation, or what stands in for it on a lower rung.
PANELS = ("Observation", "Flag", "DocumentReference")


class HandsOff(Exception):
    """What stands there now must not be replaced by this plan; the text says why."""


@dataclass
class Reconciled:
    """`open` is still to be written, against what stands now; `stands` is there already, with its version."""

    open: list[Put] = field(default_factory=list)
    stands: dict[str, str | None] = field(default_factory=dict)


async def reconcile(
    puts: list[Put], sender: Sender, as_of: dt.datetime, remembered: Remembered, *, moved: bool
) -> Reconciled:
    """Reads each resource again and compares. `moved` tells that this run has written the panel already."""
    found = Reconciled()
    for put in puts:
        standing = await read(sender.server, put.reference)
        if _stands(put, standing, as_of, moved=moved or any(each.type in PANELS for each in found.open)):
            found.stands[put.reference] = _version_made(put, standing)
        else:
            found.open.append(await _fitted(put, standing, sender, as_of, remembered))
    return found


async def unkept(puts: list[Put], sender: Sender, as_of: dt.datetime) -> list[Put]:
    """Those that do not stand there, though the server said that it took them."""
    standing = [(put, await read(sender.server, put.reference)) for put in puts]
    return [put for put, found in standing if not _stands(put, found, as_of, moved=False)]


def _version_made(put: Put, standing: Standing | None) -> str | None:
    """A Patient with an edit on top bears ours too, but its version is the editor's."""
    if standing is None or (put.type == "Patient" and _without_meta(put.body) != _without_meta(standing.body)):
        return None
    return standing.version


def _without_meta(body: bytes) -> Json:
    return {key: value for key, value in parse(body).items() if key != "meta"}


def _stands(put: Put, standing: Standing | None, as_of: dt.datetime, *, moved: bool) -> bool:
    if standing is None:
        return False
    if put.type == "Patient":
        return _bears(put, standing, as_of)
    wanted, present = parse(put.body), standing.content
    if not same(wanted, present):
        return False
    if put.type == "Provenance":
        # When the panel returns to a content it had before, its Provenance is there, but of another day.
        return not moved or not _earlier(present.get("recorded"), wanted["recorded"])
    return put.type not in PANELS or not lapses(says(present), as_of)


def _earlier(one: object, other: str) -> bool:
    try:
        return dt.datetime.fromisoformat(str(one)) < dt.datetime.fromisoformat(other)
    except (ValueError, TypeError):
        return True


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
    if put.type in PANELS and standing.version != put.match:
        _still_ours(put, standing, as_of, remembered)
    return replace(put, match=standing.version, before=standing.body)


async def _absent(put: Put, sender: Sender) -> str | None:
    """HAPI counts a deletion as a version, and If-Match must name it."""
    if IF_NONE_MATCH_IGNORED in sender.manner.quirks:
        return await deleted_version(sender.server, put.reference)
    return None


def _still_ours(put: Put, standing: Standing, as_of: dt.datetime, remembered: Remembered) -> None:
    """Another run may have been faster and know more; or a person has changed what the plan saw."""
    framework = str(value_of(says(parse(put.body)), "frameworkVersion"))
    why = panel_newer(standing.content, as_of) or overtaken(says(standing.content), framework)
    if why := why or remembered.panel_held(put.reference, standing):
        raise HandsOff(f"{put.type}: {why}")
    if put.match is not None and not remembered.knows(put.reference):
        raise HandsOff(f"{put.type}: {EDITED}")


def _fitted_patient(put: Put, standing: Standing | None, remembered: Remembered) -> Put:
    if standing is None:
        raise HandsOff("the Patient is no longer there")
    if standing.version is None:
        raise HandsOff("the server names no version of the Patient, so a change in between could be lost")
    present, wanted = borne(standing.body), decoded(put.after)
    if why := _borne_held(put, present, wanted) or remembered.extension_held(put.reference, present):
        raise HandsOff(f"Patient: {why}")
    return replace(
        put,
        body=bearing(standing.body, wanted),
        match=standing.version,
        before=encoded(present),
        patch=patch(standing.body, wanted) if patchable(standing.body) else None,
    )


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
