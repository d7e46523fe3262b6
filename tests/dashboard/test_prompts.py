"""The page Prompts: search, filters, the list, and one prompt."""

import numpy as np
import pytest
from row_by_row import BY_MEASURE, BY_RANKER, BY_ROUTER, asked

from dashboards.page.answers import answers_of
from dashboards.page.prompt_logits import told_bias
from dashboards.queries.one_prompt import compared_pairs, fused_answers, one_prompt, whole_text
from dashboards.queries.prompts import NO_SCORER, Wanted, llms, place_found
from dashboards.queries.scored import Part
from workbench.evaluation.pairwise import position_counts
from workbench.store.store import Store


def naive(db, part, scorer):
    """prompt -> its row and LLM -> score, read row by row."""
    found = {
        row[0]: (row[1:], {})
        for row in db.execute(
            "select prompt_id, dataset, split, category, instruction, input from prompts"
        ).fetchall()
        if all(
            not few or one in few
            for few, one in zip(
                (part.datasets, part.splits, part.categories), row[1:4], strict=True
            )
        )
    }
    rows = db.execute(
        "select prompt_id, llm, score from scored_llms "
        "where kind = ? and scorer = ? and scheme = ?", [scorer.kind, scorer.scorer, scorer.scheme]
    ).fetchall()  # fmt: skip
    for prompt, llm, score in rows:
        if prompt in found:
            found[prompt][1][llm] = score
    return found


@pytest.mark.parametrize("scorer", [BY_MEASURE, BY_RANKER, BY_ROUTER, NO_SCORER])
@pytest.mark.parametrize("part", [Part(), Part(("alpaca",), ("test",), ("kind 1", "kind 2"))])
def test_prompts_are_those_of_a_naive_search(db, part, scorer):
    prompts = naive(db, part, scorer)
    answer = asked(db, part, scorer)
    assert answer["count"]["prompts"][0].as_py() == len(prompts) == answer["rows"].num_rows
    for row in answer["rows"].to_pylist():
        (dataset, split, category, instruction, _), scores = prompts[row["prompt_id"]]
        assert (row["dataset"], row["split"], row["category"]) == (dataset, split, category)
        assert instruction.startswith(row["prompt"])
        if scores:
            assert row["best"] == max(scores.values())
            assert row["gap"] == max(scores.values()) - min(scores.values())
            best = sorted(llm for llm, score in scores.items() if score == row["best"])
            assert row["best_llms"] == best
        else:
            assert row["best"] is row["gap"] is row["best_llms"] is None


@pytest.mark.parametrize("scorer", [BY_MEASURE, BY_RANKER, BY_ROUTER])
def test_the_best_llm_counts_where_it_ties_too(db, scorer):
    prompts = naive(db, Part(), scorer)
    for llm in llms(db)["llm"].to_pylist():
        wanted = {p for p, (_, s) in prompts.items() if s[llm] == max(s.values())}
        found = asked(db, scorer=scorer, best_llm=llm)["rows"]["prompt_id"].to_pylist()
        assert set(found) == wanted


def test_the_spread_cuts_at_quantiles_of_the_gap(db):
    part = Part(splits=("train",))
    gaps = {
        p: max(s.values()) - min(s.values()) for p, (_, s) in naive(db, part, BY_MEASURE).items()
    }
    low, high = np.quantile(list(gaps.values()), [0.33, 0.71])
    wanted = {p for p, gap in gaps.items() if low <= gap <= high}
    found = asked(db, part, spread=(0.33, 0.71))["rows"]["prompt_id"].to_pylist()
    assert set(found) == wanted
    assert 0 < len(wanted) < len(gaps)


@pytest.mark.parametrize(
    ("sort", "key"),
    [("widest", lambda row: -row["gap"]), ("narrowest", lambda row: row["gap"]),
     ("hardest", lambda row: row["best"]), ("easiest", lambda row: -row["best"]),
     ("id", lambda row: row["prompt_id"])],
)  # fmt: skip
def test_pages_of_the_list_are_the_sorted_list_in_pieces(db, sort, key):
    everything = asked(db, sort=sort)["rows"].to_pylist()
    assert [key(row) for row in everything] == sorted(key(row) for row in everything)
    pieces = [asked(db, sort=sort, most=50, offset=at) for at in range(0, 250, 50)]
    assert [row for piece in pieces for row in piece["rows"].to_pylist()] == everything
    assert {piece["count"]["prompts"][0].as_py() for piece in pieces} == {240}
    for place in (1, 77, 240):
        found = place_found(
            db, Part(), BY_MEASURE, Wanted(sort=sort), everything[place - 1]["prompt_id"]
        )
        assert found["place"].to_pylist() == [place]
    wanted = Wanted(find="not in any prompt", sort=sort)
    assert not place_found(db, Part(), BY_MEASURE, wanted, everything[0]["prompt_id"]).num_rows


@pytest.mark.parametrize(
    ("find", "in_answers", "wanted"),
    [("%", False, "p1 p4"), ("_", False, "p2"), ("äpfel", False, "p1"), ("äpfel", True, "p1 p2"),
     ("'; drop", False, "p3"), ("\\", False, "p4"), ("input", False, "p4"),
     ("", True, "p1 p2 p3 p4"), ("apple", False, ""), ("APPLE", True, "p2"), (".*", True, "")],
)  # fmt: skip
def test_a_search_means_its_letters_in_any_case(written, find, in_answers, wanted):
    with Store(written).reading() as db:
        found = asked(db, scorer=NO_SCORER, find=find, in_answers=in_answers, sort="id")
    assert found["rows"]["prompt_id"].to_pylist() == wanted.split()


def test_one_prompt_is_what_the_tables_hold(db):
    prompt = db.execute("select min(prompt_id) from fusions").fetchall()[0][0]
    found = one_prompt(db, prompt)
    of = "where prompt_id = ?"
    assert found["prompt"].num_rows == 1
    for name, sql in (
        ("candidates", f"select candidate_id from candidates {of}"),
        ("qualities", f"select measure from candidates join qualities using (candidate_id) {of}"),
        ("ranks", f"select rank from rankings {of}"),
        ("routes", f"select utility from routes {of}"),
    ):
        assert found[name].num_rows == len(db.execute(sql, [prompt]).fetchall()) > 0
    for scorer in (BY_MEASURE, BY_RANKER, BY_ROUTER):
        answers = answers_of(found, scorer)
        best = asked(db, scorer=scorer, sort="id")["rows"].to_pylist()
        row = next(row for row in best if row["prompt_id"] == prompt)
        assert sorted(answers.best) == row["best_llms"]
        scores = [answers.scores[one["candidate_id"]] for one in answers.rows]
        assert scores == sorted(scores, reverse=True)
    fused = fused_answers(db, prompt)["fusions"].to_pylist()
    kept = db.execute(f"select candidate_ids from fusions {of}", [prompt]).fetchall()
    assert [row["candidate_ids"] for row in fused] == [ids for (ids,) in kept]


def test_the_order_decides_as_the_evaluation_counts(db):
    prompt = db.execute("select min(prompt_id) from prompts").fetchall()[0][0]
    pairs = compared_pairs(db, prompt).to_pylist()
    ids = sorted({pair["left_id"] for pair in pairs})
    logits = np.full((1, len(ids), len(ids)), np.nan)
    for pair in pairs:
        logits[0, ids.index(pair["left_id"]), ids.index(pair["right_id"])] = pair["logit"]
    bias, _, flips, count = position_counts(logits, np.ones((1, len(ids)), bool))
    told = told_bias(pairs)
    assert told.startswith(f"In {flips[0]:.0f} of {count[0]:.0f} pairs")
    assert f"left place gains {bias[0] / count[0]:.2g} logits" in told
    one_way = [pair | {"bias": None} for pair in pairs]
    assert told_bias(one_way).startswith("No pair was compared in both orders")


def test_a_router_is_called_the_same_on_all_pages(page, made_store, tmp_path):
    path = tmp_path / "store.duckdb"
    path.write_bytes(made_store.read_bytes())
    with Store(path).writing() as db:
        prompt = db.execute("select min(prompt_id) from prompts").fetchall()[0][0]
        for router in ("benchmark-router-a", "benchmark-router-b"):
            db.execute("insert or replace into meta values (?, 'Same')", [f"ranker:{router}"])
        db.execute(
            "delete from routes where router = 'benchmark-router-a' and prompt_id = ?", [prompt]
        )
    name = "Same (benchmark-router-b)"
    for shown in (page("routers", path, router=name), page("prompts", path, prompt=prompt)):
        assert not shown.exception
        assert shown.sidebar.selectbox(key="router").value == name


def test_a_score_that_is_no_number_is_none(made_store, tmp_path):
    path = tmp_path / "store.duckdb"
    path.write_bytes(made_store.read_bytes())
    with Store(path).reading() as db:
        row = asked(db, best_llm="llm-01")["rows"].to_pylist()[0]
    with Store(path).writing() as db:
        db.execute(
            "update qualities set value = 'nan' where candidate_id in (select candidate_id from "
            "candidates where llm = 'llm-01' and prompt_id = ?)", [row["prompt_id"]]
        )  # fmt: skip
    with Store(path).reading() as db:
        rows = asked(db)["rows"].to_pylist()
        (after,) = [r for r in rows if r["prompt_id"] == row["prompt_id"]]
        answers = answers_of(one_prompt(db, row["prompt_id"]), BY_MEASURE)
    assert after["best"] < row["best"]
    assert "llm-01" not in after["best_llms"]
    assert sorted(answers.best) == after["best_llms"]
    assert answers.rows[-1]["llm"] == "llm-01"


def test_a_cut_text_can_be_had_whole(db):
    prompt, instruction = db.execute(
        "select prompt_id, instruction from prompts limit 1"
    ).fetchall()[0]
    answer, text = db.execute("select answer_id, text from answers limit 1").fetchall()[0]
    assert whole_text(db, prompt, "instruction") == instruction
    assert whole_text(db, answer) == text
    assert whole_text(db, prompt, "reference") != ""
    assert whole_text(db, prompt) == whole_text(db, "nobody") == ""
