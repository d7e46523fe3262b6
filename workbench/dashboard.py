"""Dashboard: the pages over a store, served to this machine alone."""

import os
import socket
import sys
from importlib.util import find_spec
from pathlib import Path

from workbench import terminal
from workbench.errors import BadValue, MissingInput, StoreBusy, StoreMissing, StoreVersion
from workbench.store.store import Store

_STORE = "WORKBENCH_DASHBOARD_STORE"
_OPTIONS = {
    "server.address": "localhost",  # nobody else's machine can ask
    "server.fileWatcherType": "none",
    "server.showEmailPrompt": "false",
    "browser.gatherUsageStats": "false",
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "none",  # no traceback, and no path, in the browser
    "runner.magicEnabled": "false",
}


def dashboard(store: Path, port: int = 8501, open_browser: bool = False) -> None:
    """Shows what is in a store on web pages, until Ctrl-C; the store is only read.

    Experiments may write to the store meanwhile: the pages show what is new when they are
    reloaded. A store that is not there yet is waited for.

    Args:
        store: DuckDB file.
        port: on localhost; no other machine can reach the pages.
        open_browser: opens the first page in a browser.

    Raises:
        BadValue: a port that is none, or that is taken.
        StoreUnreachable: what lies at `store` can never be read as one.
        MissingInput: the pages are not installed.
    """
    if not 1 <= port <= 65535:
        raise BadValue("port", port, "1 to 65535")
    if not _free(port):
        near = next((p for p in range(port + 1, min(port + 100, 65536)) if _free(p)), None)
        raise BadValue("port", port, "one that is not taken" + (f", such as {near}" * bool(near)))
    found = find_spec("dashboards")
    if found is None or not found.submodule_search_locations:
        raise MissingInput("the folder dashboards/ is not installed: install the project again")
    app = Path(next(iter(found.submodule_search_locations))) / "app.py"
    options = _OPTIONS | {
        "server.port": str(port),
        "server.headless": str(not open_browser).lower(),
    }
    told = [word for name, value in options.items() for word in (f"--{name}", value)]
    try:
        Store(store, retry_s=0, upgrades=False)
    except (StoreMissing, StoreVersion, StoreBusy) as error:
        terminal.say(f"{error}\nThe pages say so too, and show the store once it can be read")
    terminal.say("Ctrl-C ends the dashboard")
    command = [sys.executable, "-m", "streamlit", "run", str(app), *told]
    # In place of this process, so that who ends it ends the server.
    os.execve(sys.executable, command, os.environ | {_STORE: str(store.resolve())})  # noqa: S606


def _free(port: int) -> bool:
    with socket.socket() as tried:
        # As the server does: a port that was let go of a moment ago may be taken again.
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
