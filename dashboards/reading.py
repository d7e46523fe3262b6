"""The way to the store: one short read-only connection a question; answers are kept."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from workbench.errors import MissingInput
from workbench.store.store import Store

STORE = "WORKBENCH_DASHBOARD_STORE"
"""Environment variable with the path of the store; the only way to choose one."""
_PATIENCE_S = 5.0  # while another process writes
_MEMORY = "2GB"
_KEPT = 300  # answers


def store_path() -> Path:
    """The store that this dashboard was started for.

    Raises:
        MissingInput: it was started without one.
    """
    path = os.environ.get(STORE)
    if not path:
        raise MissingInput("no store was given: start with `workbench dashboard --store FILE`")
    return Path(path)


def open_store() -> Store:
    """The store, as it is: an older one is not upgraded.

    Raises:
        StoreMissing, StoreVersion, StoreUnreachable, StoreBusy: what `app.py` makes pages of.
    """
    return Store(store_path(), retry_s=_PATIENCE_S, memory_limit=_MEMORY, upgrades=False)


def stamp() -> tuple[int, ...]:
    """What changes whenever the store file does."""
    seen = store_path().stat()
    return (seen.st_ino, seen.st_mtime_ns, seen.st_size)


def ask(question: Callable[..., Any], *given: Any) -> Any:
    """The answer of `question(db, *given)`, asked again only once the store has changed.

    Args:
        question: a function of `dashboards.queries`.
        given: values that can be hashed and tell the question apart from others.
    """
    store = open_store()
    name = f"{question.__module__}.{question.__qualname__}"
    return _answer(question, store, name, given, (str(store.path), *stamp()))


@st.cache_data(max_entries=_KEPT, show_spinner="Asking the store …")
def _answer(_question: Callable[..., Any], _store: Store, name: str, given: Any, seen: Any) -> Any:
    with _store.reading() as db:
        # No question can reach another file, whatever it is given.
        db.execute("set enable_external_access = false")
        return _question(db, *given)
