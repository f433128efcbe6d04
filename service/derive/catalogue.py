"""Every measure there is. What is published, documented and allowed in a policy is read from here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from service.derive import charges, contact_days, continuity, counts, prevention
from service.derive.measure import Family

FAMILIES: tuple[Family, ...] = (
    counts.visits,
    counts.outpatient_visits,
    counts.other_visits,
    counts.ed_visits,
    counts.stays,
    contact_days.contact_days,
    charges.billed_charges,
    prevention.last_preventive_visit,
    continuity.usual_provider,
    continuity.continuity_of_care,
)

BY_CODE: Mapping[str, Family] = MappingProxyType({code: family for family in FAMILIES for code in family.codes})
