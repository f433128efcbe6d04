"""Fact tables in, personalization profiles out."""

from service.derive.carry import Earlier
from service.derive.compare import Comparison, compare
from service.derive.derive import derive
from service.derive.nearest import Near, nearest
from service.derive.policy import Policy
from service.derive.visits import latest_start

__all__ = ["Comparison", "Earlier", "Near", "Policy", "compare", "derive", "latest_start", "nearest"]
