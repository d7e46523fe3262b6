"""What a study was asked and what it tried, as Optuna's own storage beside the store tells."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna
import streamlit as st
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from optuna.study import StudyDirection

from dashboards.reading import store_path
from workbench.stages.system_names import ranker_system
from workbench.sweeps.study import ASKED, quiet_experiments
from workbench.tracking import study_storage

_SQLITE = "sqlite:///"
_UNITS = {
    "usd": (1000.0, "US dollars per 1,000 prompts"),
    "tokens": (1.0, "generated tokens per prompt"),
    "calls": (1.0, "LLM calls per prompt"),
    "parameters": (1.0, "billion parameters run per prompt"),
}
"""Unit of a study's costs -> by how much they are multiplied on the pages, and what they are."""

_READ = 3000  # trials; Optuna takes milliseconds for each


@dataclass(frozen=True)
class Study:
    """What is known of a study beside its trials; all empty where it is not beside the store.

    Attributes:
        objectives: objective -> whether the smaller is the better, in the study's own order;
            empty where they have no names.
        asked: its settings by name: measure, split, cost and others.
        systems: trial -> name of its system in the store; a tuning's, and those of a study of very
            many trials, are left out.
    """

    objectives: Mapping[str, bool] = field(default_factory=dict)
    asked: Mapping[str, Any] = field(default_factory=dict)
    systems: Mapping[int, str] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """A setting that is a text; '' where there is none."""
        found = self.asked.get(name)
        return found if isinstance(found, str) else ""

    def shown(self, figure: str) -> tuple[float, str]:
        """By how much a figure is multiplied on the page, and what it is then called."""
        unit = _UNITS.get(self.text("cost"))
        if unit is None or not (figure == "cost" or figure.endswith("_cost")):
            return 1.0, figure
        return unit[0], f"{figure}, {unit[1]}"


def study_told(study: str) -> Study:
    """What Optuna's storage knows of a study; looking never makes one."""
    file = Path(study_storage(store_path()).removeprefix(_SQLITE))
    return _told(study, file, file.stat().st_mtime_ns) if file.is_file() else Study()


@st.cache_data(max_entries=50, ttl=60, show_spinner="Reading the study …")
def _told(study: str, file: Path, seen: int) -> Study:
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
                asked = found.user_attrs.get(ASKED)
                few = storage.get_n_trials(storage.get_study_id_from_name(study)) <= _READ
                trials = found.get_trials(deepcopy=False) if few else []
        finally:
            storage.remove_session()
            storage.engine.dispose()
    except (KeyError, StorageInternalError):
        return Study()
    # A study's objectives may have no names.
    pairs = zip(names, directions, strict=False)
    objectives = {name: way == StudyDirection.MINIMIZE for name, way in pairs}
    asked = asked if isinstance(asked, dict) else {}
    settings = {trial.number: trial.user_attrs.get("setting") for trial in trials}
    systems = {number: _system(setting, asked) for number, setting in settings.items()}
    return Study(objectives, asked, {number: name for number, name in systems.items() if name})


def _system(setting: Any, asked: Mapping[str, Any]) -> str:
    """The system of a trial by its attribute `setting`, see `workbench.sweeps.ledger`."""
    if not isinstance(setting, dict):
        return ""
    if isinstance(chain := setting.get("chain"), str):
        return chain
    scheme, ranker = setting.get("scheme"), asked.get("ranker")
    if isinstance(scheme, str) and isinstance(ranker, str):
        return ranker_system(ranker, scheme)
    return ""
