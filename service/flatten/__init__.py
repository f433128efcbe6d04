"""Raw resources in, fact tables out."""

from service.flatten.flatten import flatten

__all__ = ["flatten"]
