"""Pages over a store that is missing, empty, old, held or being written to; they never write."""

import hashlib
import os
import shutil
import subprocess
import sys
import time

import duckdb
import pytest
from tiny_pipeline import execute, one

from dashboards import reading
from dashboards.app import PAGES
from workbench.store.store import Store

HOLDER = """
import sys, time, duckdb
db = duckdb.connect(sys.argv[1]); print("held", flush=True); time.sleep(120)
"""
SLOW_RANKER = """
import time
import numpy as np
from workbench.ranking.ranker import Ranker


class Slow(Ranker):
    hparams = {}

    def prepare(self):
        return self

    def compare(self, prompts, left, right, *, progress=None, **options):
        time.sleep(0.002 * len(prompts))
        progress(len(prompts))
        return np.array([len(a) - len(b) for a, b in zip(left, right)], np.float32) / 100
"""


def digest(path):
    return hashlib.blake2b(path.read_bytes()).hexdigest()


def told(app):
    assert not app.exception
    return " ".join(error.value for error in app.error)


@pytest.fixture
def own(made_store, tmp_path):
    return shutil.copy(made_store, tmp_path / "own.duckdb")


@pytest.mark.parametrize("path", PAGES)
def test_pages_never_write(page, made_store, path):
    before = digest(made_store), sorted(made_store.parent.iterdir())
    app = page(path)
    assert not app.exception
    assert not app.error
    assert (digest(made_store), sorted(made_store.parent.iterdir())) == before


@pytest.mark.parametrize("path", PAGES)
def test_an_empty_store_has_pages(page, tmp_path, path):
    store = Store.create(tmp_path / "empty.duckdb")
    app = page(path, store=store.path)
    assert told(app) == ""
    assert app.info or app.markdown or app.text  # what to do next


def test_a_store_that_comes_later_is_found(page, tmp_path, made_store):
    path = tmp_path / "later.duckdb"
    app = page("best_llm", store=path)
    assert told(app) == "There is no store yet"
    shutil.copy(made_store, path)
    app.button[0].click().run()
    assert told(app) == ""
    assert app.subheader


def test_an_older_store_is_told_and_left_as_it_is(page, own):
    execute(own, "update meta set value = '2' where name = 'schema_version'")
    before = digest(own)
    app = page("overview", store=own)
    assert told(app) == "This store cannot be read as it is"
    assert any("workbench info --store" in text.value for text in app.text)
    assert digest(own) == before


def test_what_is_no_store_is_told(page, tmp_path):
    text, other = tmp_path / "text.duckdb", tmp_path / "other.duckdb"
    text.write_text("not a database")
    duckdb.connect(str(other)).close()
    for path in (text, other, tmp_path):
        assert "cannot be" in told(page("overview", store=path))


def test_a_held_store_is_told_until_it_is_let_go(page, own, monkeypatch):
    monkeypatch.setattr(reading, "_PATIENCE_S", 0.3)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(own)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout.readline() == "held\n"
        app = page("best_llm", store=own)
        assert told(app) == "An experiment is writing to the store"
    finally:
        holder.kill()
        holder.wait()
    app.button[0].click().run()
    assert told(app) == ""


@pytest.mark.parametrize("path", PAGES)
def test_a_scheme_of_ones_own_is_shown_though_only_its_own_process_knows_it(
    page, made_store, tmp_path, path
):
    store = Store(shutil.copy(made_store, tmp_path))
    with store.writing() as db:
        db.execute("update rankings set scheme = 'of_ones_own;order=both;schedule=all'")
        db.execute("update results set system = replace(system, 'max_logits', 'of_ones_own')")
    prompt = {"prompt": store.query("select prompt_id from rankings")["prompt_id"][0].as_py()}
    app = page(path, store=store.path, **(prompt if path == "prompts" else {}))
    assert not app.exception
    if path in ("best_llm", "head_to_head", "prompts"):
        assert any("of_ones_own" in text for text in app.sidebar.selectbox(key="by").options)


def test_pages_stay_up_while_a_comparison_writes(page, own, tmp_path):
    (tmp_path / "slow.py").write_text(SLOW_RANKER)
    command = [sys.executable, "-m", "workbench.cli", "compare", "--store", str(own),
               "--model", "slow.Slow"]  # fmt: skip
    writer = subprocess.Popen(
        command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    drawn = 0
    while writer.poll() is None:
        path = list(PAGES)[drawn % len(PAGES)]
        assert told(page(path, store=own)) == ""
        drawn += 1
        time.sleep(0.05)
    assert writer.returncode == 0, writer.stderr.read()
    assert drawn >= 3
    new = one(own, "select count(*) from comparisons where ranker <> 'benchmark-ranker'")
    assert new == 5 * 4 * one(own, "select count(*) from prompts where split <> 'train'")
    app = page("rankers", store=own)
    assert "Slow" in " ".join(app.sidebar.selectbox(key="ranker").options)
