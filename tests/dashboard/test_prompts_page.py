"""The page Prompts as it is drawn: the list, one prompt, and what is not there."""

from row_by_row import asked

from dashboards.page.prompt_tables import pivoted
from dashboards.queries.scored import Part
from workbench.aggregation import Scheme
from workbench.store.store import Store


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
