"""The page Sweeps: what a study has found, and what Optuna knows of it."""

import json
import shutil

import optuna
import pyarrow as pa
import pytest

from dashboards.page.sweeps import _smaller, short_names
from workbench.store.labels import set_label
from workbench.store.store import Store
from workbench.sweeps.study import ASKED as CONFIG
from workbench.sweeps.study import DIRECTIONS, quiet_experiments


def test_studies_have_short_names():
    own, other = "chain-1fdaa9b5-50bbb0a58f03ff30", "chain-1fdaa9b5-50bbb0a500000000"
    names = short_names([own, "tune-routes-b6f25e3cd20e188f", "mine", "sweep-mine"])
    assert list(names.values()) == ["chain 50bbb0a5", "tune b6f25e3c", "mine", "sweep-mine"]
    assert short_names([own, other]) == {own: own, other: other}
    assert len(set(short_names([own, "chain 50bbb0a5"]).values())) == 2


ROUTER = "ab" * 16
OWN = f"chain-{'cd' * 4}-{'50bbb0a5' * 2}"


@pytest.fixture
def chained(made_store, tmp_path):
    """A study as `chain` leaves it, beside the store: trials 1 and 2 tie, and 1 was looked at."""
    path = tmp_path / "store.duckdb"
    shutil.copy(made_store, path)
    set_label(Store(path), ROUTER, "ZOOTER")
    study = optuna.create_study(
        storage=f"sqlite:///{tmp_path}/optuna.db", study_name=OWN, directions=DIRECTIONS
    )
    study.set_user_attr(CONFIG, {"measure": "rougeL@1", "split": "validation", "cost": "usd"})
    with quiet_experiments():
        study.set_metric_names(["quality", "cost"])
    names, rows = [], []
    for trial, quality in enumerate([0.2, 0.7, 0.7]):
        names.append(f"chain:{ROUTER}/cost_aware(lambda={trial + 1}020.0)/m=1")
        study.add_trial(
            optuna.trial.create_trial(
                values=[quality, 1e-5], user_attrs={"setting": {"chain": names[-1]}}
            )
        )
        params = {"router": ROUTER, "m": 1, "policy": "cost_aware", "lambda": 0.189}
        figures = {"quality": quality, "cost": 0.0000123456, "llm_cost": 0.0000123456,
                   "comparison_cost": 0.0, "fusion_cost": 0.0}  # fmt: skip
        rows.append(
            {"study": OWN, "trial": trial, "state": "COMPLETE", "params": json.dumps(params),
             "objectives": json.dumps(figures), "run_id": f"{trial:032x}"}
        )  # fmt: skip
    Store(path).insert("trials", pa.Table.from_pylist(rows))
    found = {"system": names[1], "dataset": "alpaca", "split": "test", "slice": "all", "n": 60,
             "low": 0.5, "high": 0.7, "run_id": "r"}  # fmt: skip
    looks = [("quality:rougeL@1", 0.61), ("cost:usd", 1e-5)]
    looks = [{**found, "measure": measure, "value": value} for measure, value in looks]
    Store(path).insert("results", pa.Table.from_pylist(looks))
    return path


def words(elements):
    return " ".join(one.value.replace("\\", "") for one in elements)


def test_the_page_says_what_was_found(page, chained):
    # An address that holds the whole name still leads to the study.
    app = page("sweeps", chained, study=OWN)
    assert not app.exception
    assert app.sidebar.selectbox(key="study").options == ["chain 50bbb0a5"]
    told = words(app.markdown)
    assert "Best: trial 1**, the first of 2 that tie ([its run](./?run=0" in told
    assert "lambda: 0.189, λ of cost_aware: 2020" in told
    told = words(app.caption)
    assert "Quality is rougeL@1 on validation, where the study searched." in told
    assert "On test the same settings have 0.610 [0.500, 0.700], 60 prompts. [Overview" in told
    assert "(./?kinds=chain)" in told
    assert "Comparisons and fusions cost nothing in this study" in told
    assert "lower cost, US dollars per 1,000 prompts" in told
    [best] = [frame.value for frame in app.dataframe if "run" in frame.value.columns]
    assert list(best.columns) == [
        "trial", "run", "quality", "cost, US dollars per 1,000 prompts", "router", "m", "policy",
        "lambda", "λ of cost_aware", "name on the leaderboard",
        *(f"{name}_cost, US dollars per 1,000 prompts" for name in ("llm", "comparison", "fusion")),
    ]  # fmt: skip
    assert list(best["trial"]) == [1, 2, 0]
    assert next(iter(best["name on the leaderboard"])) == "ZOOTER, λ=2020, m=1"
    assert best.iloc[0, 3] == pytest.approx(0.0123456)
    metrics = {metric.label.replace("\\", ""): metric.value for metric in app.metric}
    assert metrics["first at trial"] == "1"
    overview = page("overview", chained, measure="rougeL@1", results="alpaca, test")
    told = words(overview.caption)
    assert "times the mean cost of one answer (US dollars) it is taken off" in told


def test_quality_is_to_be_large_and_costs_small():
    assert not any(_smaller(name, {}) for name in ("quality", "mean", "best"))
    assert all(_smaller(name, {}) for name in ("cost", "comparisons", "tokens_out", "llm_calls"))


def test_directions_are_the_studys_own(page, tmp_path, made_store):
    path = tmp_path / "own #1 ones" / "store.duckdb"
    path.parent.mkdir()
    shutil.copy(made_store, path)
    rows = [
        {"study": name, "trial": n, "state": "COMPLETE", "params": json.dumps({"a": n}),
         "objectives": json.dumps({"cost": n, "quality": n, "loss": n % 7, "speed": n % 5}),
         "run_id": None}
        for n in range(30) for name in ("own", "elsewhere")
    ]  # fmt: skip
    Store(path).insert("trials", pa.Table.from_pylist(rows))
    beside = path.with_name("optuna.db")
    ways = ["minimize", "maximize"]
    study = optuna.create_study(storage=f"sqlite:///{beside}", study_name="own", directions=ways)
    with quiet_experiments():
        study.set_metric_names(["loss", "speed"])
    before = beside.read_bytes()
    app = page("sweeps", path, study="own")
    assert app.sidebar.selectbox(key="objective").value == "loss"
    told = " ".join(caption.value for caption in app.caption)
    assert "lower is better" in told
    assert "lower loss and higher speed" in told
    app = page("sweeps", path, study="elsewhere")
    assert app.sidebar.selectbox(key="objective").value == "quality"
    assert any("higher quality and lower cost" in caption.value for caption in app.caption)
    assert beside.read_bytes() == before
    beside.write_bytes(b"no database")
    app = page("sweeps", path, study="own")
    assert not app.exception
    assert app.sidebar.selectbox(key="objective").value == "quality"
    beside.unlink()
    page("sweeps", path, study="own")
    assert not beside.exists()
