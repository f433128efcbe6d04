"""Raw resources in, fact tables out."""

from service.flatten.carry import Earlier
from service.flatten.flatten import flatten

__all__ = ["Earlier", "flatten"]
