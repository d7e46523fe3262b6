"""What a study's objectives are to be, as Optuna's own storage beside the store tells."""

import sqlite3
from pathlib import Path

import optuna
import streamlit as st
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from optuna.study import StudyDirection

from dashboards.reading import store_path
from workbench.sweeps.study import quiet_experiments
from workbench.tracking import study_storage

_SQLITE = "sqlite:///"


def objectives(study: str) -> dict[str, bool]:
    """Objective -> whether the smaller is the better, in the study's own order.

    Empty where there is no such study beside the store, or none that can be read, or where its
    objectives have no names; looking never makes one.
    """
    file = Path(study_storage(store_path()).removeprefix(_SQLITE))
    return _objectives(study, file, file.stat().st_mtime_ns) if file.is_file() else {}


@st.cache_data(max_entries=50, ttl=60, show_spinner=False)
def _objectives(study: str, file: Path, seen: int) -> dict[str, bool]:
    def read_only() -> sqlite3.Connection:
        return sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)

    try:
        storage = RDBStorage(
            "sqlite://",
            engine_kwargs={"creator": read_only},
            skip_compatibility_check=True,
            skip_table_creation=True,
        )
        try:
            with quiet_experiments():
                found = optuna.load_study(study_name=study, storage=storage)
                names, directions = found.metric_names or [], found.directions
        finally:
            storage.remove_session()
            storage.engine.dispose()
    except (KeyError, StorageInternalError):
        return {}
    # A study's objectives may have no names.
    pairs = zip(names, directions, strict=False)
    return {name: way == StudyDirection.MINIMIZE for name, way in pairs}
