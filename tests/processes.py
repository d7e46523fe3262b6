"""The command line in processes of its own, which start at once: from a server that has imported.

Importing torch, Lightning and MLflow takes seconds in each new process. A server process, which
has done nothing but that, forks one for each command: with a process id, signals, folder,
environment and streams of its own, and nothing of the tests' state.
"""

import atexit
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from multiprocessing.reduction import DupFd
from pathlib import Path
from typing import Any, NoReturn

TESTS = str(Path(__file__).parent)
# Libraries only: modules of the workbench, and what they keep, are each process's own.
PRELOADED = [
    "duckdb",
    "jsonargparse",
    "matplotlib.figure",
    "mlflow",
    "mlflow.store.tracking.sqlalchemy_store",
    "numpy",
    "optuna",
    "pyarrow.parquet",
    "pytorch_lightning",
    "rich.progress",
    "scipy.stats",
    "sklearn.cluster",
    "sklearn.linear_model",
    "torch",
    "transformers",
    "transformers.models.bert.modeling_bert",
    "transformers.models.t5.modeling_t5",
    "workbench",
]
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(PRELOADED)


class Command:
    """`workbench WORDS` under way. Named as in `subprocess.Popen`.

    Args:
        words: verb and options.
        cwd: its folder; the tests' own by default.
        env: all of its environment; the tests' own by default.
    """

    def __init__(
        self, *words: object, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> None:
        self._told = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115
        self._warned = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115
        self._process = _context.Process(
            target=_called,
            args=(
                [str(word) for word in words],
                [DupFd(stream.fileno()) for stream in (self._told, self._warned)],
                str(cwd or os.getcwd()),
                dict(os.environ if env is None else env),
            ),
        )
        self._process.start()
        atexit.register(self.kill)  # else a test that fails is waited for at the end of all

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Waits for its end; all that it wrote to stdout and stderr."""
        self._process.join(timeout)
        if self.poll() is None:
            raise subprocess.TimeoutExpired("workbench", timeout)
        for stream in (self._told, self._warned):
            stream.seek(0)
        return self._told.read(), self._warned.read()


def workbench(*words: object, **options: Any) -> Command:
    """The command line as a process of its own."""
    return Command(*words, **options)


def installed(*words: object, **options: Any) -> "subprocess.Popen[str]":
    """The command as a user has it, started from nothing."""
    return subprocess.Popen(
        [Path(sys.executable).with_name("workbench"), *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def wait_until(happened: Callable[[], bool], process: "Command | subprocess.Popen[str]") -> None:
    """Waits while `process` runs; fails, with what it said, where it ends before."""
    deadline = time.monotonic() + 120
    while not happened():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise AssertionError(f"it ended too early: {process.communicate()}")
        time.sleep(0.05)


def _called(words: list[str], streams: list[Any], folder: str, env: dict[str, str]) -> NoReturn:
    """In the child: makes it what `python -m workbench.cli WORDS` begins as, and runs that."""
    for place, stream in enumerate(streams, start=1):
        os.dup2(stream.detach(), place)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = ["workbench", *words]
    own = [path for path in sys.path if path and not path.startswith(TESTS)]
    given = [path for path in env.get("PYTHONPATH", "").split(os.pathsep) if path]
    sys.path[:] = [folder, *given, *own]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    multiprocessing.set_start_method(None, force=True)  # its own children are made as always
    import numpy as np

    random.seed()
    np.random.seed()  # noqa: NPY002
    from workbench.cli import main

    try:
        status = main(words)
    finally:
        atexit._run_exitfuncs()
    sys.exit(status)
