"""The page Prompts: search, filters, the list, and one prompt."""

import numpy as np
import pytest

from dashboards.page.answers import answers_of
from dashboards.page.prompt_logits import told_bias
from dashboards.page.prompt_tables import pivoted
from dashboards.queries.one_prompt import compared_pairs, fused_answers, one_prompt, whole_text
from dashboards.queries.prompts import NO_SCORER, Wanted, found_prompts, llms, place_found
from dashboards.queries.scored import Part, Scorer
from workbench.aggregation import Scheme
from workbench.evaluation.pairwise import position_counts
from workbench.store.store import Store

BY_MEASURE = Scorer("measure", "rougeL@1")
BY_RANKER = Scorer("ranker", "benchmark-ranker", "max_wins;order=both;schedule=all")
BY_ROUTER = Scorer("router", "benchmark-router-a")
EVERY = 10_000


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


def asked(db, part=Part(), scorer=BY_MEASURE, most=EVERY, offset=0, **wanted):  # noqa: B008
    return found_prompts(db, part, scorer, Wanted(**wanted), most, offset)


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


@pytest.fixture
def written(tmp_path):
    """A store with texts that a search could trip over; returns its path."""
    path = tmp_path / "texts.duckdb"
    with Store.create(path).writing() as db:
        for prompt, instruction, text in [
            ("p1", "100% of ÄPFEL", "nothing"), ("p2", "under_score", "an apple; äpfel"),
            ("p3", "under-score'; drop table prompts; --", None), ("p4", "a\\b %", ""),
        ]:  # fmt: skip
            db.execute(
                "insert into prompts values (?, 'd', 'test', ?, ?, null, null)",
                [prompt, instruction, "" if prompt != "p4" else "INPUT"],
            )
            db.execute(
                "insert into candidates values (?, ?, 'one', ?, '', null, null, null, null)",
                ["c" + prompt, prompt, text],
            )
    return path


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


def test_the_page_finds_filters_and_opens(page, made_store):
    with Store(made_store).reading() as db:
        wanted = asked(db, Part(splits=("test",)), best_llm="llm-02", find="question")
        prompt, following = wanted["rows"]["prompt_id"].to_pylist()[1:3]
        answers = db.execute("select text from candidates where prompt_id = ?", [prompt]).fetchall()
    app = page("prompts", by="measure rougeL@1", split="test", best="llm-02", find="QUESTION")
    assert not app.exception
    assert app.expander[0].label == f"{wanted['count']['prompts'][0].as_py()} prompts"
    app.sidebar.text_input(key="prompt").set_value(prompt).run()
    assert not app.exception
    titles = [title.value for title in app.subheader]
    assert titles[:4] == ["Answers side by side", "Qualities", "Ranks", "Pair logits"]
    assert {text.strip() for (text,) in answers} <= {text.value for text in app.text}
    app.button(key="step_Next").click().run()
    assert app.sidebar.text_input(key="prompt").value == following
    app.button(key="step_Close").click().run()
    assert app.sidebar.text_input(key="prompt").value == ""
    assert not app.header


def test_the_url_opens_a_prompt_and_a_page(page, made_store):
    with Store(made_store).reading() as db:
        prompt = db.execute("select min(prompt_id) from fusions").fetchall()[0][0]
        listed = asked(db, sort="id", most=20, offset=40)["rows"]["prompt_id"].to_pylist()
    app = page("prompts", prompt=prompt, page="3", router="benchmark-router-b", sort="by id")
    assert not app.exception
    assert app.number_input(key="page").value == 3
    assert app.dataframe[0].value["prompt_id"].tolist() == listed
    app.text_input(key="find").set_value("question 1").run()
    assert app.number_input(key="page").value == 1
    assert "Fused answers" in [title.value for title in app.subheader]
    app.number_input(key="page").set_value(4).run()
    app.sidebar.multiselect(key="split").set_value(["train", "validation"]).run()
    assert not app.exception
    assert app.number_input(key="page").value <= 4
    assert any("benchmark\\-router\\-b expects" in caption.value for caption in app.caption)


def test_what_is_not_there_is_told(page, written, tmp_path):
    app = page("prompts", prompt="unknown")
    assert any("no prompt with this id" in info.value for info in app.info)
    app = page("prompts", find="nowhere to be found", split="test", best="llm-02",
               by="measure rougeL@1", spread=["90", "100"])  # fmt: skip
    (told,) = [info.value for info in app.info if "No prompt is so" in info.value]
    for filter in (
        "split test",
        "best LLM llm\\-02",
        "percentiles 90 to 100",
        "nowhere to be found",
    ):
        assert filter in told
    assert "dataset" not in told
    app = page("prompts", store=written, prompt="p3")
    assert not app.exception
    told = " ".join(info.value for info in app.info)
    for verb in ("measure", "compare", "fuse", "route"):
        assert f"workbench {verb}" in told
    assert any("text is not known" in caption.value for caption in app.caption)
    with Store.create(tmp_path / "empty.duckdb").writing() as db:
        db.execute("insert into prompts values ('p', 'd', 'test', 'Why?', '', null, null)")
    app = page("prompts", store=tmp_path / "empty.duckdb", prompt="p")
    assert not app.exception
    assert any("No LLM has answered" in info.value for info in app.info)


def test_decodings_verdicts_and_tags_are_shown(page, written):
    scheme = str(Scheme.parse("max_logits"))
    with Store(written).writing() as db:
        db.execute(
            "insert into candidates values ('c2', 'p2', 'one', 'again', 'beam', 1, 2, 0.5, 0.1)"
        )
        db.execute("insert into tags values ('p2', 'fruit', 'by hand')")
        db.execute("insert into verdicts values ('p2', 'cp2', 'c2', 'ann', 'left')")
        db.execute("insert into verdicts values ('p2', 'c2', 'gone', 'ann', 'tie')")
        db.execute("insert into comparisons values ('r', 'p2', 'cp2', 'c2', 0.0)")
        db.execute("insert into rankings values ('r', ?, 'c2', 'p2', 0.0, 1)", [scheme])
        db.execute(
            "insert into fusions values "
            "('f', 'g', null, null, 1, 'p2', ['gone', 'c2'], 'fused', null, null, null, null, null)"
        )
        db.execute("insert into qualities values ('f', 'exact', 1), ('c2', 'exact', 0.25)")
    app = page("prompts", store=written, prompt="p2")
    assert not app.exception
    tables = [frame.value for frame in app.dataframe]
    verdicts = next(frame for frame in tables if "verdict" in frame.columns)
    assert set(verdicts["shown left"]) == {"one", "one (beam)"}
    assert set(verdicts["shown right"]) == {"one (beam)", "answer gone"}
    assert any("fruit" in caption.value for caption in app.caption)
    assert any("No pair was compared in both" in caption.value for caption in app.caption)
    assert any("answer gone, one \\(beam\\)" in caption.value for caption in app.caption)


def test_a_prompt_that_is_not_on_the_shown_page_says_why(page, made_store):
    with Store(made_store).reading() as db:
        ids = asked(db, sort="id")["rows"]["prompt_id"].to_pylist()
        (split,) = db.execute("select split from prompts where prompt_id = ?", [ids[45]]).fetchone()
    app = page("prompts", prompt=ids[0], sort="by id")
    assert app.button(key="step_Previous").help == "It is the first on this page of the list."
    assert not app.button(key="step_Next").disabled
    app.sidebar.text_input(key="prompt").set_value(ids[45]).run()
    assert app.button(key="step_Next").disabled
    assert "page 3 of the list" in app.button(key="step_Next").help
    assert not any("not among" in info.value for info in app.info)
    other = "test" if split != "test" else "train"
    app.sidebar.multiselect(key="split").set_value([other]).run()
    assert any("This prompt is not among those chosen" in info.value for info in app.info)
    assert "not among those chosen" in app.button(key="step_Previous").help


def test_what_a_training_prompt_lacks_is_no_fault(page, written):
    with Store(written).writing() as db:
        db.execute("update prompts set split = 'train'")
    told = [info.value for info in page("prompts", store=written, prompt="p2").info]
    (one,) = [text for text in told if "training prompt" in text]
    for verb in ("compare", "fuse", "route"):
        assert f"workbench {verb} --splits '[train]'" in one
    assert not any(
        "No ranker" in text or "No fused" in text or "No router" in text for text in told
    )


def test_a_measure_takes_no_other_columns_name():
    qualities = [
        {"id": "a", "measure": measure, "value": value}
        for value, measure in enumerate(["answer", "K", "K (measure)", "rougeL@1"])
    ]
    cells = pivoted({"a": "A"}, qualities, "id", "measure", ["a"], taken=["K"])
    assert cells.to_pylist() == [
        {"answer": "A", "answer (measure)": 0, "K (measure)": 1, "K (measure) (measure)": 2,
         "rougeL@1": 3}
    ]  # fmt: skip


def test_fusions_with_one_text_share_a_card(page, written):
    with Store(written).writing() as db:
        for fusion, k, text, score in (
            ("f", 1, "same", 1),
            ("g", 2, "same", 1),
            ("h", 2, "other", 0),
        ):
            db.execute(
                "insert into fusions values "
                f"('{fusion}', 'g', null, null, {k}, 'p2', {['cp2', 'gone'][:k]}, '{text}', "
                f"'{fusion}', null, null, null, null)"
            )
            db.execute(f"insert into qualities values ('{fusion}', 'K', {score})")
        db.execute("update candidates set usd = 8.2e-10 where prompt_id = 'p2'")
    app = page("prompts", store=written, prompt="p2")
    assert not app.exception
    told = [caption.value for caption in app.caption]
    assert any("3 fused answers with 2 texts, best first by K" in text for text in told)
    assert any("0\\.00000082 USD per 1,000 such answers" in text for text in told)
    assert [one.label for one in app.expander if "Made by" in one.label] == [
        "Made by 2 settings", "Made by 1 setting"
    ]  # fmt: skip
    assert any("made of one, answer gone" in text.value for text in app.text)
    (table,) = [frame.value for frame in app.dataframe if "fuser" in frame.value.columns]
    assert {"K", "K (measure)"} <= set(table.columns)
