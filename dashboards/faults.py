"""Pages that tell what is wrong with a store, and what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from workbench.errors import (
    MissingInput,
    StoreBusy,
    StoreMissing,
    StoreUnreachable,
    StoreVersion,
    WorkbenchError,
)

_TOLD: dict[type[WorkbenchError], tuple[str, str]] = {
    StoreMissing: (
        "There is no store yet",
        "`workbench demo` makes one to look at. This page finds it when you reload.",
    ),
    StoreVersion: (
        "This store cannot be read as it is",
        "The dashboard never changes a file, and so brings no older store up to date.",
    ),
    StoreBusy: (
        "An experiment is writing to the store",
        "DuckDB lets one process write or many read. Try again in a moment.",
    ),
    StoreUnreachable: (
        "The store cannot be opened",
        "Look at what lies there, and who may read it.",
    ),
    MissingInput: ("Something is not in the store yet", "What to run stands above."),
}


@contextmanager
def told_as_page() -> Iterator[None]:
    """Turns what is wrong with the store into a page; other errors are bugs and go on."""
    try:
        yield
    except (FileNotFoundError, WorkbenchError) as error:
        kind = StoreMissing if isinstance(error, FileNotFoundError) else type(error)
        if kind not in _TOLD:
            raise
        title, advice = _TOLD[kind]
        st.error(title, icon=":material/database_off:")
        st.text(str(error))
        st.markdown(advice)
        st.button("Try again", icon=":material/refresh:")
