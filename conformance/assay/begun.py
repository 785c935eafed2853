"""How many jobs a child has begun, in memory that its parent can still read when it is dead.

Answers are sent several at a time; this tells which of the jobs without an answer the child died of.
"""

from __future__ import annotations

import mmap
import tempfile

_SIZE = 8


class Begun:
    """A number that two processes share; only the child writes it."""

    def __init__(self, descriptor: int | None = None) -> None:
        """descriptor: of the file that stands for the number; None for a new one, at zero."""
        self._file = None
        if descriptor is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115  # closed when the child has it
            self._file.truncate(_SIZE)
            descriptor = self._file.fileno()
        self.descriptor = descriptor
        self._memory = mmap.mmap(descriptor, _SIZE)
        self._number = memoryview(self._memory).cast("Q")

    def shared(self) -> None:
        """The child has the file: it is no longer needed here."""
        if self._file is not None:
            self._file.close()

    @property
    def count(self) -> int:
        """How many jobs were begun."""
        return self._number[0]

    @count.setter
    def count(self, count: int) -> None:
        self._number[0] = count

    def close(self) -> None:
        """Give the memory back."""
        self._number.release()
        self._memory.close()
