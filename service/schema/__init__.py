"""Where a catalog is in, an engine on it whose tables are those of this version, or of a newer one, out."""

from service.schema.database import database

__all__ = ["database"]
