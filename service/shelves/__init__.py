"""Resources in, SQLite files in the lake that hold them by id and by what they are searched for out."""

from service.shelves.shelves import (
    FORMAT,
    Kept,
    Press,
    Writing,
    connect,
    create,
    forget,
    tell,
    texts,
    told,
    version_of,
)

__all__ = [
    "FORMAT",
    "Kept",
    "Press",
    "Writing",
    "connect",
    "create",
    "forget",
    "tell",
    "texts",
    "told",
    "version_of",
]
