"""Bytes in, the place where they can be read again out: an append-only file that only this process sees."""

from __future__ import annotations

import os
import tempfile


class Journal:
    """Without a name where the system can do that, else unlinked at once: mode 0600, gone with the process."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="fhir-sandbox-", buffering=0)  # noqa: SIM115  (closed by close)
        self._end = 0

    def append(self, content: bytes) -> int:
        """The offset at which the content now lies. Raises OSError when the disk is full; nothing is lost then."""
        offset, view = self._end, memoryview(content)
        while view:
            written = os.pwrite(self._file.fileno(), view, offset + len(content) - len(view))
            view = view[written:]
        self._end += len(content)
        return offset

    def read(self, offset: int, length: int) -> bytes:
        return os.pread(self._file.fileno(), length, offset)

    def close(self) -> None:
        self._file.close()
