"""GPT-Rank of a small MixInstruct file, from cmp_results to the figures of evaluate, by hand."""

import json

import pytest
from tiny_pipeline import execute, one, rows

from workbench.cli import main

# Wins less losses: vicuna 2, alpaca 0, moss 0, koala −2.
FIRST = {
    "vicuna,koala": "A is better", "alpaca,vicuna": "B is better", "moss,vicuna": "Same good",
    "koala,alpaca": "Same bad", "koala,moss": "B is better", "alpaca,moss": "A is better",
}  # fmt: skip
# Koala 2, moss 1, alpaca −1, vicuna −2.
SECOND = {
    "vicuna,koala": "B is better", "vicuna,alpaca": "Same good", "moss,vicuna": "A is better",
    "alpaca,koala": "B is better", "moss,koala": "Same bad", "alpaca,moss": "Same good",
}  # fmt: skip
SCORES = {"vicuna": (2, -2), "koala": (-2, 2), "alpaca": (0, -1), "moss": (0, 1)}
# Ranks 1 4, 4 1, 2 3 and 2 2: ties share the best of their ranks.
GPT_RANK = {"vicuna": 2.5, "koala": 2.5, "alpaca": 2.5, "moss": 2.0}
MEASURE = "gpt_rank[chatgpt]@1"
FIGURE = "select value from results where system = ? and measure = ? and slice = 'all'"


@pytest.fixture
def evaluated(new_store, tmp_path):
    file = tmp_path / "mix.jsonl"
    lines = [
        {
            "id": number, "instruction": f"task {number}", "input": "", "output": "reference",
            "candidates": [{"model": m, "text": f"{m} {number}", "scores": {}} for m in GPT_RANK],
            "cmp_results": json.dumps(results),
        }
        for number, results in enumerate((FIRST, SECOND))
    ]  # fmt: skip
    file.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    store = f"--store={new_store}"
    ingest = ["ingest", "mixinstruct", store, f"--path={file}", "--split=validation"]
    assert main(ingest) == 0
    # A ranker that picks alpaca's answer first, then koala's.
    execute(
        new_store,
        "insert into rankings select 'ranker', 'max_logits;order=both;schedule=all', candidate_id, "
        "prompt_id, 0, case when (llm, instruction) in (('alpaca', 'task 0'), ('koala', 'task 1')) "
        "then 1 else 2 end from candidates join prompts using (prompt_id)",
    )
    execute(new_store, "update rankings set score = -rank")
    assert main(["measure", store, "--judge=chatgpt"]) == 0
    assert main(["evaluate", store, "--resamples=50", "--min_category=1"]) == 0
    return new_store


def test_gpt_rank_is_that_of_cmp_results(evaluated):
    found = rows(
        evaluated,
        "select llm, list(value * 3 order by instruction) from qualities "
        "join candidates using (candidate_id) join prompts using (prompt_id) "
        "where measure = ? group by llm",
        MEASURE,
    )
    assert {llm: tuple(values) for llm, values in found} == {
        llm: pytest.approx(scores) for llm, scores in SCORES.items()
    }
    figure = f"competition_rank:{MEASURE}"
    for llm, rank in GPT_RANK.items():
        assert one(evaluated, FIGURE, f"llm:{llm}", figure) == rank
    # Alpaca's answer to the first task ranks 2, koala's to the second 1.
    assert one(evaluated, FIGURE, "ranker/max_logits;order=both;schedule=all", figure) == 1.5
    assert one(evaluated, FIGURE, "Oracle", figure) == 1
    # Where ties share their mean rank, alpaca has (2.5 + 3) / 2.
    assert one(evaluated, FIGURE, "llm:alpaca", f"mean_rank:{MEASURE}") == 2.75
    # In the top 3 are all but koala's first and vicuna's second.
    top = {llm: one(evaluated, FIGURE, f"llm:{llm}", f"top3:{MEASURE}") for llm in GPT_RANK}
    assert top == {"vicuna": 0.5, "koala": 0.5, "alpaca": 1.0, "moss": 1.0}
