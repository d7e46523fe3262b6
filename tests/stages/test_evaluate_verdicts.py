"""Evaluation of systems by the verdicts of judges."""

import csv
import json

import numpy as np
import pyarrow as pa
import pytest
from tiny_pipeline import content, execute, one, rows, runs

from workbench.cli import main
from workbench.errors import MissingInput
from workbench.stages.aggregate import aggregate
from workbench.stages.evaluate import evaluate
from workbench.stages.ingest import ingest
from workbench.store.pool import load_pool
from workbench.store.store import Store
from workbench.tracking import Tracker

FEW = {"resamples": 50}
RANKER = "0123456789abcdef"
TEXTS = {"a": "w", "b": "wo", "c": "word"}
MAJORITY = "agreement[majority of pandalm]"
OTHERS = "agreement[majority of others of pandalm]"


def value(store, system, measure, column="value"):
    return one(
        store,
        f"select {column} from results where system = ? and measure = ? and slice = 'all'",
        system,
        measure,
    )


def compared(store, dataset, strength, bias=0.3):
    """Comparisons by RANKER: strength by LLM, and the left place helps; then two rankings."""
    pool = load_pool(Store(store), [dataset])
    table = []
    for q, prompt in enumerate(pool.prompt_ids):
        places = np.flatnonzero(pool.mask[q])
        for i in places:
            for j in places[places != i]:
                left, right = (pool.llms[pool.llm[q, k]] for k in (i, j))
                logit = strength[left] - strength[right] + bias
                ids = pool.candidate_ids[q, [i, j]]
                table.append((RANKER, prompt, *ids, logit))
    names = ("ranker", "prompt_id", "left_id", "right_id", "logit")
    columns = dict(zip(names, map(list, zip(*table, strict=True)), strict=True))
    columns["logit"] = pa.array(columns["logit"], pa.float32())
    Store(store).insert("comparisons", pa.table(columns))
    aggregate(store, ranker=RANKER, schemes=["max_logits", "max_wins"], datasets=[dataset])


@pytest.fixture
def judged(new_store, tmp_path):
    """Eight prompts, three pairs each, that people alone have judged; later LLMs write more.

    Two people prefer the earlier letter, but for a tie on the last prompt's first pair; the third
    prefers the later one on every other prompt.
    """
    lines = []
    for n in range(8):
        for left, right in ("ab", "bc", "ca"):
            early = "1" if left < right else "2"
            third = early if n % 2 else "12".replace(early, "")
            votes = [early, "tie" if (n, left) == (7, "a") else early, third]
            if votes[1] == "tie":
                votes[0] = "tie"
            texts = {f"response{i}": TEXTS[llm] for i, llm in ((1, left), (2, right))}
            lines.append(
                {"instruction": f"q{n}", "input": "", "llms": f"{left}_{right}", "votes": votes}
                | {"motivation_app": "maps" if n < 5 else "mail"}
                | texts
            )
    file = tmp_path / "pairs.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    assert main(["ingest", "pandalm", f"--store={new_store}", f"--path={file}"]) == 0
    return new_store


def test_people_alone_are_enough_to_evaluate(judged, capsys, monkeypatch):
    """No quality, no ranker: what Longest and the people themselves have is told."""
    monkeypatch.setenv("COLUMNS", "100")
    capsys.readouterr()
    assert main(["evaluate", f"--store={judged}", "--splits=test", "--resamples=50"]) == 0
    told = capsys.readouterr().out
    assert "Agreement with the majority of pandalm on pandalm, test: 8 prompts" in told
    assert "│ Longest │ 0.000 [0.000, 0.000] │" in told
    assert "The judges of pandalm among themselves, on pandalm, test" in told
    assert "(23 of 24)" in " ".join(told.split())
    assert value(judged, "Random", MAJORITY) == 0.5
    assert value(judged, "Random", "agreement_vs_longest[majority of pandalm]") == 0.5
    # Person 3 is with the other two on four prompts, where one of twelve verdicts is their tie.
    assert value(judged, "judge:pandalm/person3", OTHERS) == pytest.approx(11 / 23)
    # Without one of the two the others are of one mind on those four prompts only.
    assert value(judged, "judge:pandalm/person1", OTHERS) == 1
    assert value(judged, "judge:each of pandalm", OTHERS) == pytest.approx(33 / 45)
    assert value(judged, "judge:pandalm/person1", "kappa[pandalm/person2]") == 1
    assert value(judged, "judge:majority of pandalm", "verdict_ties") == pytest.approx(1 / 24)
    measures = {m.partition("[")[0] for (m,) in rows(judged, "select measure from results")}
    assert measures == {
        "agreement", "agreement_vs_longest", "kappa", "verdict_ties", "verdict_pairs"
    }  # fmt: skip
    [run] = runs(judged, "evaluate")
    artifacts = Tracker(judged).artifact(run.info.run_id, "")
    listed = list(csv.DictReader((artifacts / "results.csv").open()))
    assert len(listed) == one(judged, "select count(*) from results")
    assert {"Longest", "judge:each of pandalm"} <= {row["system"] for row in listed}
    [plot] = (artifacts / "plots").iterdir()
    assert plot.name == "agreement-pandalm_test_majority_of_pandalm.png"


def test_a_ranker_is_told_by_pairs_and_by_scheme(judged, capsys):
    """The ranker prefers a to c to b: right on ab and ac, wrong on bc."""
    compared(judged, "pandalm", {"a": 2.0, "b": 0.0, "c": 1.0}, bias=1.5)
    capsys.readouterr()
    evaluated = evaluate(judged, splits=["test"], **FEW)
    schemes = [s for (s,) in rows(judged, "select distinct scheme from rankings order by 1")]
    assert len(schemes) == 2
    for name in (f"{RANKER}/preference", *(f"{RANKER}/{scheme}" for scheme in schemes)):
        # Of 8 prompts' pairs ab, bc, ca one ab is a tie.
        assert value(judged, name, MAJORITY) == pytest.approx(15 / 23)
        assert value(judged, name, "agreement[pandalm/person1]") == pytest.approx(15 / 23)
        assert value(judged, name, "agreement_vs_longest[majority of pandalm]") == (
            pytest.approx(15 / 23)
        )
        assert value(judged, name, MAJORITY, "n") == 8
    agreeing = [row for row in evaluated.rows if row[4] == MAJORITY]
    assert len(agreeing) == 5
    assert all(row[6] <= row[5] <= row[7] for row in agreeing)


def test_what_is_new_is_evaluated_and_nothing_twice(judged):
    compared(judged, "pandalm", {"a": 2.0, "b": 1.0, "c": 0.0})
    first = evaluate(judged, splits=["test"], **FEW)
    before = content(judged, "results")
    again = evaluate(judged, splits=["test"], **FEW)
    assert (again.run, again.new, content(judged, "results")) == (first.run, False, before)
    # A comparison that differs, with the rankings as they were, and a new verdict.
    execute(judged, "update comparisons set logit = -9 where logit > 2")
    second = evaluate(judged, splits=["test"], **FEW)
    execute(judged, "update verdicts set verdict = 'both bad' where judge = 'pandalm/person1'")
    third = evaluate(judged, splits=["test"], **FEW)
    assert len({first.run, second.run, third.run}) == 3
    ties = [
        next(r[5] for r in done.rows if (r[0], r[4]) == ("judge:pandalm/person1", "verdict_ties"))
        for done in (first, third)
    ]
    assert ties == [pytest.approx(1 / 24), 1.0]


def test_categories_are_slices_of_agreement_too(judged):
    evaluate(judged, splits=["test"], min_category=4, **FEW)
    told = rows(
        judged,
        "select slice, n from results where system = 'Random' and measure = ? order by 1",
        MAJORITY,
    )
    assert told == [("all", 8), ("category=maps", 5)]


def test_only_prompts_that_all_rankings_hold_are_compared(judged, capsys):
    compared(judged, "pandalm", {"a": 2.0, "b": 1.0, "c": 0.0})
    lost = one(judged, "select min(prompt_id) from prompts")
    execute(judged, "delete from rankings where scheme like 'max_wins%' and prompt_id = ?", lost)
    capsys.readouterr()
    evaluate(judged, splits=["test"], **FEW)
    assert (
        f"7 of 8 judged prompts are ranked by all and evaluated; {RANKER[:8]}/max_wins lacks 1"
        in (capsys.readouterr().err)
    )
    assert value(judged, "judge:pandalm/person1", "verdict_pairs") == 21


def test_the_split_that_has_verdicts_is_named(judged, capsys):
    assert main(["evaluate", f"--store={judged}"]) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "no prompt of pandalm in the split validation is judged; " in told
    assert "verdicts are there on pandalm in the split test" in told
    execute(judged, "delete from verdicts")
    with pytest.raises(MissingInput, match="neither qualities nor verdicts"):
        evaluate(judged, splits=["test"])


@pytest.fixture
def mixed(new_store, tmp_path):
    """Twelve prompts of two LLMs with qualities on all, and a judge's verdicts on those of test.

    By quality a is better on validation and b on test; the judge prefers a, or sees two good ones.
    """
    store = new_store
    for split, count in (("validation", 4), ("test", 8)):
        lines = []
        for n in range(count):
            better = "a" if split == "validation" else "b"
            candidates = [
                {"model": m, "text": f"{m} says {n}", "decoding_method": "greedy"}
                | {"scores": {"org/m:1": 0.5 if m == better else 0.25}}
                for m in "ab"
            ]
            said = json.dumps({"a,b": "A is better" if n % 4 else "Same good"})
            lines.append(
                {"id": n, "instruction": f"{split} {n}", "candidates": candidates}
                | {"cmp_results": said if split == "test" else None}
            )
        file = tmp_path / f"{split}.jsonl"
        file.write_text("\n".join(map(json.dumps, lines)), "utf-8")
        ingest(store, "mixinstruct", path=str(file), split=split, judge="openai/chat:gpt")
    return store


def test_a_judge_stands_beside_qualities(mixed, capsys):
    compared(mixed, "mix-instruct", {"a": 1.0, "b": 0.0})
    evaluate(mixed, splits=["test"], **FEW)
    figure = "agreement[openai/chat:gpt]"
    told = dict(rows(mixed, "select system, value from results where measure = ?", figure))
    schemes = [s for (s,) in rows(mixed, "select distinct scheme from rankings")]
    assert told == {
        **{f"{RANKER}/{scheme}": 1.0 for scheme in ("preference", *schemes)},
        "quality[org/m:1]": 0.0,
        "BestSingle[org/m:1]": 1.0,
        "Longest": 0.5,
        "Random": 0.5,
    }
    assert value(mixed, "Random", figure, "n") == 6
    assert value(mixed, "judge:openai/chat:gpt", "verdict_ties") == 0.25
    assert value(mixed, "judge:openai/chat:gpt", "verdict_pairs") == 8
    # Figures of quality are what they are without verdicts, in the store and on the terminal.
    qualities = "select system, measure, value from results where measure like '%:org/m:1'"
    before = set(rows(mixed, qualities))
    execute(mixed, "delete from verdicts")
    evaluate(mixed, splits=["test"], **FEW)
    assert set(rows(mixed, qualities)) == before
    assert len(runs(mixed, "evaluate")) == 2


def test_splits_without_verdicts_stay_as_they_were(mixed, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    assert main(["evaluate", f"--store={mixed}", "--resamples=20"]) == 0
    told = capsys.readouterr().out
    assert "Quality by org/m:1 on mix-instruct, validation" in told
    assert "Agreement" not in told
    assert main(["evaluate", f"--store={mixed}", "--resamples=20", "--splits=test"]) == 0
    told = capsys.readouterr().out
    assert told.index("Quality by org/m:1") < told.index(
        "Agreement with openai/chat:gpt on mix-instruct, test: 8 prompts"
    )
    assert "among themselves" not in told
    assert "(6 of 8)" in " ".join(told.split())
