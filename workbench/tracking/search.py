"""Runs among those that MLflow holds."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from workbench.errors import AmbiguousName, UnknownName
from workbench.tracking.run import STAGE

if TYPE_CHECKING:
    from mlflow import MlflowClient

_NEAREST = 5  # runs told where one is not found


def all_runs(client: "MlflowClient", condition: str) -> list[Any]:
    """The MLflow runs of all experiments that meet a condition, newest first."""
    experiments = [e.experiment_id for e in client.search_experiments()]
    found: list[Any] = []
    token = None
    while True:
        page = client.search_runs(
            experiments, condition, order_by=["attributes.start_time DESC"], page_token=token
        )
        found += page
        token = page.token
        if not token:
            return found


def the_one(runs: Sequence[Any], beginning: str, kind: str) -> str:
    """Id of the one run whose id begins so.

    Raises:
        UnknownName: there is none; the message tells the nearest.
        AmbiguousName: there are several; the message tells them.
    """
    matching = [run for run in runs if run.info.run_id.startswith(beginning)]
    if len(matching) > 1:
        raise AmbiguousName(kind, beginning, map(_described, matching))
    if matching:
        return str(matching[0].info.run_id)
    # Trials can be named, but would crowd out what is more likely meant.
    likely = [run for run in runs if not run.data.tags[STAGE].endswith("-trial")]
    likely.sort(key=lambda run: _shared(run.info.run_id, beginning), reverse=True)
    near = likely[:_NEAREST]
    raise UnknownName(kind, beginning, map(_described, near), more=len(likely) - len(near))


def _shared(id: str, beginning: str) -> int:
    return max(n for n in range(len(beginning) + 1) if id.startswith(beginning[:n]))


def _described(run: Any) -> str:
    started = datetime.fromtimestamp(run.info.start_time / 1000).strftime("%Y-%m-%d %H:%M")
    return f"{run.info.run_id} ({run.data.tags[STAGE]}, {started})"
