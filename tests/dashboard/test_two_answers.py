"""Two answers side by side, shared words marked."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.foreign import seen
from dashboards.marked import marked, shared_words
from dashboards.queries.duel import Duel
from dashboards.queries.scored import Part, Scorer
from dashboards.queries.two_answers import MOST_CHARACTERS, two_answers
from workbench.store.store import Store

TWO = Duel(Part(), Scorer("measure", "m"), "a", "b")
HOSTILE = "<script>alert(1)</script> <img src=x onerror=alert(2)> ![i](http://a.b/c) $x^2$ **bold**"
TEXTS = st.text(st.sampled_from("ab é&<>\"'\n1_"), max_size=60)


class Read(HTMLParser):
    """What a browser would make of HTML: its tags, all text, and the text within marks."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text, self.marks, self.inside = [], "", [], False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.inside = tag == "mark"
        if self.inside:
            self.marks.append("")

    def handle_endtag(self, tag):
        self.inside = False

    def handle_data(self, data):
        self.text += data
        if self.inside:
            self.marks[-1] += data


@given(TEXTS, TEXTS)
def test_marking_changes_no_text_and_marks_shared_words_only(one, other):
    shared = shared_words(one, other)
    read = Read(marked(one, shared))
    assert read.text == seen(one)
    assert set(read.tags) <= {"div", "mark"}
    for run in read.marks:
        assert {word.lower() for word in re.findall(r"\w+(?:['’]\w+)*", run)} <= shared
        assert run.strip() == run


def test_short_words_are_marked_beside_longer_ones_only():
    one, other = (
        "The capital of France is of note: 42",
        "Of course the capital of France, not 42 it is",
    )
    read = Read(marked(one, shared_words(one, other)))
    assert read.marks == ["The capital of France is of", "42"]
    assert Read(marked("so it is", frozenset({"so", "it", "is"}))).marks == []


def test_markup_in_an_answer_is_text():
    read = Read(marked(HOSTILE, shared_words(HOSTILE, HOSTILE)))
    assert set(read.tags) == {"div", "mark"}
    assert read.text == HOSTILE


@pytest.fixture
def store(tmp_path):
    """Prompt p: a has two answers, the second better; b's is hostile. Prompt q: only a, no text."""
    store = Store.create(tmp_path / "s.duckdb")
    with store.writing() as db:
        db.execute("insert into prompts values ('p', 'd', 'test', ?, 'more', ?, null)",
                   [HOSTILE, HOSTILE])  # fmt: skip
        db.execute("insert into prompts values ('q', 'd', 'test', 'why', '', null, 'kind')")
        for one, prompt, llm, text, score in [
            ("1", "p", "a", "first", 0.1), ("2", "p", "a", "second " * 9000, 0.7),
            ("3", "p", "b", HOSTILE, 0.2), ("4", "q", "a", None, 0.3),
        ]:  # fmt: skip
            db.execute("insert into candidates values (?, ?, ?, ?, 's', null, null, null, null)",
                       [one, prompt, llm, text])  # fmt: skip
            db.execute("insert into qualities values (?, 'm', ?)", [one, score])
    return store


def test_the_best_of_several_answers_is_taken_and_cut(store):
    with store.reading() as db:
        found = two_answers(db, TWO, "p")
        none = two_answers(db, TWO, "nowhere")
    rows = {row["llm"]: row for row in found["answers"].to_pylist()}
    assert rows["a"]["candidate_id"] == "2"
    assert rows["a"]["answers"] == 2
    assert (len(rows["a"]["text"]), rows["a"]["length"]) == (MOST_CHARACTERS, 63_000)
    assert rows["b"]["score"] == 0.2
    assert none["prompt"].num_rows == none["answers"].num_rows == 0


def test_a_router_scores_llms(db):
    by = Scorer("router", "benchmark-router-b")
    prompt = db.execute("select min(prompt_id) from prompts").fetchall()[0][0]
    found = two_answers(db, Duel(Part(), by, "llm-00", "llm-02"), prompt)["answers"].to_pylist()
    known = dict(db.execute(
        "select llm, utility from routes where router = ? and prompt_id = ?", [by.scorer, prompt]
    ).fetchall())  # fmt: skip
    assert {row["llm"]: row["score"] for row in found} == {
        x: known[x] for x in ("llm-00", "llm-02")
    }


def test_the_page_shows_the_largest_gap_and_any_prompt_by_url(page, store):
    app = page("head_to_head", store=store.path, llm_a="a", llm_b="b")
    assert not app.exception
    assert "second second" in Read(app.get("html")[0].proto.body).text
    assert any(one.value == HOSTILE for one in app.text)
    app = page("head_to_head", store=store.path, llm_a="a", llm_b="b", prompt="q")
    assert not app.exception
    assert any("only qualities" in one.value for one in app.caption)
    assert any("no answer to this prompt" in one.value for one in app.info)
    app.text_input(key="prompt").set_value("**nowhere**").run()
    assert not app.exception
    assert any("no prompt \\*\\*nowhere\\*\\*" in one.value for one in app.info)


def test_which_of_several_answers_is_shown_is_told(page, store):
    with store.writing() as db:
        db.execute("insert into routes values ('r', 'p', 'a', 0.1), ('r', 'p', 'b', 0.2)")
    for by, told in (("measure m", "the best of 2 answers"), ("router r", "one of 2 answers")):
        app = page("head_to_head", store=store.path, llm_a="a", llm_b="b", by=by)
        assert not app.exception
        assert sum(told in one.value for one in app.caption) == 1


def test_hostile_texts_reach_no_markup(page, store):
    app = page("head_to_head", store=store.path, llm_a="a", llm_b="b")
    for one in [*app.markdown, *app.caption, *app.subheader, *app.header, *app.info]:
        assert "<script" not in one.value
        assert "![i]" not in one.value
    for one in app.get("html"):
        assert set(Read(one.proto.body).tags) <= {"div", "mark"}
