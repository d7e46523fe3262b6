"""The page Overview: pool, prompts, coverage and leaderboard."""

import json
import shutil
from collections import Counter, defaultdict

import pyarrow as pa
import pytest

from dashboards.queries import overview
from dashboards.queries.scored import Part
from dashboards.systems import SYSTEM_KINDS, kind_of, lambda_of, system_names
from workbench.store.labels import set_label
from workbench.store.store import Store

RANKER, FUSER, ROUTER = (letter * 32 for letter in "abc")
SCHEME = "max_logits;order=both;schedule=all"
GREEDY = "greedy(max_new_tokens=48, no_repeat_ngram=0, copy_ngram=0)"
SYSTEMS = {
    "llm:sim<b>": "single LLM",
    "BestSingle": "baseline",
    "Oracle": "baseline",
    f"{RANKER}/{SCHEME}": "ranker",
    f"fusion:{FUSER}/{RANKER}/{SCHEME}/top_k=3;order=rank;decoding={GREEDY}": "fusion",
    f"route:{ROUTER}/argmax": "route",
    f"chain:{ROUTER}/argmax/m=3/{RANKER}/{SCHEME}/{FUSER}/top_k=2;decoding={GREEDY}": "chain",
    f"chain:{ROUTER}/argmax/m=1": "chain",
}
ODD = ["fusion:broken", "route:", "chain:", "a/b", "chain:x/nothing(/m=1", "llm:", "[", "x:y"]
LABELS = {RANKER: "PairRanker", FUSER: "GenFuser", ROUTER: "ZOOTER"}
PARTS = [Part(), Part(("alpaca",), ("test",), ("kind 1", "kind 2"))]


@pytest.fixture(autouse=True)
def no_server(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def result(run, system, value, measure="quality:rougeL@1", slice="all", n=60):
    return {
        "run_id": run, "system": system, "dataset": "alpaca", "split": "test", "slice": slice,
        "measure": measure, "value": value, "low": value - 0.1, "high": value + 0.1, "n": n,
    }  # fmt: skip


@pytest.fixture(scope="module")
def evaluated(made_store, tmp_path_factory):
    """The small store with systems of all kinds, evaluated twice, and hundreds of fusions."""
    path = tmp_path_factory.mktemp("evaluated") / "store.duckdb"
    shutil.copy(made_store, path)
    store = Store(path)
    for id, label in LABELS.items():
        set_label(store, id, label)
    fusion = list(SYSTEMS)[4]
    fusions = [fusion.replace("top_k=3", f"top_k={k}") for k in range(10, 310)]
    with store.writing() as db:
        db.execute("delete from results")
        db.execute(
            "delete from qualities where hash(candidate_id) % 5 = 0 and measure = 'rougeL@1'"
        )
    for run, shift in (("old", 0.0), ("new", 0.05)):
        rows = [result(run, name, shift + 0.1 * n) for n, name in enumerate(SYSTEMS)]
        rows += [result(run, name, 0.01, "vs_best_single:rougeL@1") for name in SYSTEMS]
        rows += [result(run, "Oracle", 0.9, slice="category=kind 1")]
        if run == "old":
            rows += [result(run, name, 0.3 + 0.001 * n, n=40) for n, name in enumerate(fusions)]
            rows += [result(run, name, -1 - n) for n, name in enumerate(ODD)]
        store.insert("results", pa.Table.from_pylist(rows))
    return path


@pytest.mark.parametrize("part", PARTS)
def test_pool_and_coverage_are_those_of_a_naive_count(evaluated, part):
    with Store(evaluated).reading() as db:
        found, covered = overview.pool(db, part), overview.coverage(db, part)
        rows = db.execute(
            "select candidate_id, llm, length(text), dataset, split, category, prompt_id "
            "from candidates join prompts using (prompt_id)"
        ).fetchall()
        measured = set(db.execute("select candidate_id, measure from qualities").fetchall())
    llms, prompts, shares = defaultdict(list), defaultdict(set), Counter()
    for id, llm, length, dataset, split, category, prompt in rows:
        wanted = ((part.datasets, dataset), (part.splits, split), (part.categories, category))
        if all(not few or one in few for few, one in wanted):
            llms[llm].append(length)
            prompts[dataset, split].add(prompt)
            for measure in {measure for _, measure in measured}:
                shares[llm, measure] += (id, measure) in measured
    for row in found["llms"].to_pylist():
        lengths = llms[row["llm"]]
        assert row["candidates"] == len(lengths)
        assert row["characters"] == pytest.approx(sum(lengths) / len(lengths), abs=0.06)
    told = {(r["dataset"], r["split"]): r["prompts"] for r in found["prompts"].to_pylist()}
    assert told == {place: len(ids) for place, ids in prompts.items()}
    assert covered.num_rows == len(shares) == 15
    for row in covered.to_pylist():
        assert row["measured"] == shares[row["llm"], row["measure"]]
        assert row["share"] == pytest.approx(row["measured"] / len(llms[row["llm"]]))
    assert any(row["share"] < 1 for row in covered.to_pylist())


def test_an_llm_that_a_measure_has_not_seen_is_told(evaluated, tmp_path):
    path = tmp_path / "gap.duckdb"
    shutil.copy(evaluated, path)
    with Store(path).writing() as db:
        db.execute(
            "delete from qualities where measure = 'bartscore' and candidate_id in "
            "(select candidate_id from candidates where llm = 'llm-00')"
        )
    with Store(path).reading() as db:
        rows = overview.coverage(db, Part()).to_pylist()
    [gap] = [r for r in rows if r["llm"] == "llm-00" and r["measure"] == "bartscore"]
    assert (gap["measured"], gap["share"], gap["candidates"]) == (0, 0, 240)


def test_the_leaderboard_takes_what_was_written_last(evaluated):
    with Store(evaluated).reading() as db:
        rows = overview.leaderboard(db, "rougeL@1", "alpaca", "test", "all", 1000).to_pylist()
        few = overview.leaderboard(db, "rougeL@1", "alpaca", "test", "all", 3).to_pylist()
        [one] = overview.leaderboard(db, "rougeL@1", "alpaca", "test", "category=kind 1", 9)[
            "system"
        ].to_pylist()
    assert few == rows[:3]
    assert one == "Oracle"
    assert len(rows) == len(SYSTEMS) + 300 + len(ODD)
    assert [r["quality"] for r in rows] == sorted((r["quality"] for r in rows), reverse=True)
    told = {row["system"]: row for row in rows}
    for n, name in enumerate(SYSTEMS):
        assert told[name]["run_id"] == "new"
        assert told[name]["quality"] == pytest.approx(0.05 + 0.1 * n)
        assert told[name]["vs_best_single"] == 0.01
    assert told[ODD[0]]["run_id"] == "old"
    assert told[ODD[0]]["vs_best_single"] is None


def test_differences_are_those_of_the_run_that_is_told(evaluated, tmp_path):
    path = tmp_path / "again.duckdb"
    shutil.copy(evaluated, path)
    Store(path).insert("results", pa.Table.from_pylist([result("newest", "Oracle", 0.7)]))
    with Store(path).reading() as db:
        rows = overview.leaderboard(db, "rougeL@1", "alpaca", "test", "all", 1000).to_pylist()
    [row] = [row for row in rows if row["system"] == "Oracle"]
    assert (row["run_id"], row["quality"], row["vs_best_single"]) == ("newest", 0.7, None)


def test_systems_have_names_that_people_read():
    names = system_names([*SYSTEMS, *ODD], LABELS)
    assert len(set(names.values())) == len(SYSTEMS) + len(ODD)
    for system, kind in SYSTEMS.items():
        assert kind_of(system) == kind
        assert not any(id in names[system] for id in LABELS)
    assert all(kind_of(odd) in SYSTEM_KINDS for odd in ODD)
    assert names["llm:sim<b>"] == "sim<b>"
    assert names[f"{RANKER}/{SCHEME}"] == "PairRanker/max_logits"
    assert "ZOOTER" in names[f"chain:{ROUTER}/argmax/m=1"]


def test_a_chain_has_one_name_whatever_stands_beside_it():
    chains = [f"chain:{id}/cost_aware(lambda=1020.0)/m=1" for id in (RANKER, ROUTER)]
    labels = {RANKER: "ZOOTER", ROUTER: "ZOOTER"}
    both = system_names(chains, labels)
    assert both == {**system_names(chains[:1], labels), **system_names(chains[1:], labels)}
    assert all("λ=1020" in name for name in both.values())
    assert [lambda_of(name) for name in (chains[0], "chain:", *ODD)] == [1020, *[None] * 9]


def test_systems_of_the_same_label_are_told_apart():
    systems = [f"{id}/{SCHEME}" for id in (RANKER, FUSER)]
    assert len(set(system_names(systems, {RANKER: "same", FUSER: "same"}).values())) == 2


def leaderboard_rows(app):
    return next(f.value for f in app.dataframe if "vs_best_single" in f.value.columns)


def kinds_drawn(app):
    """Kinds in the legend of the leaderboard, which is the first chart."""
    spec = json.loads(app.get("vega_lite_chart")[0].proto.spec)
    scales = [layer["encoding"].get("color", {}).get("scale") for layer in spec["layer"]]
    return next(scale["domain"] for scale in scales if scale)


def test_the_page_follows_the_url(page, evaluated):
    app = page("overview", evaluated, measure="rougeL@1", most="3", kinds="fusion")
    assert not app.exception
    caption = next(c.value for c in app.caption if "Mean quality" in c.value)
    assert "3 of 316 systems are drawn" in caption.replace("\\", "")
    assert "40 to 60" in caption.replace("\\", "")
    assert "best on validation" in caption
    assert "both orders" not in caption  # no ranking is drawn
    assert kinds_drawn(app) == ["fusion"]
    assert len(leaderboard_rows(app)) == 316
    app.sidebar.multiselect(key="kinds").set_value([]).run()
    caption = next(c.value for c in app.caption if "Mean quality" in c.value)
    assert "15 of 316" in caption.replace("\\", "")
    assert "both orders" in caption
    assert set(kinds_drawn(app)) == set(SYSTEM_KINDS)
    app.sidebar.multiselect(key="category").set_value(["kind 1"]).run()
    assert len(leaderboard_rows(app)) == 1
    app.sidebar.multiselect(key="category").set_value(["kind 1", "kind 2"]).run()
    assert len(leaderboard_rows(app)) == 316
    assert any("all categories" in c.value for c in app.caption)
    app.sidebar.multiselect(key="split").set_value(["train"]).run()
    assert not app.exception
    assert any("workbench evaluate" in info.value for info in app.info)


def test_an_empty_store_is_welcomed(page, tmp_path):
    path = tmp_path / "new.duckdb"
    Store.create(path)
    app = page("overview", path)
    assert not app.exception
    assert any("Welcome" in title.value for title in app.subheader)
    assert any("workbench ingest" in code.value for code in app.code)
    assert not (tmp_path / "mlflow.db").exists()


def test_prompts_alone_are_enough(page, tmp_path):
    path = tmp_path / "prompts.duckdb"
    with Store.create(path).writing() as db:
        db.execute("insert into prompts values ('p', 'd', 'test', 'q', '', null, null)")
        db.execute("insert into candidates (candidate_id, prompt_id, llm, decoding) "
                   "values ('c', 'p', 'x', ''), ('d', 'p', 'x', 'again')")  # fmt: skip
    app = page("overview", path)
    assert not app.exception
    assert any("workbench measure" in info.value for info in app.info)
