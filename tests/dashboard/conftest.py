"""A small store of everything, and pages drawn over it without a browser."""

import importlib.util
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboards.reading import STORE
from workbench.store.store import Store

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def made_store(tmp_path_factory):
    """The benchmark's store, small: 240 prompts of 3 datasets and 8 categories, 5 LLMs."""
    script = ROOT / "experiments" / "benchmarks" / "big_store.py"
    spec = importlib.util.spec_from_file_location("big_store", script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    path = tmp_path_factory.mktemp("dashboard") / "store.duckdb"
    module.make(path, 240, 5)
    return path


@pytest.fixture
def db(made_store):
    """A read-only connection, as the questions get it."""
    with Store(made_store).reading() as db:
        yield db


@pytest.fixture
def page(made_store, monkeypatch):
    """Draws a page: `page("best_llm", by="measure rougeL@1")`; the keywords are the URL's."""

    def draw(path, store=made_store, **query):
        monkeypatch.setenv(STORE, str(store))
        script = f"from dashboards.app import draw\ndraw({path!r})"
        app = AppTest.from_string(script, default_timeout=60)  # of later runs, too
        for name, value in query.items():
            app.query_params[name] = value
        return app.run()

    return draw


@pytest.fixture
def written(tmp_path):
    """A store with texts that a search could trip over; returns its path."""
    path = tmp_path / "texts.duckdb"
    with Store.create(path).writing() as db:
        for prompt, instruction, text in [
            ("p1", "100% of ÄPFEL", "nothing"), ("p2", "under_score", "an apple; äpfel"),
            ("p3", "under-score'; drop table prompts; --", None), ("p4", "a\\b %", ""),
        ]:  # fmt: skip
            db.execute(
                "insert into prompts values (?, 'd', 'test', ?, ?, null, null)",
                [prompt, instruction, "" if prompt != "p4" else "INPUT"],
            )
            db.execute(
                "insert into candidates values (?, ?, 'one', ?, '', null, null, null, null)",
                ["c" + prompt, prompt, text],
            )
    return path
