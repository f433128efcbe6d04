"""A FHIR server in, what it can do for us out: tried, seen, what follows, what to change. Reads only."""

from service.doctor.doctor import examine, examined
from service.doctor.findings import Examination, Finding

__all__ = ["Examination", "Finding", "examine", "examined"]
