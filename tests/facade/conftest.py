"""What every test of the facade stands on; see facade_lake.py."""

from facade_lake import authority, hospital, served

__all__ = ["authority", "hospital", "served"]
