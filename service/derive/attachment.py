"""Patients and outpatient visits in, who looks after the patient out."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from service.derive.events import Events
from service.derive.habits import CLINICIAN, of
from service.derive.measure import NEVER_RECORDED, measure
from service.derive.windows import YEAR, Window


@measure("attachment", title="Attachment", dimension="relationship", windows=(YEAR,), absent=NEVER_RECORDED)
def attachment(events: Events, window: Window) -> ir.Table:
    """Patient.generalPractitioner, a practitioner or an organisation; else the usual clinician of the year. It has no
    value."""
    usual = of(events, window, CLINICIAN).select("patient", "mode")
    people = events.people.roster.select("patient", "general_practitioner").left_join(usual, "patient")
    people = people.drop("patient_right").left_join(_roles(events), "general_practitioner")
    mode = ibis.coalesce(people.practitioner, people.general_practitioner, people.mode)
    return people.select("patient", mode=mode).filter(ibis._.mode.notnull())


def _roles(events: Events) -> ir.Table:
    """A general practitioner may be named by a role."""
    roles = events.fact("roles")
    return roles.filter(roles.practitioner.notnull()).select("practitioner", general_practitioner="role")
