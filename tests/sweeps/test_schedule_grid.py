"""What each setting of a grid keeps of the full ranking, and the script that tells it."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny_pipeline import execute, runs

from workbench.aggregation import Scheme, prompt_keys
from workbench.errors import BadValue, MissingInput, UnknownName
from workbench.evaluation import top_k_mean
from workbench.store.pool import Pool
from workbench.sweeps.grid_report import label, report
from workbench.sweeps.objective import Compared
from workbench.sweeps.schedule_grid import cheapest, front, grid, kept_by_each, seeded
from workbench.tracking import Tracker

SCRIPT = Path(__file__).parents[2] / "experiments" / "schedules.py"
FULL = Scheme("max_logits")
SETTINGS = grid(
    ["borda"], ["all", "swiss(rounds=2)"], ["bubble", "top_k(confidence=1.0)"], ["both"]
)


@pytest.fixture(scope="module")
def compared():
    """60 prompts of 6 candidates, and a ranker that is right more often than not."""
    rng = np.random.default_rng(0)
    quality = rng.normal(size=(60, 6))
    logits = quality[:, :, None] - quality[:, None, :] + rng.normal(size=(60, 6, 6))
    ids = np.array([[f"{q}-{n}" for n in range(6)] for q in range(60)], object)
    pool = Pool(
        prompt_ids=[f"prompt {q}" for q in range(60)],
        dataset=["d"] * 60,
        category=[""] * 60,
        candidate_ids=ids,
        mask=np.ones((60, 6), bool),
        llm=np.tile(np.arange(6), (60, 1)),
        llms=list("abcdef"),
        length=np.ones((60, 6), int),
    )
    return Compared(pool, logits.astype(np.float32), quality, both=True, left_out=0)


@pytest.fixture(scope="module")
def rows(compared):
    return kept_by_each(compared, [FULL, *SETTINGS], FULL, seeds=3, resamples=200)


def test_a_grid_is_every_scheme_on_every_schedule_in_every_order():
    found = grid(["borda", "copeland"], ["all", "swiss"], ["bubble"], ["both", "random"])
    assert [str(scheme) for scheme in found] == [
        f"{scheme};order={order}{rest}"
        for order in ("both", "random(seed=0)")
        for scheme, rest in (
            ("borda", ";schedule=all"),
            ("borda", ";schedule=swiss(rounds=4, seed=0)"),
            ("copeland", ";schedule=all"),
            ("copeland", ";schedule=swiss(rounds=4, seed=0)"),
            ("bubble(seed=0)", ";schedule=bubble"),
        )
    ]
    for bad in (
        (["bord"], ["all"], [], ["both"]),
        (["borda"], ["al"], [], ["both"]),
        (["borda"], ["all"], ["buble"], ["both"]),
        (["borda"], ["all"], [], ["bath"]),
    ):
        with pytest.raises(UnknownName, match="Did you mean"):
            grid(*bad)


def test_another_seed_is_another_draw_of_all_that_is_drawn():
    assert str(seeded(Scheme.parse("borda;order=random;schedule=swiss"), 3)) == (
        "borda;order=random(seed=3);schedule=swiss(rounds=4, seed=3)"
    )
    assert str(seeded(Scheme.parse("bubble"), 3)) == "bubble(seed=3);order=both;schedule=bubble"
    assert seeded(FULL, 3) == FULL


def test_the_full_ranking_keeps_all_and_so_does_top_k_when_it_is_certain(rows):
    for row in (rows[0], rows[-1]):
        assert row.share.value == row.share.low == row.share.high == pytest.approx(1)
        assert row.difference.estimate.value == pytest.approx(0, abs=1e-12)
        assert row.same_pick.value == row.top_full.value == pytest.approx(1)
        assert row.comparisons.value == 30


def test_figures_are_means_over_seeds_and_prompts(compared, rows):
    bubble = rows[3]
    assert bubble.scheme == "bubble(seed=0);order=both;schedule=bubble"
    mask, keys = compared.pool.mask, prompt_keys(compared.pool.prompt_ids)
    picks = []
    for seed in range(3):
        scores = Scheme.of("bubble", seed=seed).scores(compared.logits, mask, keys)
        picks.append(top_k_mean(scores, compared.quality, mask, 1))
    assert bubble.quality.value == pytest.approx(np.mean(picks))
    best = top_k_mean(FULL.scores(compared.logits, mask), compared.quality, mask, 1)
    chance = compared.quality.mean(axis=1)
    assert bubble.difference.estimate.value == pytest.approx(np.mean(picks) - best.mean())
    share = (np.mean(picks) - chance.mean()) / (best.mean() - chance.mean())
    assert bubble.share.value == pytest.approx(share)
    assert bubble.comparisons.value == 10


def test_the_cheapest_keeps_enough_and_the_front_is_not_beaten(rows):
    for figure in ("share", "same_pick", "top_full"):
        for surely in (False, True):
            choice = cheapest(rows, 0.99, figure, surely)
            least = [
                row.comparisons.value
                for row in rows
                if (kept := getattr(row, figure)) and (kept.low if surely else kept.value) >= 0.99
            ]
            assert choice.comparisons.value == min(least)
    assert cheapest(rows, 5.0, "top_full") is None
    best = front(rows)
    assert [row.comparisons.value for row in best] == sorted(row.comparisons.value for row in best)
    for row in rows:
        cheaper = [b for b in best if b.comparisons.value <= row.comparisons.value]
        assert max(b.quality.value for b in cheaper) >= row.quality.value


def test_the_report_names_settings_by_what_tells_them_apart(rows):
    told = {
        "top_k(confidence=0.5);order=random(seed=4)": "top_k(k=1, confidence=0.5), order=random",
        "bradley_terry(temperature=2.0);schedule=swiss": "bradley_terry(temperature=2.0), "
        "swiss(rounds=4)",
        "max_logits": "max_logits",
        "bubble(seed=3);order=left": "bubble, order=left",
    }
    for text, name in told.items():
        assert label(text) == name
    config = {
        "ranker": "abcdefghij", "measure": "m", "full": str(FULL), "keep": 0.99, "seeds": 3,
        "choose_on": "validation", "report_on": "test",
    }  # fmt: skip
    text = report(rows, rows, config)
    assert "Cheapest that keeps 99% of the quality, on validation" in text
    assert all(f"| `{label(row.scheme)}` |" in text for row in rows)
    none = report(rows, rows, config | {"keep": 7.0})
    assert "No setting keeps 700% of the top 3, on validation." in none


def test_the_script_writes_table_and_plot_and_an_mlflow_run(compared_pool, fresh, capsys):
    spec = importlib.util.spec_from_file_location("schedules_script", SCRIPT)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    store = fresh(compared_pool)
    options = {
        "schemes": ["borda"], "schedules": ["all", "swiss"], "outcomes": ["knockout", "top_k"],
        "seeds": 2, "resamples": 50,
    }  # fmt: skip
    for _ in range(2):
        script.schedules(store, **options)
        [run] = runs(store, "schedules")
    folder = store.parent / "schedules"
    assert (folder / "schedules.png").stat().st_size > 10_000
    text = (folder / "schedules.md").read_text()
    assert "`top_k(k=1, confidence=0.95), order=random`" in text
    assert text in capsys.readouterr().out
    kept = Tracker(store).artifact(run.info.run_id, "schedules.md")
    assert kept.read_text() == text
    assert run.data.metrics["test/comparisons/knockout"] == 22
    with pytest.raises(BadValue, match="seeds"):
        script.schedules(store, **options | {"seeds": 0})
    execute(store, "delete from comparisons where left_id > right_id")
    with pytest.raises(MissingInput, match="--order both"):
        script.schedules(store, **options)


def test_the_script_explains_itself():
    shown = subprocess.run(
        [sys.executable, SCRIPT, "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert "--choose_on" in shown
    assert "keeps the quality" in shown
