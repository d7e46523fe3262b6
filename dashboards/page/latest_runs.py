"""The part of Overview that tells which runs there were, and everything about one of them."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import streamlit as st

from dashboards.plain import plain
from dashboards.runs import address, latest_runs, mlflow_ui, run_told, where

RUN = "run"
"""Name in the URL of the run that is looked at."""
_TABLE = "latest_runs"
_MOST = 50
_STATUS = {"FINISHED": "finished", "FAILED": "failed", "KILLED": "stopped", "RUNNING": "running"}
_COLOURS = {"finished": "green", "failed": "red", "stopped": "orange", "running": "blue"}


def show() -> None:
    """The newest runs, and the one that is chosen in the table or by the URL."""
    st.subheader("Latest runs", anchor="latest_runs")
    runs = latest_runs(_MOST)
    chosen = st.query_params.get(RUN)
    if chosen:
        _one(chosen)
    if not runs:
        st.info(
            "No MLflow run of this store is found beside it. If runs lie on a server, start the "
            "dashboard with MLFLOW_TRACKING_URI as the experiments have it."
        )
        return
    failed = [run for run in runs if run["status"] == "FAILED"]
    told = f"The last {len(runs)} runs of {where()}; choose one to see all of it."
    st.caption(plain(told))
    if failed:
        st.warning(
            f"{len(failed)} of these runs failed: choose them to see why.", icon=":material/error:"
        )
    # A run that comes meanwhile moves all rows: who ticks one means the table as it was shown.
    ids = [run["run"] for run in runs]
    key = f"{_TABLE}_{ids[0]}"
    st.dataframe(
        pa.Table.from_pylist([_row(run) for run in runs]),
        key=key, hide_index=True, selection_mode="single-row",
        column_config={"status": st.column_config.MultiselectColumn(
            options=list(_COLOURS), color=list(_COLOURS.values()), width="small",
        )},
        on_select=lambda: _take_choice(ids, key), height=min(460, 38 + 35 * len(runs)),
    )  # fmt: skip


def _row(run: dict[str, Any]) -> dict[str, Any]:
    return {
        "status": [_status(run)],
        "stage": run["stage"],
        "started": run["started"],
        "took": _duration(run["seconds"]),
        "run": run["run"],
        "error": run["error"],
    }


def _status(run: dict[str, Any]) -> str:
    return _STATUS.get(run["status"], run["status"].lower())


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    if seconds < 60:
        return f"{seconds:.1f} s"
    hours, minutes = divmod(round(seconds) // 60, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds % 60:02.0f} s"


def _take_choice(ids: Sequence[str], key: str) -> None:
    """The chosen one of the runs that were shown goes into the URL, so that it can be shared."""
    rows = st.session_state[key]["selection"]["rows"]
    if rows:
        st.query_params[RUN] = ids[rows[0]]
    elif RUN in st.query_params:
        del st.query_params[RUN]


def _one(id: str) -> None:
    run = run_told(id)
    with st.container(border=True):
        if run is None:
            st.markdown(f"**Run {plain(id[:40])}**")
            st.info(
                "MLflow does not know this run. A model that was not trained here, such as one "
                "from a hub, has a hash of its configuration in place of a run."
            )
            return
        told = f"{_status(run)}, started {run['started']}, took {_duration(run['seconds'])}"
        name = f" ({run['name']})" if run["name"] not in ("", run["stage"]) else ""
        st.markdown(
            f"**Run {plain(run['run'][:8])}: {plain(run['stage'] + name)}** · {plain(told)}"
        )
        if run["error"]:
            st.error("It ended with:", icon=":material/error:")
            st.code(run["error"], language=None, wrap_lines=True)
        if run["parent"]:
            parent = run["parent"]
            st.markdown(f"A trial of [run {plain(parent[:8])}]({address(parent)})")
        _pairs(run)
        _in_mlflow(run)


def _pairs(run: dict[str, Any]) -> None:
    left, right = st.columns(2)
    for column, kind, name in (
        (left, "parameters", "setting"), (right, "metrics", "figure"),
    ):  # fmt: skip
        pairs = sorted(run[kind].items())
        column.caption(f"{len(pairs)} {kind}")
        if pairs:
            table = pa.table({name: [k for k, _ in pairs], "value": [v for _, v in pairs]})
            column.dataframe(table, hide_index=True, height=min(300, 38 + 35 * len(pairs)))


def _in_mlflow(run: dict[str, Any]) -> None:
    command, page = mlflow_ui(run)
    if command:
        st.caption("Its plots and files in MLflow's own pages: run this, then open the address.")
        st.code(f"{command}\n{page}", language=None)
    else:
        st.caption("Its plots and files in MLflow's own pages:")
        st.code(page, language=None)
