"""A random generator in, the organizations and clinicians whom all patients share out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import cached_property
from random import Random

from service.sandbox.population.codes import HL7, Element, concept, identifier
from service.sandbox.population.draw import Weighted, meta

ORGANIZATIONS, CLINICIANS = 12, 120
PAYER = "Organization/org-payer"

_CURRENCIES = Weighted({"USD": 8, "EUR": 1, "CHF": 1})
_FIRST = ("USD", "EUR", "CHF")  # however few organizations there are, every currency is among them
_ZONES = {"USD": UTC, "EUR": timezone(timedelta(hours=1)), "CHF": timezone(timedelta(hours=1))}


@dataclass(frozen=True)
class Organization:
    """A place of care; it bills in one currency and writes times in one zone."""

    number: int
    currency: str

    @cached_property
    def id(self) -> str:
        return f"org-{self.number:02}"

    @cached_property
    def reference(self) -> str:
        return f"Organization/{self.id}"

    @cached_property
    def zone(self) -> timezone:
        return _ZONES[self.currency]


@dataclass(frozen=True)
class Clinician:
    number: int
    organization: Organization

    @cached_property
    def practitioner(self) -> str:
        return f"Practitioner/prac-{self.number:03}"

    @cached_property
    def role(self) -> str:
        return f"PractitionerRole/role-{self.number:03}"


@dataclass(frozen=True)
class Directory:
    """Who gives care, and as of when."""

    organizations: tuple[Organization, ...]
    clinicians: tuple[Clinician, ...]
    as_of: datetime

    @classmethod
    def draw(cls, rng: Random, as_of: datetime) -> Directory:
        currencies = [*_FIRST, *(_CURRENCIES.pick(rng) for _ in range(ORGANIZATIONS - len(_FIRST)))]
        organizations = tuple(Organization(n, currency) for n, currency in enumerate(currencies, start=1))
        clinicians = tuple(
            Clinician(n, organizations[n % ORGANIZATIONS] if n <= ORGANIZATIONS else rng.choice(organizations))
            for n in range(1, CLINICIANS + 1)
        )
        return cls(organizations, clinicians, as_of)

    def at(self, organization: Organization) -> list[Clinician]:
        return self._by_organization[organization.number]

    @cached_property
    def _by_organization(self) -> dict[int, list[Clinician]]:
        return {o.number: [c for c in self.clinicians if c.organization == o] for o in self.organizations}

    def resources(self) -> Iterator[Element]:
        updated = self.as_of - timedelta(days=4 * 365)
        yield _payer(updated)
        for organization in self.organizations:
            yield _organization(organization, updated)
        for clinician in self.clinicians:
            yield _practitioner(clinician, updated)
            yield _role(clinician, updated)


def _payer(updated: datetime) -> Element:
    return {
        "resourceType": "Organization",
        "id": PAYER.split("/")[1],
        "meta": meta(updated),
        "identifier": identifier("organization", "payer"),
        "type": [concept(f"{HL7}/organization-type", "pay", "Payer")],
        "name": "Sandbox Insurance",
    }


def _organization(organization: Organization, updated: datetime) -> Element:
    return {
        "resourceType": "Organization",
        "id": organization.id,
        "meta": meta(updated),
        "identifier": identifier("organization", f"{organization.number:02}"),
        "active": True,
        "type": [concept(f"{HL7}/organization-type", "prov", "Healthcare Provider")],
        "name": f"Sandbox Hospital {organization.number:02}",
    }


def _practitioner(clinician: Clinician, updated: datetime) -> Element:
    number = f"{clinician.number:03}"
    return {
        "resourceType": "Practitioner",
        "id": f"prac-{number}",
        "meta": meta(updated),
        "identifier": identifier("practitioner", number),
        "active": True,
        "name": [{"text": f"Sandbox Clinician {number}", "family": f"Clinician-{number}", "given": ["Sandbox"]}],
    }


def _role(clinician: Clinician, updated: datetime) -> Element:
    return {
        "resourceType": "PractitionerRole",
        "id": f"role-{clinician.number:03}",
        "meta": meta(updated),
        "active": True,
        "practitioner": {"reference": clinician.practitioner},
        "organization": {"reference": clinician.organization.reference},
    }
