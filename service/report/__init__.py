"""Profiles in, answers for people out."""

from service.report.explain import Explanation, explain
from service.report.top import TopPatient, top_patients

__all__ = ["Explanation", "TopPatient", "explain", "top_patients"]
