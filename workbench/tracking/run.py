"""A run under way, and what is written to it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.tracking.names import flat_settings, plain_names

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from mlflow import MlflowClient

KEY, STAGE, ERROR = "workbench.key", "workbench.stage", "workbench.error"
STORE, DATA, SEED = "workbench.store", "workbench.data", "workbench.seed"
RESUMED = "workbench.resumed"  # with .1, .2 … behind: the code of each later start
_BATCH = 1000  # MLflow takes at most so many metrics in one call
_PARAM_CHARS = 6000


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
        leads: this process writes the run; where another of the same training does, whatever is
            logged here is dropped.
    """

    id: str
    key: str
    stage: str
    finished: bool
    resumed: bool
    experiment_id: str
    client: "MlflowClient" = field(repr=False)
    leads: bool = True

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Logs numbers, under the nearest names that MLflow allows (`plain_names`)."""
        if not self.leads:
            return
        from mlflow.entities import Metric
        from mlflow.utils.time import get_current_time_millis

        now = get_current_time_millis()
        names = plain_names(metrics)
        entries = [Metric(names[k], float(v), now, step) for k, v in metrics.items()]
        for start in range(0, len(entries), _BATCH):
            self.client.log_batch(self.id, metrics=entries[start : start + _BATCH])

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Logs nested settings as flat `a.b` parameters."""
        if not self.leads:
            return
        from mlflow.entities import Param

        given = dict(flat_settings(params))
        names = plain_names(given)
        flat = [Param(names[k], str(v)[:_PARAM_CHARS]) for k, v in given.items()]
        for start in range(0, len(flat), 100):
            self.client.log_batch(self.id, params=flat[start : start + 100])

    def log_figure(self, figure: "Figure", file: str) -> None:
        """Keeps a matplotlib figure as an artifact, such as `plots/best_llm.png`."""
        if self.leads:
            self.client.log_figure(self.id, figure, file)

    def log_text(self, text: str, file: str) -> None:
        """Keeps a text as an artifact."""
        if self.leads:
            self.client.log_text(self.id, text, file)

    def log_folder(self, folder: Path, name: str) -> None:
        """Keeps all files of a local folder as artifacts under `name`."""
        if self.leads:
            self.client.log_artifacts(self.id, str(folder), name)
