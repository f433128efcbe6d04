"""Profiles in, FHIR resources on the server out: planned, applied under If-Match, and taken back again."""

from service.write_back.apply import apply
from service.write_back.plan import plan
from service.write_back.undo import undo

__all__ = ["apply", "plan", "undo"]
