"""What every test of the facade stands on, see facade_lake.py; and none of them may log anything of a patient."""

from canary import MARKS, watching
from facade_lake import authority, hospital, served

__all__ = ["authority", "hospital", "served"]

pytest_runtest_makereport = watching(MARKS)
