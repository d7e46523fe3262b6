"""Ctrl-C at a moment when it does no harm.

Raised in the middle of a write to MLflow's or Optuna's SQLite file, a KeyboardInterrupt leaves
the file locked for as long as its traceback lives, so that not even the end of the run could be
written.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass
class CtrlC:
    """Whether Ctrl-C was pressed."""

    asked: bool = False

    def check(self) -> None:
        """Raises KeyboardInterrupt where it was."""
        if self.asked:
            raise KeyboardInterrupt


@contextmanager
def put_off() -> Iterator[CtrlC]:
    """Ctrl-C waits for the next `check`; pressed again, it interrupts at once."""
    waiting = CtrlC()
    if threading.current_thread() is not threading.main_thread():
        yield waiting  # only the main thread is interrupted, or may say what a signal does
        return

    def pressed(signum: int, frame: Any) -> None:
        waiting.check()
        waiting.asked = True

    before = signal.signal(signal.SIGINT, pressed)
    try:
        yield waiting
    finally:
        signal.signal(signal.SIGINT, before)
