"""Every measure there is. What is published, documented and allowed in a policy is read from here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from service.derive import (
    admissions,
    attachment,
    breadth,
    charges,
    charlson,
    contact_days,
    continuity,
    counts,
    frequent,
    lace,
    participation,
    prevention,
    readmissions,
    refusals,
    rising_need,
    sequence,
    spend,
    usual,
)
from service.derive.measure import Family

FAMILIES: tuple[Family, ...] = (
    counts.visits,
    counts.outpatient_visits,
    counts.other_visits,
    counts.ed_visits,
    counts.stays,
    admissions.inpatient_days,
    admissions.acute_stays,
    readmissions.readmissions,
    frequent.ed_frequent,
    lace.lace,
    charlson.charlson,
    participation.cancelled_rate,
    participation.regularity,
    breadth.sites,
    breadth.clinicians,
    breadth.organizations,
    breadth.sources,
    contact_days.contact_days,
    charges.billed_charges,
    spend.allowed_amount,
    spend.insurer_paid,
    spend.patient_liability,
    spend.patient_paid,
    refusals.claims,
    refusals.claims_refused,
    prevention.last_preventive_visit,
    rising_need.rising_need,
    frequent.ed_after_hours,
    frequent.ed_weekend,
    continuity.usual_provider,
    continuity.continuity_of_care,
    sequence.sequential_continuity,
    continuity.concentration,
    continuity.modified_continuity,
    continuity.fragmentation_over_clinicians,
    continuity.fragmentation_over_sites,
    continuity.fragmentation_over_organizations,
    usual.usual_clinician,
    usual.usual_site,
    usual.usual_weekday,
    usual.usual_day_part,
    attachment.attachment,
)

BY_CODE: Mapping[str, Family] = MappingProxyType({code: family for family in FAMILIES for code in family.codes})
