"""`workbench dashboard`: what it starts, and what it refuses."""

import os
import socket
from pathlib import Path

import pytest

from workbench import dashboard as verb
from workbench.cli import main


def test_the_server_is_for_this_machine_alone_and_tells_nobody(tmp_path, monkeypatch, capsys):
    started = []
    monkeypatch.setattr(os, "execve", lambda *given: started.append(given))
    store = tmp_path / "none.duckdb"
    assert main(["dashboard", f"--store={store}", "--port=8765"]) == 0
    [(_, words, environment)] = started
    told = dict(zip(words[5::2], words[6::2], strict=True))
    assert words[1:4] == ["-m", "streamlit", "run"]
    assert Path(words[4]).name == "app.py"
    assert told["--server.address"] == "localhost"
    assert told["--server.port"] == "8765"
    assert told["--browser.gatherUsageStats"] == "false"
    assert told["--server.headless"] == "true"  # no question about an e-mail address
    assert told["--client.showErrorDetails"] == "none"
    assert environment["WORKBENCH_DASHBOARD_STORE"] == str(store)
    assert f"no store at {store}: make one" in capsys.readouterr().err


@pytest.mark.parametrize("port", [0, -1, 70000])
def test_a_port_that_is_none_is_refused(tmp_path, capsys, port):
    assert main(["dashboard", f"--store={tmp_path}/x.duckdb", f"--port={port}"]) == 2
    assert "1 to 65535" in capsys.readouterr().err


def test_a_port_that_is_taken_is_refused_and_another_named(tmp_path, capsys):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert main(["dashboard", f"--store={tmp_path}/x.duckdb", f"--port={port}"]) == 2
    told = capsys.readouterr().err
    assert f"{port}" in told
    assert "not taken, such as" in told


def test_a_folder_is_refused(tmp_path, capsys):
    assert main(["dashboard", f"--store={tmp_path}"]) == 2
    assert "is a folder, not a store" in capsys.readouterr().err


def test_what_is_no_store_is_told_at_once(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(os, "execve", lambda *given: None)
    file = tmp_path / "notes.txt"
    file.write_text("no store, but as long as the head of one would have to be")
    assert main(["dashboard", f"--store={file}"]) == 0
    assert "it is no DuckDB file" in capsys.readouterr().err


def test_the_options_exist(monkeypatch):
    from streamlit import config

    known = config.get_config_options()
    assert set(verb._OPTIONS) <= set(known)
