"""What every test of the facade stands on, see facade_lake.py; and none of them may log anything of a patient."""

from canary import pytest_runtest_makereport
from facade_lake import authority, hospital, served

__all__ = ["authority", "hospital", "pytest_runtest_makereport", "served"]
