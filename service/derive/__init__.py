"""Fact tables in, personalization profiles out."""

from service.derive.derive import derive
from service.derive.policy import Policy
from service.derive.visits import latest_start

__all__ = ["Policy", "derive", "latest_start"]
