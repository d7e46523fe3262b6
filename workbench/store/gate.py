"""Many readers or one writer within this process.

DuckDB refuses to open a file for reading in a process that has it open for writing, and the
other way round, so threads of one process take turns here before they open it.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Gate:
    """A lock that many readers share and one writer has alone."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._readers = 0
        self._writing = False
        self._writers_waiting = 0

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Waits until no writer holds or awaits the gate."""
        with self._changed:
            self._changed.wait_for(lambda: not self._writing and not self._writers_waiting)
            self._readers += 1
        try:
            yield
        finally:
            with self._changed:
                self._readers -= 1
                self._changed.notify_all()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Waits until nobody else is inside."""
        with self._changed:
            self._writers_waiting += 1
            try:
                self._changed.wait_for(lambda: not self._writing and not self._readers)
            finally:
                self._writers_waiting -= 1
            self._writing = True
        try:
            yield
        finally:
            with self._changed:
                self._writing = False
                self._changed.notify_all()


_gates: dict[Path, Gate] = {}
_gates_lock = threading.Lock()


def gate_of(path: Path) -> Gate:
    """The one gate of this file in this process."""
    with _gates_lock:
        return _gates.setdefault(path.resolve(), Gate())
