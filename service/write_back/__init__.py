"""Profiles in, FHIR resources on the server out: planned, applied under If-Match, taken back, and erased."""

from service.write_back.apply import apply
from service.write_back.diff import Diff
from service.write_back.echo import Echo
from service.write_back.erase import Erased, erase
from service.write_back.plan import plan
from service.write_back.undo import undo

__all__ = ["Diff", "Echo", "Erased", "apply", "erase", "plan", "undo"]
