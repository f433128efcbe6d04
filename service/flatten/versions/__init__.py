"""A FHIR version in, how its JSON becomes the shape that the facts read out.

The facts read R4. What another version writes elsewhere stands in a map of its own, by resource and element: what has
to be read, and what becomes of it. An element that no map names is read as it stands, for it is R4's.
"""

from service.flatten.versions.shape import Shape
from service.flatten.versions.tables import KNOWN, shape_of

__all__ = ["KNOWN", "Shape", "shape_of"]
