"""The page Routers."""

import numpy as np
import pytest

from dashboards.queries.evaluated import evaluated_routes
from dashboards.queries.router_costs import cost_quality, cost_units
from dashboards.queries.router_entropy import entropy
from dashboards.queries.routers import routing
from dashboards.queries.scored import Part
from workbench.evaluation.baselines import best_single, single_scores
from workbench.evaluation.calibration import best_shares
from workbench.evaluation.picks import pick_quality, pick_weights
from workbench.evaluation.reward_entropy import reward_entropy
from workbench.evaluation.routing_figures import right_choice
from workbench.stages.route_systems import load_utilities
from workbench.store.costs import load_costs
from workbench.store.pool import load_pool, load_quality
from workbench.store.store import Store

ROUTER, OTHER, MEASURE = "benchmark-router-a", "benchmark-router-b", "rougeL@1"


@pytest.fixture(params=["all alike", "ragged"])
def made(request, made_store, tmp_path):
    """A store as it is, and one with ties, unmeasured answers, unknown LLMs and unknown costs."""
    path = tmp_path / "store.duckdb"
    path.write_bytes(made_store.read_bytes())
    store = Store(path)
    if request.param == "ragged":
        with store.writing() as db:
            db.execute("update routes set utility = round(utility, 1)")
            db.execute("update qualities set value = round(value, 1)")
            db.execute("delete from qualities where hash(candidate_id) % 7 = 0")
            db.execute("delete from routes where llm = 'llm-03' or hash(prompt_id) % 5 = 0")
            db.execute("update candidates set usd = null where hash(candidate_id || 'c') % 9 = 0")
            db.execute("update candidates set tokens_in = null where hash(candidate_id) % 2 = 0")
    return store


def arrays(store, part):
    """Arrays by LLM, [Q, L]: quality, utilities (-inf: none), BestSingle's scores, categories."""
    pool = load_pool(store, part.datasets, "test")
    held = load_pool(store, part.datasets, "validation")
    quality = load_quality(store, pool, MEASURE)
    means, best = best_single(
        load_quality(store, held, MEASURE), held.llm, held.mask, len(held.llms)
    )
    utilities = load_utilities(store, pool, ROUTER)
    utilities = np.where(np.isfinite(quality), utilities, -np.inf)
    keep = np.isfinite(utilities).any(axis=1)
    pool = pool.subset(keep)
    return pool, quality[keep], utilities[keep], single_scores(means, pool.llm, pool.mask), best


@pytest.fixture
def part():
    return Part(("dolly",), ("test",))


def test_shares_and_worth_are_those_of_an_evaluation(made, part):
    pool, quality, utilities, single, best = arrays(made, part)
    measured = np.isfinite(quality)
    routed = pick_weights(np.nan_to_num(utilities, neginf=-1e9), measured)
    oracle = pick_weights(np.where(measured, quality, 0), measured)
    with made.reading() as db:
        found = routing(db, part, ROUTER, MEASURE)
    n = len(quality)
    shares = {row["llm"]: row for row in found["shares"].to_pylist()}
    for place, llm in enumerate(pool.llms):
        assert shares[llm]["routed"] == pytest.approx(routed[:, place].mean(), abs=1e-9)
        assert shares[llm]["oracle"] == pytest.approx(oracle[:, place].mean(), abs=1e-9)
    together = routed.T @ oracle
    for row in found["confusion"].to_pylist():
        i, j = pool.llms.index(row["routed"]), pool.llms.index(row["best"])
        assert row["prompts"] == pytest.approx(together[i, j])
        assert row["share"] == pytest.approx(together[i, j] / together[i].sum())
    assert sum(row["prompts"] for row in found["confusion"].to_pylist()) == pytest.approx(n)
    worth = {row["system"]: row for row in found["quality"].to_pylist()}
    weights = {
        "router": routed, "oracle": oracle, "best_single": pick_weights(single, measured),
        "random": pick_weights(np.zeros(quality.shape), measured),
    }  # fmt: skip
    by_prompt = {name: pick_quality(own, quality) for name, own in weights.items()}
    for name, values in by_prompt.items():
        assert worth[name]["quality"] == pytest.approx(values.mean())
        assert worth[name]["error"] == pytest.approx(values.std(ddof=1) / np.sqrt(n))
    (gain,) = found["gain"].to_pylist()
    assert gain["gain"] == pytest.approx((by_prompt["router"] - by_prompt["best_single"]).mean())
    hits = right_choice(routed, quality)
    assert gain["hit"] == pytest.approx(np.nanmean(hits))
    assert gain["differing"] == np.isfinite(hits).sum()
    assert found["best_single"]["llm"].to_pylist() == [pool.llms[best]]
    for row in found["categories"].to_pylist():
        own = np.array(pool.category) == row["category"]
        assert row["prompts"] == own.sum()
        assert row["router"] == pytest.approx(by_prompt["router"][own].mean())
        assert row["best_single"] == pytest.approx(by_prompt["best_single"][own].mean())
    assert found["seen"]["seen"].to_pylist() == [0]


def test_entropy_is_the_houses(made, part):
    _, quality, utilities, _, _ = arrays(made, part)
    known = np.where(np.isfinite(utilities), utilities, np.nan)
    bits = reward_entropy(known, float(np.nanstd(known)))
    routed = pick_weights(np.nan_to_num(utilities, neginf=-1e9), np.isfinite(quality))
    worth = pick_quality(routed, quality)
    with made.reading() as db:
        bins = entropy(db, part, ROUTER, MEASURE)["bins"].to_pylist()
    assert sum(row["prompts"] for row in bins) == np.isfinite(bits).sum()
    for row in bins:
        own = (bits >= row["lowest"] - 1e-8) & (bits <= row["highest"] + 1e-8)
        assert own.sum() == row["prompts"]
        assert row["entropy"] == pytest.approx(bits[own].mean())
        assert row["router"] == pytest.approx(worth[own].mean())
        best = np.nanmax(quality[own], axis=1)
        assert row["regret"] == pytest.approx((best - worth[own]).mean(), abs=1e-9)


def test_chances_are_taken_as_they_are(made_store, tmp_path, part):
    path = tmp_path / "store.duckdb"
    path.write_bytes(made_store.read_bytes())
    store = Store(path)
    with store.writing() as db:
        db.execute(
            "update routes set utility = utility / total from (select router r, prompt_id p, "
            "sum(utility) total from routes group by all) where r = router and p = prompt_id"
        )
    _, _, chances, _, _ = arrays(store, part)
    bits = -(chances * np.log2(chances)).sum(axis=1)
    with store.reading() as db:
        bins = entropy(db, part, ROUTER, MEASURE)["bins"].to_pylist()
    mean = sum(row["entropy"] * row["prompts"] for row in bins) / sum(r["prompts"] for r in bins)
    assert mean == pytest.approx(bits.mean())


@pytest.mark.parametrize("unit", ["usd", "tokens", "parameters"])
def test_costs_are_the_houses_and_never_0_where_unknown(made, part, unit):
    pool, quality, utilities, _, _ = arrays(made, part)
    costs = load_costs(made, pool, unit)
    routed = pick_weights(np.nan_to_num(utilities, neginf=-1e9), np.isfinite(quality))
    paid = np.where(routed > 0, routed * costs, 0).sum(axis=1)
    with made.reading() as db:
        assert cost_units(db)["unit"].to_pylist() == ["usd", "tokens", "parameters"]
        points = cost_quality(db, part, ROUTER, MEASURE, unit)["points"].to_pylist()
    found = {row["id"]: row for row in points}
    assert found[ROUTER]["cost_known"] == np.isfinite(paid).sum()
    assert found[ROUTER]["cost"] == pytest.approx(np.nanmean(paid))
    assert found[ROUTER]["quality"] == pytest.approx(pick_quality(routed, quality).mean())
    for place, llm in enumerate(pool.llms):
        measured = np.isfinite(quality[:, place])
        own = costs[measured, place]
        assert found[llm]["prompts"] == measured.sum()
        assert found[llm]["cost_known"] == np.isfinite(own).sum()
        assert found[llm]["cost"] == pytest.approx(np.nanmean(own))
        assert found[llm]["quality"] == pytest.approx(quality[measured, place].mean())


def test_prompts_that_are_not_measured_are_not_looked_at(made_store, tmp_path):
    store = copied(made_store, tmp_path)
    with store.writing() as db:
        db.execute(
            "update qualities set value = 'nan' where candidate_id in (select candidate_id from "
            "candidates join prompts using (prompt_id) where split <> 'test')"
        )
    with store.reading() as db:
        found = routing(db, Part(), ROUTER, MEASURE)
        tests = routing(db, Part((), ("test",)), ROUTER, MEASURE)
    assert found["sizes"].to_pylist() == [{"prompts": 60, "of": 60}]
    assert found["seen"]["seen"].to_pylist() == [0]
    assert found["quality"].sort_by("system")["quality"].to_pylist() == pytest.approx(
        tests["quality"].sort_by("system")["quality"].to_pylist()
    )
    assert found["best_single"].num_rows == 0


def test_a_second_decoding_of_every_answer_changes_nothing(made, part):
    given = (part, ROUTER, MEASURE)
    with made.reading() as db:
        before = routing(db, *given), cost_quality(db, *given, "usd")
    with made.writing() as db:
        db.execute("insert into candidates select candidate_id || '+', prompt_id, llm, text, 'b', "
                   "tokens_in, tokens_out, usd, latency_s from candidates")  # fmt: skip
        db.execute("insert into qualities select candidate_id || '+', measure, value "
                   "from qualities semi join candidates using (candidate_id)")  # fmt: skip
    with made.reading() as db:
        after = routing(db, *given), cost_quality(db, *given, "usd")
    for one, other in zip(before, after, strict=True):
        for name, told in one.items():
            rows = zip(told.to_pylist(), other[name].to_pylist(), strict=True)
            for left, right in rows:
                assert right == {
                    key: pytest.approx(v, abs=1e-9) if isinstance(v, float) else v
                    for key, v in left.items()
                }


def test_best_shares_and_oracle_agree(made_store, part):
    """Where qualities differ, the house's shares of being best are the oracle's."""
    store = Store(made_store)
    pool, quality, _, _, _ = arrays(store, part)
    with store.reading() as db:
        shares = routing(db, part, ROUTER, MEASURE)["shares"].to_pylist()
    known = dict(zip(pool.llms, np.nanmean(best_shares(quality), axis=0), strict=True))
    assert {row["llm"]: pytest.approx(row["oracle"]) for row in shares} == known


def copied(made_store, folder):
    path = folder / "store.duckdb"
    path.write_bytes(made_store.read_bytes())
    return Store(path)


def test_evaluated_costs_are_of_one_run(made_store, tmp_path):
    store = copied(made_store, tmp_path)
    rows = [
        (run, system, f"{figure}:{MEASURE}", value)
        for run, systems in (
            ("few", ["llm:llm-00", f"route:{ROUTER}/argmax"]),
            ("many", ["llm:llm-00", f"route:{ROUTER}/argmax", f"route:{OTHER}/argmax"]),
            ("none", ["llm:llm-00"]),
        )
        for system in systems
        for figure, value in (("quality", 1.0), ("cost[usd]", 0.5), ("cost_known", 1.0))
    ]
    with store.writing() as db:
        db.executemany(
            "insert into results select ?, ?, 'alpaca', 'test', 'all', ?, ?, 0, 2, 9", rows
        )
    with store.reading() as db:
        found = evaluated_routes(db, Part(), MEASURE).to_pylist()
    assert {row["run_id"] for row in found} == {"many"}
    assert len(found) == 3
    assert {(row["unit"], row["cost"], row["quality"]) for row in found} == {("usd", 0.5, 1.0)}


def test_the_page_follows_the_url(page):
    app = page("routers", split="test", dataset="dolly", router=OTHER, cost="billion parameters",
               measure="measure bertscore")  # fmt: skip
    assert not app.exception
    assert app.sidebar.selectbox(key="router").value == OTHER
    assert app.sidebar.selectbox(key="cost").value == "billion parameters"
    assert not app.info
    titles = [title.value for title in app.subheader]
    for wanted in ("Routed and oracle share", "Who is asked and who is best", "Quality of choices",
                   "Cost against quality", "Quality by entropy", "Routed right by entropy",
                   "Regret by entropy", "Router against BestSingle by category"):  # fmt: skip
        assert wanted in titles
    assert any("20 prompts" in caption.value for caption in app.caption)
    app.sidebar.multiselect(key="split").set_value(["train", "test"]).run()
    assert any("48 of these 68 prompts are not of the split test" in i.value for i in app.info)


def test_evaluations_are_drawn_with_their_runs(page, made_store, tmp_path):
    store = copied(made_store, tmp_path)
    rows = [
        (system, f"{figure}:{MEASURE}", value)
        for system in ("llm:llm-00", "llm:llm-01", f"route:{ROUTER}/cost_aware(lambda=0.1)")
        for figure, value in (("quality", len(system) / 9), ("cost[usd]", 0.5), ("cost_known", 1))
    ]
    ranking = "benchmark-ranker/max_logits;order=both;schedule=all"
    rows += [
        (system, f"{figure}@{bin}:{MEASURE}", 1 / bin)
        for system in ("quality[bertscore]", ranking)
        for bin in (1, 2)
        for figure in ("reward_entropy", "preferred_quality")
    ]
    with store.writing() as db:
        db.executemany(
            "insert into results select 'run-one', ?, 'alpaca', 'test', 'all', ?, ?, 0, 2, 9", rows
        )
    app = page("routers", store.path, measure=f"measure {MEASURE}")
    assert not app.exception
    titles = [title.value for title in app.subheader]
    assert "Cost against quality of policies as evaluated" in titles
    assert "Reward entropy as evaluated" in titles
    (rewards,) = [frame.value for frame in app.dataframe if "reward" in frame.value.columns]
    assert set(rewards["reward"]) == {"bertscore", "benchmark-ranker, max_logits"}
    assert any("run run\\-one" in text.value for text in app.markdown)


@pytest.mark.parametrize(
    "change",
    [
        "delete from routes",
        "delete from qualities",
        "update prompts set split = 'test'",
        "update candidates set usd = null, tokens_in = null, tokens_out = null; "
        "update llms set parameters_b = null",
        "update routes set utility = 1",
        "delete from candidates where llm <> 'llm-00'; delete from routes where llm <> 'llm-00'",
        "delete from prompts where prompt_id <> (select min(prompt_id) from prompts)",
        "update qualities set value = 1; update prompts set category = null",
        "update candidates set usd = null where llm = 'llm-01'; "
        "update candidates set tokens_in = null",
    ],
)
def test_what_lacks_is_no_fault(page, made_store, tmp_path, change):
    store = copied(made_store, tmp_path)
    with store.writing() as db:
        db.execute(change)
    app = page("routers", store.path)
    assert not app.exception
    assert app.info or app.subheader
