"""A resource as a server gave it in, whether it is but what we wrote ourselves out: such a change starts no work.

Without this a write would be pulled as news, and answered with another one. Our own resources bear our tag. A Patient
bears none (`Patient.meta` is never written): it is ours in the very version that one of our writes returned, and
somebody's edit in any other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from service.catalog import Catalog
from service.tables import runs, written
from service.write_back.standing import Head, head

SETTLED = ("done", "undone")


@dataclass(frozen=True)
class Echo:
    """Of one installation on one source at one address."""

    installation: str
    versions: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, catalog: Catalog, source: str, base: str, installation: str) -> Echo:
        """The Patients whose newest version, as far as we know, is of our making."""
        chosen = sa.select(written.c.resource, written.c.version).join(runs, runs.c.run == written.c.run)
        chosen = chosen.where(
            runs.c.source == source,
            runs.c.base == base,
            written.c.resource.startswith("Patient/"),
            written.c.version.is_not(None),
            written.c.state.in_(SETTLED),
        )
        with catalog.engine.connect() as tx:
            return cls(installation, frozenset((resource, version) for resource, version in tx.execute(chosen)))

    def is_own(self, resource_type: str, resource: bytes) -> bool:
        return self._own(resource_type, head(resource))

    def foreign(self, resource_type: str, resources: Iterable[bytes]) -> list[str]:
        """`Type/id` of those that somebody else changed: the ones that are work."""
        heads = (head(resource) for resource in resources)
        return [f"{resource_type}/{each.id}" for each in heads if not self._own(resource_type, each)]

    def _own(self, resource_type: str, found: Head) -> bool:
        if resource_type == "Patient":
            return (f"Patient/{found.id}", found.meta.versionId) in self.versions
        return found.bears(self.installation)
