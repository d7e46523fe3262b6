"""The page Sweeps, over studies as `sweep`, `tune` and `chain` write them."""

import json
import random
import shutil
from itertools import pairwise

import pyarrow as pa
import pytest

from dashboards.queries import beside_trials, sweeps
from dashboards.queries.trials_asked import Asked
from dashboards.studies import Study
from workbench.store.store import Store

SWEEP, CHAIN, SHORT = "sweep-a", "chain b/c", "short"


def sweep_trials(count, seed=0):
    """Rows of `trials` as a sweep writes them: quality depends on scheme and order."""
    draw = random.Random(seed)
    for trial in range(count):
        scheme = draw.choice(["copeland", "borda", "elo", "kemeny"])
        params = {"scheme": scheme, "order": draw.choice(["both", "left"])}
        if scheme in ("elo", "kemeny"):
            params[f"{scheme}.temperature"] = 10 ** draw.uniform(-1, 1)
        else:
            params["schedule"] = draw.choice(["all", "swiss(rounds=4)"])
        params["top_k"] = 1 + trial % 3
        mean = 0.5 + 0.1 * (scheme == "copeland") + 0.02 * (params["order"] == "both")
        mean += 0.01 * draw.random()
        figures = {"mean": mean, "best": mean + 0.1, "comparisons": draw.randint(10, 90) / 2}
        failed = draw.random() < 0.1
        yield {
            "trial": trial, "state": "FAIL" if failed else "COMPLETE",
            "params": json.dumps(params),
            "objectives": None if failed else json.dumps(figures | {"quality": mean}),
            "run_id": f"{trial:032x}",
        }  # fmt: skip


def chain_trials(count):
    draw = random.Random(7)
    for trial in range(count):
        params = {"router": draw.choice(["all", "Random(seed=0)"])}
        if params["router"] != "all":
            params |= {"m": draw.randint(1, 4), "policy": "cost_aware", "lambda": draw.random()}
        cost = draw.random() / 1000
        figures = {"quality": draw.random(), "cost": cost, "llm_cost": cost}
        yield {
            "trial": trial, "state": "COMPLETE", "params": json.dumps(params),
            "objectives": json.dumps(figures), "run_id": None,
        }  # fmt: skip


@pytest.fixture(scope="module")
def studied(made_store, tmp_path_factory):
    """The small store with three studies."""
    path = tmp_path_factory.mktemp("studies") / "store.duckdb"
    shutil.copy(made_store, path)
    studies = {SWEEP: sweep_trials(400), CHAIN: chain_trials(90), SHORT: sweep_trials(5, seed=1)}
    for name, made in studies.items():
        rows = pa.Table.from_pylist([{"study": name, **row} for row in made])
        Store(path).insert("trials", rows)
    return path


@pytest.fixture
def trials(studied):
    """A read-only connection, and what reads the trials that are asked for row by row."""
    with Store(studied).reading() as db:

        def complete(asked):
            rows = db.execute(
                "select trial, params, objectives from trials "
                "where study = ? and state = 'COMPLETE' order by trial", [asked.study]
            ).fetchall()  # fmt: skip
            read = [(trial, json.loads(p), json.loads(o)) for trial, p, o in rows]
            return [
                (trial, params, figures[asked.figure], figures)
                for trial, params, figures in read
                if asked.top_k in (None, params.get("top_k"))
            ]

        yield db, complete


ASKED = [
    Asked(SWEEP, "quality", top_k=2),
    Asked(SWEEP, "comparisons", smaller=True),
    Asked(CHAIN, "quality"),
]


@pytest.mark.parametrize("asked", ASKED)
def test_history_is_the_best_so_far(trials, asked):
    db, complete = trials
    known = complete(asked)
    found = sweeps.history(db, asked)
    better = min if asked.smaller else max
    [counts], values = found["counts"].to_pylist(), [value for _, _, value, _ in known]
    assert (counts["trials"], counts["best"]) == (len(known), better(values))
    assert counts["best_trial"] == known[values.index(better(values))][0]
    assert counts["equal"] == values.count(better(values))
    rows = {row["trial"]: row for row in found["trials"].to_pylist()}
    assert set(rows) == {trial for trial, *_ in known}
    seen = []
    for trial, params, value, _ in known:
        row = rows[trial]
        assert row["is_best"] == (not seen or better(value, better(seen)) != better(seen))
        seen.append(value)
        assert (row["value"], row["best_so_far"]) == (value, better(seen))
        assert json.loads(row["settings"]) == params
    best = sorted(known, key=lambda t: (t[2] if asked.smaller else -t[2], t[0]))
    listed = found["best"]["trial"].to_pylist()
    assert listed == [trial for trial, *_ in best][: sweeps.LISTED]


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize(("against", "smaller"), [("cost", True), ("comparisons", True),
                                                  ("mean", False), ("quality", False)])  # fmt: skip
def test_the_front_is_what_no_other_beats(trials, asked, against, smaller):
    db, complete = trials
    known = [
        (trial, (-v if asked.smaller else v), (-o[against] if smaller else o[against]))
        for trial, _, v, o in complete(asked)
        if against in o
    ]
    # Of equal trials the first is on the front.
    naive = {
        trial
        for trial, value, gain in known
        if not any(
            other >= value and more >= gain and ((other, more) != (value, gain) or name < trial)
            for name, other, more in known
        )
    }
    found = sweeps.front(db, asked, against, smaller).to_pylist()
    assert {row["trial"] for row in found if row["front"]} == naive
    assert len(found) == len(known)


def test_units_multiply_values_and_costs(trials):
    db, _ = trials
    plainly, told = Asked(CHAIN, "cost", True), Asked(CHAIN, "cost", True, times=1000.0)
    once, thousand = (sweeps.history(db, one)["trials"].to_pylist() for one in (plainly, told))
    assert [r["value"] for r in thousand] == pytest.approx([1000 * r["value"] for r in once])
    asked = Asked(CHAIN, "quality")
    once, thousand = (
        sweeps.front(db, asked, "cost", True, times).to_pylist() for times in (1.0, 1000.0)
    )
    assert [r["cost"] for r in thousand] == pytest.approx([1000 * r["cost"] for r in once])
    assert [r["front"] for r in thousand] == [r["front"] for r in once]
    study = Study(asked={"cost": "usd"})
    assert study.shown("llm_cost") == (1000.0, "llm_cost, US dollars per 1,000 prompts")
    assert study.shown("quality") == (1.0, "quality")
    assert Study().shown("cost") == (1.0, "cost")


def test_of_many_trials_the_best_are_always_drawn(trials, monkeypatch):
    db, _ = trials
    asked = Asked(SWEEP, "quality")
    whole = sweeps.history(db, asked)["trials"].to_pylist()
    front = {r["trial"] for r in sweeps.front(db, asked, "comparisons", True).to_pylist()
             if r["front"]}  # fmt: skip
    monkeypatch.setattr(sweeps, "DRAWN", 40)
    monkeypatch.setattr(sweeps, "LISTED", 10)
    few = sweeps.history(db, asked)
    assert {r["trial"] for r in few["trials"].to_pylist() if r["is_best"]} == {
        r["trial"] for r in whole if r["is_best"]
    }
    assert 10 < few["trials"].num_rows < 100
    assert few == sweeps.history(db, asked)
    assert few["best"].num_rows == 10
    drawn = sweeps.front(db, asked, "comparisons", True).to_pylist()
    assert {r["trial"] for r in drawn if r["front"]} == front
    assert len(drawn) < 100


def test_effects_are_quartiles_of_the_trials_that_have_a_setting(trials):
    db, complete = trials
    asked = Asked(SWEEP, "quality")
    known, found = complete(asked), sweeps.effects(db, asked)
    for row in found["choices"].to_pylist():
        values = sorted(
            value for _, params, value, _ in known if str(params.get(row["name"])) == row["setting"]
        )
        assert row["trials"] == len(values)
        assert row["best"] == values[-1]
        assert row["low"] <= row["middle"] <= row["high"]
        assert sum(value <= row["middle"] for value in values) * 2 >= len(values)
    assert set(found["choices"]["name"].to_pylist()) == {"scheme", "order", "schedule", "top_k"}
    bands = found["numbers"].to_pylist()
    assert {row["name"] for row in bands} == {"elo.temperature", "kemeny.temperature"}
    for name in ("elo.temperature", "kemeny.temperature"):
        own = [row for row in bands if row["name"] == name]
        assert sum(row["trials"] for row in own) == sum(name in params for _, params, *_ in known)
        assert all(row["least"] <= row["number"] <= row["most"] for row in own)
        assert all(a["most"] <= b["least"] for a, b in pairwise(own))


def test_importance_finds_what_matters(trials):
    found = sweeps.importance(trials[0], Asked(SWEEP, "quality"))
    assert found["setting"][0].as_py() == "scheme"
    assert sum(found["importance"].to_pylist()) == pytest.approx(1)
    assert sweeps.importance(trials[0], Asked(SHORT, "quality")).num_rows == 0


def test_names_tell_what_a_study_has(trials):
    assert sweeps.studies(trials[0])["study"].to_pylist() == [SHORT, CHAIN, SWEEP]
    found = sweeps.names(trials[0], CHAIN)
    assert {(row["kind"], row["name"]) for row in found["names"].to_pylist()} == {
        *(("figure", name) for name in ("quality", "cost", "llm_cost")),
        *(("setting", name) for name in ("router", "m", "policy", "lambda")),
    }
    assert found["top_k"].to_pylist() == [{"top_k": None}]


def test_the_page_follows_the_url(page, studied):
    app = page("sweeps", studied, study=SWEEP, objective="comparisons", top_k="2")
    assert not app.exception
    titles = [title.value.replace("\\", "") for title in app.subheader]
    assert {"History", "Pareto front", "Importance of settings", "By scheme", "Best trials"} <= set(
        titles
    )
    assert app.sidebar.selectbox(key="study").value == SWEEP
    assert any("trials of top 2" in caption.value for caption in app.caption)
    assert any("lower is better" in caption.value for caption in app.caption)
    best = app.dataframe[-1].value
    assert set(best["top_k"]) == {"2"}
    assert best["run"][0].startswith("./?run=0")
    app.sidebar.selectbox(key="study").set_value(CHAIN).run()
    assert not app.exception
    assert "top_k" not in [box.key for box in app.sidebar.selectbox]


def test_what_nobody_has_priced_or_looked_at_is_not_told(trials):
    db, _ = trials
    assert beside_trials.priced(db, SWEEP).to_pylist() == [{"comparisons": None, "fusions": None}]
    assert beside_trials.looked(db, "no system", "quality", "rougeL@1", "validation").num_rows == 0


def test_too_few_trials_are_told(page, studied):
    app = page("sweeps", studied, study=SHORT)
    assert not app.exception
    assert any("cannot be told" in info.value for info in app.info)


def test_a_store_without_studies_tells_what_to_run(page):
    app = page("sweeps")
    assert not app.exception
    assert "workbench sweep" in app.info[0].value


def test_odd_studies_do_no_harm(page, tmp_path, made_store):
    path = tmp_path / "odd.duckdb"
    shutil.copy(made_store, path)
    made = [
        {"A b": n % 2, "a  B": n % 3, "trial": "x", "run": "y", "$": n, "~/": n % 4, "n": "<b>*_`"}
        for n in range(30)
    ]
    rows = [
        {"study": "<b>odd</b> $x$", "trial": n, "state": "COMPLETE", "params": json.dumps(params),
         "objectives": json.dumps({"$.q": n / 7, "~1/": -n}), "run_id": "javascript:alert(1)"}
        for n, params in enumerate(made)
    ]  # fmt: skip
    rows.append({**rows[0], "study": "failed", "state": "FAIL", "objectives": None})
    Store(path).insert("trials", pa.Table.from_pylist(rows))
    for study in ("<b>odd</b> $x$", "failed"):
        app = page("sweeps", path, study=study)
        assert not app.exception
