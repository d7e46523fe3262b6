"""Which store a run belongs to: its id, which the store tells and its runs are tagged with.

Several stores may share one tracking store, such as all those of a folder. Only the store itself
can read its id, and it lies a floor above: so it tells the id where it is opened, and trackers
ask here by path.
"""

import threading
from pathlib import Path

_ids: dict[Path, str | None] = {}
_lock = threading.Lock()


def know_store(path: Path, id: str | None) -> None:
    """Takes note of the id of the store at `path`; None for one that was made without."""
    with _lock:
        _ids[path.resolve()] = id


def id_of_store(path: Path) -> str | None:
    """The id of the store at `path`; None where it has none or was not opened in this process."""
    with _lock:
        return _ids.get(path.resolve())
