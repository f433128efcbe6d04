"""Profiles in, answers for people out."""

from service.report.aggregate import Aggregate, aggregate
from service.report.basis import Basis, limited
from service.report.equity import Equity, equity
from service.report.explain import Explanation, explain
from service.report.fragmentation import Fragmentation, fragmentation
from service.report.top import Ranking, TopPatient, top_patients

__all__ = [
    "Aggregate",
    "Basis",
    "Equity",
    "Explanation",
    "Fragmentation",
    "Ranking",
    "TopPatient",
    "aggregate",
    "equity",
    "explain",
    "fragmentation",
    "limited",
    "top_patients",
]
