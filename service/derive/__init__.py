"""Fact tables in, personalization profiles out."""

from service.derive.carry import Earlier
from service.derive.compare import Comparison, compare
from service.derive.derive import derive
from service.derive.linkage import persons
from service.derive.nearest import Near, nearest
from service.derive.policy import Policy
from service.derive.recorded import NOTHING, Known, known
from service.derive.visits import latest_start

__all__ = [
    "NOTHING",
    "Comparison",
    "Earlier",
    "Known",
    "Near",
    "Policy",
    "compare",
    "derive",
    "known",
    "latest_start",
    "nearest",
    "persons",
]
