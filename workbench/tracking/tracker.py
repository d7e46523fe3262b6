"""The runs of a store in MLflow: begun, gone on with, ended, found."""

import gc
import json
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from workbench.errors import StoreBusy, TrackingError, WorkbenchError
from workbench.tracking.code_version import code_version, code_version_text
from workbench.tracking.connection import connected
from workbench.tracking.places import tables_lock, tracking_uri, work_folder
from workbench.tracking.quiet import quiet
from workbench.tracking.rank import leads
from workbench.tracking.run import DATA, ERROR, KEY, RESUMED, SEED, STAGE, STORE, Run, run_key
from workbench.tracking.search import all_runs, the_one
from workbench.tracking.stores import id_of_store

_JOIN_S = 120.0  # seconds for which a process waits for the one that leads the run


class Tracker:
    """The MLflow tracking store that belongs to a workbench store.

    Args:
        store: path of the DuckDB file; it need not exist.
        experiment: MLflow experiment for new runs; the store's name by default.

    Raises:
        TrackingError: MLflow's tracking store does not answer.
    """

    def __init__(self, store: Path, experiment: str | None = None) -> None:
        self.store = Path(store)
        self.store_id = id_of_store(self.store)
        self.uri = tracking_uri(self.store)
        self.experiment = experiment or self.store.stem
        # Two processes that make the same SQLite tables at once would trip over each other.
        work_folder(self.store)
        with FileLock(tables_lock(self.store)):
            self.client = connected(self.uri)
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

        Of a training in several processes the first leads the run; the others join it, and
        change nothing.

        Raises:
            StoreBusy: the very same run is under way in another process.
            TrackingError: the process that leads has not begun the run.
        """
        key = self.key(stage, config, data)
        if not leads():
            yield self._joined(stage, key)
            return
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

    def key(self, stage: str, config: Mapping[str, Any], data: str) -> str:
        """The key of a run: of stage, configuration and data, in this store."""
        return run_key(stage, config, f"{self.store_id} {data}" if self.store_id else data)

    def find(self, key: str) -> Any | None:
        """The newest MLflow run of this store with this key, or None."""
        found = self._own(f"tags.`{KEY}` = '{key}'")
        return found[0] if found else None

    def runs_of(self, stage: str) -> list[Any]:
        """All finished runs of a stage in this store, newest first."""
        return self._own(f"tags.`{STAGE}` = '{stage}' and attributes.status = 'FINISHED'")

    def resolve(self, run: str, stage: str | None = None) -> str:
        """The full id of a run of this store given by its id or the beginning of it.

        Raises:
            UnknownName: no run begins so.
            AmbiguousName: more than one does.
        """
        found = self._own(f"tags.`{STAGE}` = '{stage}'" if stage else f"tags.`{STAGE}` != ''")
        return the_one(found, run, f"{stage or ''} run".strip())

    def artifact(self, run: str, name: str, into: Path | None = None) -> Path:
        """A local copy of a run's artifact folder, in `into` or a new folder for temporary files.

        Raises:
            WorkbenchError: the run has no such artifact.
        """
        from mlflow.artifacts import download_artifacts

        try:
            with quiet():
                local = download_artifacts(
                    run_id=run,
                    artifact_path=name,
                    dst_path=str(into) if into else None,
                    tracking_uri=self.uri,
                )
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
        *,
        error: str | None = None,
        earlier: str | None = None,
    ) -> str:
        """A run below another that is over when it is written, as a sweep's trial; its id.

        `error`: why it failed. `earlier`: id of this very child, where a start that was killed
        has left it.
        """
        tags = {STAGE: f"{parent.stage}-trial", "mlflow.parentRunId": parent.id, **self._mark()}
        if error is not None:
            tags[ERROR] = error
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

    def _own(self, condition: str) -> list[Any]:
        """Runs of this store. Those of a store that has no id have none either: all such runs in
        the store's experiment count as its own."""
        if self.store_id is not None:
            return self._search(f"{condition} and tags.`{STORE}` = '{self.store_id}'")
        found = self._search(condition)
        mine = [f for f in found if f.info.experiment_id == self.experiment_id]
        return [f for f in mine if STORE not in f.data.tags]

    def _mark(self) -> dict[str, str]:
        return {} if self.store_id is None else {STORE: self.store_id}

    def _search(self, condition: str) -> list[Any]:
        return all_runs(self.client, condition)

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
                starts = sum(tag.startswith(RESUMED) for tag in earlier.data.tags)
                self.client.set_tag(info.run_id, f"{RESUMED}.{starts + 1}", code_version_text())
                if ERROR in earlier.data.tags:
                    self.client.delete_tag(info.run_id, ERROR)
            return Run(
                info.run_id, key, stage, finished, not finished, info.experiment_id, self.client
            )
        tags = {KEY: key, STAGE: stage, DATA: data, **self._mark(), **code_version()}
        if parent:
            tags["mlflow.parentRunId"] = parent
        if seed is not None:
            tags[SEED] = str(seed)
        made = self.client.create_run(self.experiment_id, tags=tags, run_name=name or stage)
        run = Run(made.info.run_id, key, stage, False, False, self.experiment_id, self.client)
        run.log_params(config)
        self.client.log_dict(run.id, json.loads(json.dumps(config, default=str)), "config.yaml")
        return run

    def _joined(self, stage: str, key: str) -> Run:
        deadline = time.monotonic() + _JOIN_S
        while (begun := self.find(key)) is None:
            if time.monotonic() > deadline:
                raise TrackingError(f"the first process has begun no {stage} with key {key}")
            time.sleep(0.2)
        info = begun.info
        finished = info.status == "FINISHED"
        return Run(
            info.run_id, key, stage, finished, not finished, info.experiment_id, self.client, False
        )

    def _ended_badly(self, run: Run, error: BaseException) -> None:
        stopped = isinstance(error, KeyboardInterrupt | SystemExit)
        told = "".join(traceback.format_exception(error))
        # An interrupted write to MLflow's SQLite file holds its lock as long as its frames live.
        traceback.clear_frames(error.__traceback__)
        gc.collect()
        self.client.set_tag(run.id, ERROR, f"{type(error).__name__}: {error}"[:5000])
        if not stopped:
            self.client.log_text(run.id, told, "error.txt")
        self.client.set_terminated(run.id, "KILLED" if stopped else "FAILED")
