"""A run: its configuration, code version, data fingerprint, metrics and artifacts in MLflow.

A run is known by a key, a hash of its stage, configuration and data. A stage that is started
again with the same key goes on with the same run, so that nothing is done or counted twice:
a finished run says so, and one that was killed or failed is taken up where it stopped.
"""

import hashlib
import json
import os
import subprocess
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

import workbench
from workbench.errors import StoreBusy, UnknownName, WorkbenchError

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from mlflow import MlflowClient

KEY, STAGE, ERROR = "workbench.key", "workbench.stage", "workbench.error"
_BATCH = 1000  # MLflow takes at most so many metrics in one call
_PARAM_CHARS = 6000


def tracking_uri(store: Path) -> str:
    """`MLFLOW_TRACKING_URI` where it is set, else a SQLite file beside the store."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{store.resolve().parent}/mlflow.db"


def study_storage(store: Path) -> str:
    """Where Optuna keeps the studies of a store: a SQLite file beside it."""
    return f"sqlite:///{store.resolve().parent}/optuna.db"


def work_folder(store: Path) -> Path:
    """Where stages keep what they need to go on after a kill: `NAME.work` beside the store."""
    folder = store.with_suffix(".work")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def run_key(stage: str, config: Mapping[str, Any], data: str) -> str:
    """Hash of what makes a run itself (16 hex digits)."""
    text = json.dumps([stage, config, data], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass
class Run:
    """A run under way.

    Attributes:
        id: MLflow's run id.
        key: hash of stage, configuration and data.
        stage: the verb.
        finished: an earlier start has ended well; the stage need only check its rows.
        resumed: an earlier start was killed or failed.
    """

    id: str
    key: str
    stage: str
    finished: bool
    resumed: bool
    experiment_id: str
    client: "MlflowClient" = field(repr=False)

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Logs numbers; names may hold only what MLflow allows, other characters become '_'."""
        from mlflow.entities import Metric
        from mlflow.utils.time import get_current_time_millis

        now = get_current_time_millis()
        entries = [Metric(_plain(k), float(v), now, step) for k, v in metrics.items()]
        for start in range(0, len(entries), _BATCH):
            self.client.log_batch(self.id, metrics=entries[start : start + _BATCH])

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Logs nested settings as flat `a.b` parameters."""
        from mlflow.entities import Param

        flat = [Param(_plain(k), str(v)[:_PARAM_CHARS]) for k, v in _flatten(params)]
        for start in range(0, len(flat), 100):
            self.client.log_batch(self.id, params=flat[start : start + 100])

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Sets tags, replacing earlier values."""
        for name, value in tags.items():
            self.client.set_tag(self.id, name, value)

    def log_figure(self, figure: "Figure", file: str) -> None:
        """Keeps a matplotlib figure as an artifact, such as `plots/best_llm.png`."""
        self.client.log_figure(self.id, figure, file)

    def log_text(self, text: str, file: str) -> None:
        """Keeps a text as an artifact."""
        self.client.log_text(self.id, text, file)

    def log_folder(self, folder: Path, name: str) -> None:
        """Keeps all files of a local folder as artifacts under `name`."""
        self.client.log_artifacts(self.id, str(folder), name)


class Tracker:
    """The MLflow tracking store that belongs to a workbench store.

    Args:
        store: path of the DuckDB file; it need not exist.
        experiment: MLflow experiment for new runs; the store's name by default.
    """

    def __init__(self, store: Path, experiment: str | None = None) -> None:
        from mlflow import MlflowClient

        self.store = Path(store)
        self.uri = tracking_uri(self.store)
        self.experiment = experiment or self.store.stem
        # Two processes that make the same SQLite tables at once would trip over each other.
        with FileLock(work_folder(self.store) / "mlflow.lock"):
            with _quiet():
                self.client = MlflowClient(self.uri)
                found = self.client.get_experiment_by_name(self.experiment)
            if found is None:
                self.experiment_id = self.client.create_experiment(
                    self.experiment, artifact_location=self._artifact_location()
                )
            else:
                self.experiment_id = found.experiment_id

    def _artifact_location(self) -> str | None:
        # MLflow's own default is a folder in the current directory, which moves about; a server
        # has its own place.
        if not self.uri.startswith("sqlite:"):
            return None
        return (self.store.resolve().parent / "mlflow-artifacts" / self.experiment).as_uri()

    @contextmanager
    def run(
        self,
        stage: str,
        config: Mapping[str, Any],
        data: str,
        *,
        name: str | None = None,
        seed: int | None = None,
        parent: str | None = None,
    ) -> Iterator[Run]:
        """One run of a stage; ends as FINISHED, KILLED (Ctrl-C) or FAILED with its error.

        Raises:
            StoreBusy: the very same run is under way in another process.
        """
        key = run_key(stage, config, data)
        lock = FileLock(work_folder(self.store) / f"{stage}-{key}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise StoreBusy(f"this very {stage} (key {key}) runs in another process") from error
        try:
            run = self._started(stage, key, config, data, name, seed, parent)
            try:
                yield run
            except BaseException as error:
                self._ended_badly(run, error)
                raise
            self.client.set_terminated(run.id, "FINISHED")
        finally:
            lock.release()

    def find(self, key: str) -> Any | None:
        """The newest MLflow run with this key, or None."""
        found = self._search(f"tags.`{KEY}` = '{key}'")
        return found[0] if found else None

    def runs_of(self, stage: str) -> list[Any]:
        """All finished runs of a stage, newest first."""
        return self._search(f"tags.`{STAGE}` = '{stage}' and attributes.status = 'FINISHED'")

    def resolve(self, run: str, stage: str | None = None) -> str:
        """The full id of a run given by its id or the beginning of it.

        Raises:
            UnknownName: no run, or more than one, begins so.
        """
        condition = f"tags.`{STAGE}` = '{stage}'" if stage else f"tags.`{STAGE}` != ''"
        ids = [found.info.run_id for found in self._search(condition)]
        matching = [i for i in ids if i.startswith(run)]
        if len(matching) != 1:
            raise UnknownName(f"{stage or ''} run".strip(), run, ids)
        return matching[0]

    def artifact(self, run: str, name: str) -> Path:
        """A local copy of a run's artifact folder.

        Raises:
            WorkbenchError: the run has no such artifact.
        """
        from mlflow.artifacts import download_artifacts

        try:
            with _quiet():
                local = download_artifacts(run_id=run, artifact_path=name, tracking_uri=self.uri)
        except Exception as error:  # MLflow raises a different one for each kind of store
            raise WorkbenchError(f"run {run} has no artifact '{name}': {error}") from error
        return Path(local)

    def add_child(
        self,
        parent: Run,
        name: str,
        status: str,
        params: Mapping[str, Any],
        metrics: Mapping[str, float],
        earlier: str | None = None,
    ) -> str:
        """A run below another that is over when it is written, as a sweep's trial; its id.

        `earlier`: id of this very child, where a start that was killed has left it.
        """
        tags = {STAGE: f"{parent.stage}-trial", "mlflow.parentRunId": parent.id}
        id = earlier
        if id is None:
            made = self.client.create_run(parent.experiment_id, tags=tags, run_name=name)
            id = made.info.run_id
        child = Run(id, "", parent.stage, True, False, parent.experiment_id, self.client)
        child.log_params(params)
        child.log_metrics(metrics)
        self.client.set_terminated(id, status)
        return str(id)

    def children(self, run: str) -> dict[str, str]:
        """Names and ids of the runs below a run."""
        found = self._search(f"tags.`mlflow.parentRunId` = '{run}'")
        return {child.info.run_name: child.info.run_id for child in found}

    def _search(self, condition: str) -> list[Any]:
        experiments = [e.experiment_id for e in self.client.search_experiments()]
        found: list[Any] = []
        token = None
        while True:
            page = self.client.search_runs(
                experiments, condition, order_by=["attributes.start_time DESC"], page_token=token
            )
            found += page
            token = page.token
            if not token:
                return found

    def _started(
        self,
        stage: str,
        key: str,
        config: Mapping[str, Any],
        data: str,
        name: str | None,
        seed: int | None,
        parent: str | None,
    ) -> Run:
        earlier = self.find(key)
        if earlier is not None:
            info = earlier.info
            finished = info.status == "FINISHED"
            if not finished:
                self.client.update_run(info.run_id, status="RUNNING")
                if ERROR in earlier.data.tags:
                    self.client.delete_tag(info.run_id, ERROR)
            return Run(
                info.run_id, key, stage, finished, not finished, info.experiment_id, self.client
            )
        tags = {KEY: key, STAGE: stage, "workbench.data": data, **code_version()}
        if parent:
            tags["mlflow.parentRunId"] = parent
        if seed is not None:
            tags["workbench.seed"] = str(seed)
        made = self.client.create_run(self.experiment_id, tags=tags, run_name=name or stage)
        run = Run(made.info.run_id, key, stage, False, False, self.experiment_id, self.client)
        run.log_params(config)
        self.client.log_dict(run.id, json.loads(json.dumps(config, default=str)), "config.yaml")
        return run

    def _ended_badly(self, run: Run, error: BaseException) -> None:
        stopped = isinstance(error, KeyboardInterrupt | SystemExit)
        self.client.set_tag(run.id, ERROR, f"{type(error).__name__}: {error}"[:5000])
        if not stopped:
            self.client.log_text(run.id, "".join(traceback.format_exception(error)), "error.txt")
        self.client.set_terminated(run.id, "KILLED" if stopped else "FAILED")


def code_version() -> dict[str, str]:
    """Tags: the package version and, in a git checkout of it, the commit and if it is dirty."""
    tags = {"workbench.version": workbench.__version__}
    folder = Path(workbench.__file__).parent

    def git(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False
        )

    try:
        # A package installed inside somebody's own repository is not tracked there.
        if git("ls-files", "--error-unmatch", "__init__.py").returncode == 0:
            tags["mlflow.source.git.commit"] = git("rev-parse", "HEAD").stdout.strip()
            tags["workbench.dirty"] = str(bool(git("status", "--porcelain").stdout)).lower()
    except FileNotFoundError:
        tags["workbench.dirty"] = "unknown: no git on this machine"
    return tags


def _flatten(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in config.items():
        if isinstance(value, Mapping) and value:
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _plain(name: str) -> str:
    allowed = "_-. :/"
    return "".join(c if c.isalnum() or c in allowed else "_" for c in name)[:250]


@contextmanager
def _quiet() -> Iterator[None]:
    """Silences MLflow's notes on the making of its tables and its download bars."""
    import logging

    names = ("mlflow.store.db.utils", "alembic.runtime.migration", "mlflow.tracking")
    loggers = [logging.getLogger(name) for name in names]
    before = [logger.level for logger in loggers]
    shown = os.environ.get("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR")
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
        if shown is None:
            del os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"]
        else:
            os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = shown
