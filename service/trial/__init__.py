"""A sandbox server in, the whole way proven on it with patients of our own making, and nothing of it left there out."""

from service.trial.trial import Trial, attempt, clean

__all__ = ["Trial", "attempt", "clean"]
