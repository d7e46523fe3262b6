"""The page Rankers and schemes."""

import numpy as np
import pytest

from dashboards.page.comparisons import told_together
from dashboards.queries import pair_logits, rankers, schedules
from dashboards.queries.evaluated import figures
from dashboards.queries.sampled import take_singles
from dashboards.queries.scored import Part
from workbench.aggregation import Scheme
from workbench.evaluation import evaluate_systems
from workbench.evaluation.baselines import best_single, single_scores
from workbench.evaluation.calibration import reliability
from workbench.evaluation.report import evaluate_position_bias
from workbench.store.pool import load_logits, load_pool, load_quality, load_scores
from workbench.store.store import Store

RANKER, MEASURE = "benchmark-ranker", "rougeL@1"
LOGITS, WINS = "max_logits;order=both;schedule=all", "max_wins;order=both;schedule=all"


@pytest.fixture(scope="module")
def arrays(made_store):
    """What `workbench.evaluation` takes: test prompts of one dataset, and BestSingle's scores."""
    store = Store(made_store)
    pool = load_pool(store, ["alpaca"], "test")
    held = load_pool(store, ["alpaca"], "validation")
    means, _ = best_single(load_quality(store, held, MEASURE), held.llm, held.mask, len(held.llms))
    return {
        "store": store,
        "pool": pool,
        "quality": load_quality(store, pool, MEASURE),
        "logits": load_logits(store, pool, RANKER),
        "single": single_scores(means, pool.llm, pool.mask),
    }


@pytest.fixture
def part():
    return Part(("alpaca",), ("test",))


def test_agreement_is_that_of_an_evaluation(db, arrays, part):
    pool, quality = arrays["pool"], arrays["quality"]
    scores = {s: load_scores(arrays["store"], pool, RANKER, s) for s in (LOGITS, WINS)}
    systems = scores | {
        "Oracle": quality, "Random": np.zeros(quality.shape), "BestSingle": arrays["single"]
    }  # fmt: skip
    known = evaluate_systems(
        systems, quality, pool.mask, best_single=arrays["single"], resamples=1000
    )
    found = rankers.agreement(db, part, MEASURE)
    assert found["sizes"].to_pylist() == [{"prompts": 20, "of": 20}]
    ordered = {row["scheme"]: row for row in found["ordered"].to_pylist()}
    picks = {row["scheme"]: row for row in found["picks"].to_pylist()}
    for scheme in scores:
        right = known[scheme]["pairwise_accuracy"]
        assert ordered[scheme]["share"] == pytest.approx(right.value)
        # 1.96 standard errors, against the bootstrap of the same prompts
        assert ordered[scheme]["error"] * 3.92 == pytest.approx(right.high - right.low, rel=0.3)
        assert picks[scheme]["quality"] == pytest.approx(known[scheme]["quality"].value)
        assert picks[scheme]["prompts"] == 20
    beside = {row["system"]: row["quality"] for row in found["beside"].to_pylist()}
    assert set(beside) == {"Oracle", "Random", "BestSingle"}
    for system, value in beside.items():
        assert value == pytest.approx(known[system]["quality"].value)


def test_best_single_is_chosen_on_validation(db, arrays, part):
    store = arrays["store"]
    held = load_pool(store, ["alpaca"], "validation")
    quality = load_quality(store, held, MEASURE)
    means, best = best_single(quality, held.llm, held.mask, len(held.llms))
    (found,) = take_singles(db, part, MEASURE).to_pylist()
    assert found == {"llm": held.llms[best], "mean": pytest.approx(means[best])}


def test_best_single_was_measured_on_half_of_the_prompts_or_as_any(made_store, tmp_path):
    store = copied(made_store, tmp_path)
    with store.writing() as db:  # llm-00 on 60 % of validation, a better one on the others
        db.execute(
            "delete from qualities where candidate_id in (select candidate_id from candidates join "
            "(select prompt_id, row_number() over (order by prompt_id) / count(*) over () as place "
            "from prompts where split = 'validation') using (prompt_id) where "
            "case llm when 'llm-00' then place > 0.6 when 'llm-01' then place <= 0.6 else true end)"
        )
        db.execute(
            "update qualities set value = value + 1 where candidate_id in "
            "(select candidate_id from candidates where llm = 'llm-01')"
        )
    held = load_pool(store, None, "validation")
    quality = load_quality(store, held, MEASURE)
    _, best = best_single(quality, held.llm, held.mask, len(held.llms))
    with store.reading() as db:
        found = take_singles(db, Part(), MEASURE)
    assert found["llm"].to_pylist() == [held.llms[best]] == ["llm-00"]


@pytest.mark.parametrize("unknown", ["delete from qualities", "update qualities set value = 'nan'"])
def test_prompts_that_are_not_measured_are_not_looked_at(made_store, tmp_path, part, unknown):
    store = copied(made_store, tmp_path)
    with store.writing() as db:
        db.execute(
            f"{unknown} where candidate_id in (select candidate_id from candidates join "
            "(select prompt_id from prompts where dataset = 'alpaca' and split = 'test' "
            "order by prompt_id limit 13) using (prompt_id))"
        )
    with store.reading() as db:
        told = rankers.agreement(db, part, MEASURE)
        logits = pair_logits.logit_calibration(db, part, RANKER, MEASURE)
        turned = pair_logits.position_bias(db, part, RANKER)
    assert told["sizes"].to_pylist() == logits["sizes"].to_pylist() == [{"prompts": 7, "of": 7}]
    assert set(told["picks"]["prompts"].to_pylist()) == {7}
    assert sum(logits["reliability"]["pairs"].to_pylist()) == 7 * 20
    assert turned["sizes"].to_pylist() == [{"prompts": 20, "of": 20}]


def test_position_bias_is_that_of_an_evaluation(db, arrays, part):
    known = evaluate_position_bias(arrays["logits"], arrays["pool"].mask, resamples=2)
    found = pair_logits.position_bias(db, part, RANKER)
    (told,) = found["position"].to_pylist()
    assert told["pairs"] == 20 * 10
    assert told["mean_bias"] == pytest.approx(known["position_bias"].value)
    assert told["mean_size"] == pytest.approx(known["position_bias_abs"].value)
    assert told["flips"] == pytest.approx(known["position_flips"].value)
    bars = found["histogram"].to_pylist()
    assert sum(bar["pairs"] for bar in bars) == told["pairs"]
    assert sum(bar["flipped"] for bar in bars) == pytest.approx(told["flips"] * told["pairs"])


def test_calibration_is_that_of_an_evaluation(db, arrays, part):
    quality, logits = arrays["quality"], arrays["logits"].astype(float)
    flat = (len(logits), -1)
    sure = 1 / (1 + np.exp(-logits))
    better = (np.sign(quality[:, :, None] - quality[:, None, :]) + 1) / 2
    observed = np.where(np.isfinite(logits), better, np.nan).reshape(flat)
    known = reliability(np.nan_to_num(sure).reshape(flat), observed, resamples=2)
    found = pair_logits.logit_calibration(db, part, RANKER, MEASURE)["reliability"].to_pylist()
    assert [row["bin"] for row in found] == np.flatnonzero(known.count).tolist()
    for row in found:
        place = row["bin"]
        assert row["pairs"] == known.count[place]
        assert row["predicted"] == pytest.approx(known.predicted[place])
        assert row["observed"] == pytest.approx(known.observed[place])


def test_comparisons_are_those_that_a_schedule_asks_for(db, arrays, part):
    schemes = (LOGITS, "knockout(seed=0);order=both;schedule=knockout", "max_wins;order=left")
    schemes = tuple(str(Scheme.parse(scheme)) for scheme in schemes)
    found = schedules.comparisons_taken(db, part, RANKER, schemes).to_pylist()
    for row, scheme in zip(found, schemes, strict=True):
        played = Scheme.parse(scheme).play_stored(arrays["logits"], arrays["pool"].mask)
        assert row["scheme"] == scheme
        assert row["prompts"] == 20
        assert row["comparisons"] == pytest.approx(played.comparisons.mean(), rel=0.2)
    assert found[0]["comparisons"] == 5 * 4
    assert found[2]["comparisons"] == 5 * 2


def test_schemes_that_are_not_known_and_candidates_that_are_gone_do_no_harm(
    made_store, tmp_path, part
):
    store = copied(made_store, tmp_path)
    with store.writing() as db:
        db.execute(
            "delete from candidates where prompt_id in (select max(prompt_id) from prompts "
            "where dataset = 'alpaca' and split = 'test')"
        )
    with store.reading() as db:
        found = schedules.comparisons_taken(db, part, RANKER, ("my_own;order=both", LOGITS, "?"))
    (row,) = found.to_pylist()
    assert (row["scheme"], row["comparisons"], row["prompts"]) == (LOGITS, 5 * 4, 19)


def test_a_sample_is_the_same_each_time_and_told(db, part, monkeypatch):
    monkeypatch.setattr(pair_logits, "PROMPTS", 7)
    one, two = (pair_logits.position_bias(db, part, RANKER) for _ in range(2))
    assert one["sizes"].to_pylist() == [{"prompts": 7, "of": 20}]
    assert one["position"].equals(two["position"])
    assert one["position"]["pairs"][0].as_py() == 7 * 10


def test_figures_come_from_the_run_that_wrote_last(made_store, tmp_path):
    store = copied(made_store, tmp_path)
    with store.writing() as db:
        db.executemany(
            "insert into results values (?, ?, 'alpaca', 'test', ?, ?, ?, 0.1, 0.9, ?)",
            [
                ("z run", f"{RANKER}/{LOGITS}", "all", f"kendall:{MEASURE}", 0.2, 30),
                ("a run", f"{RANKER}/{LOGITS}", "all", f"kendall:{MEASURE}", 0.4, 20),
                ("a run", f"{RANKER}/{LOGITS}", "category=kind 1", f"kendall:{MEASURE}", 0.5, 5),
                ("m run", f"{RANKER}/{LOGITS}", "all", "kendall:bertscore", 0.6, 20),
                ("m run", f"{RANKER}/{WINS}", "all", f"kendall:{MEASURE}", 0.7, 20),
            ],
        )
    with store.reading() as db:
        every, last = figures(db, Part(), MEASURE, "kendall").to_pylist()
        (one,) = figures(db, Part((), (), ("kind 1",)), MEASURE, "kendall").to_pylist()
    assert (every["run_id"], every["value"], every["n"]) == ("a run", 0.4, 20)
    assert (last["run_id"], last["value"]) == ("m run", 0.7)
    assert (one["slice"], one["value"]) == ("category=kind 1", 0.5)


def copied(made_store, folder):
    path = folder / "store.duckdb"
    path.write_bytes(made_store.read_bytes())
    return Store(path)


def test_the_page_follows_the_url(page):
    app = page("rankers", split="test", dataset="dolly", measure="measure bertscore")
    assert not app.exception
    titles = [title.value for title in app.subheader]
    for wanted in ("Pairs ordered rightly", "Quality of the pick", "Quality against comparisons",
                   "Position bias", "Calibration of logits"):  # fmt: skip
        assert wanted in titles
    told = [caption.value for caption in app.caption]
    assert any("20 prompts" in text and "bertscore" in text for text in told)
    app.sidebar.multiselect(key="split").set_value([]).run()
    assert any("80 prompts" in caption.value for caption in app.caption)
    assert any("60 of these 80 prompts are not of the split test" in i.value for i in app.info)


def test_evaluations_are_drawn_with_their_runs(page, made_store, tmp_path):
    store = copied(made_store, tmp_path)
    rows = [
        ("run-one", system, figure, value)
        for system in (f"{RANKER}/{LOGITS}", "Oracle", "BestSingle", "chain:odd/one")
        for figure, value in (("kendall", 0.4), ("quality", 1.2), ("comparisons", 20.0))
    ]
    with store.writing() as db:
        db.executemany(
            "insert into results "
            "select ?, ?, 'alpaca', 'test', 'all', ? || ':rougeL@1', ?, 0, 2, 9",
            rows,
        )
        db.execute(
            "insert into trials values ('a study', 1, 'COMPLETE', '{\"scheme\": \"borda\"}', "
            "'{\"comparisons\": 20, \"quality\": 0.5}', 'run-two')"
        )
    app = page("rankers", store.path, measure=f"measure {MEASURE}")
    assert not app.exception
    titles = [title.value for title in app.subheader]
    assert {
        "Agreement with the measure as evaluated",
        "Quality of the pick as evaluated",
        "Evaluated systems by comparisons",
        "Trials of sweeps by comparisons",
    } <= set(titles)
    assert any("run run\\-one" in text.value for text in app.markdown)
    frames = [frame.value for frame in app.dataframe]
    (systems,) = [frame for frame in frames if "label" in frame.columns and "of" in frame.columns]
    assert set(systems["kind"]) == {"ranker", "baseline", "chain"}
    assert len(systems["label"].dropna()) == 3  # all are alike, each the best of its kind


def test_what_lies_on_each_other_has_one_label(page):
    app = page("rankers", split="test", measure=f"measure {MEASURE}")
    frames = [frame.value for frame in app.dataframe]
    (drawn,) = [frame for frame in frames if "together" in frame.columns]
    for _, row in drawn.iterrows():
        assert row["name"] in row["together"].split(", ")
    rows = [
        {"name": name, "comparisons": at, "quality": value, "low": value, "high": value}
        for name, at, value in (
            ("a", 20.0, 0.5), ("b", 20.1, 0.501), ("c", 20.0, 0.499), ("d", 9.0, 0.5),
            ("e", 20.0, 0.7),
        )
    ]  # fmt: skip
    told = {row["name"]: row for row in told_together(rows, [0.2, 0.9])}
    assert told["a"]["together"] == told["b"]["together"] == "c, a, b"
    labels = {row["label"] for row in told.values()}
    assert labels == {"3 schemes", "d", "e", None}
    assert told["d"]["left"]
    assert not told["e"]["left"]


@pytest.mark.parametrize(
    "gone",
    [
        ["rankings", "comparisons"],
        ["rankings"],
        ["comparisons"],
        ["qualities"],
        ["results", "trials"],
    ],
)
def test_what_lacks_is_told(page, made_store, tmp_path, gone):
    store = copied(made_store, tmp_path)
    with store.writing() as db:
        for name in gone:
            db.execute(f"delete from {name}")
    app = page("rankers", store.path)
    assert not app.exception
    assert app.info


def test_ties_and_lone_prompts_are_no_fault(page, made_store, tmp_path):
    store = copied(made_store, tmp_path)
    with store.writing() as db:
        db.execute("delete from prompts where prompt_id <> (select min(prompt_id) from prompts)")
        db.execute("delete from candidates where prompt_id not in (select prompt_id from prompts)")
        for name in ("rankings", "comparisons"):
            db.execute(f"delete from {name} where prompt_id not in (select prompt_id from prompts)")
        db.execute("update qualities set value = 0.5")
        db.execute("update prompts set category = null")
    app = page("rankers", store.path)
    assert not app.exception
    assert "Quality of the pick" in [title.value for title in app.subheader]
