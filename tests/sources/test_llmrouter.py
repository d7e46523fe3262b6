import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rows import MISSING, changed, parted, write_lines

from workbench.errors import BadSource, BadValue, UnknownName
from workbench.sources import Candidate, Record, load_source
from workbench.sources.llmrouter import llms

MEASURE = "score[llmrouter]@1"


def read(path, **options):
    return load_source("llmrouter")(path, **options)


def row(number=1, **scores):
    return {"query": f"What is {number}?", "task": "gsm8k", "scores": scores or {"a": 1.0, "b": 0}}


@pytest.mark.parametrize("name", ["scores.jsonl", "scores.jsonl.gz"])
def test_a_row_becomes_candidates_without_texts(tmp_path, name):
    file = write_lines(tmp_path / name, [row(1, a=1.0, b=0.25), row(2, b=0, c=1)])
    records, bad = parted(read(file))
    assert not bad
    assert records[0] == Record(
        dataset="llmrouter",
        instruction="What is 1?",
        input="",
        candidates=(
            Candidate("a", None, qualities={MEASURE: 1.0}),
            Candidate("b", None, qualities={MEASURE: 0.25}),
        ),
        file=file,
        line=1,
        category="gsm8k",
    )
    assert [(c.llm, c.qualities[MEASURE]) for c in records[1].candidates] == [("b", 0), ("c", 1)]


@settings(max_examples=25, deadline=None)
@given(
    pool=st.lists(
        st.dictionaries(
            st.sampled_from("abcd"), st.none() | st.floats(-1, 1), min_size=1, max_size=4
        ).filter(lambda scores: any(v is not None for v in scores.values())),
        min_size=1,
        max_size=5,
    ),
    wanted=st.none() | st.lists(st.sampled_from("abcd"), min_size=1),
)
def test_every_known_score_and_no_other_is_read(tmp_path_factory, pool, wanted):
    file = tmp_path_factory.mktemp("scores") / "a.jsonl"
    write_lines(file, [row(i, **scores) for i, scores in enumerate(pool)])
    # An LLM that stands in `scores` is known only where some row has its number.
    known = {m for scores in pool for m, v in scores.items() if v is not None}
    if wanted is not None and not known.issuperset(wanted):
        with pytest.raises(UnknownName, match="unknown LLM"):
            read(str(file), llms=wanted)
        return
    records, bad = parted(read(str(file), llms=wanted))
    assert not bad
    found = {(r.line, c.llm): c.qualities[MEASURE] for r in records for c in r.candidates}
    assert found == {
        (line, llm): score
        for line, scores in enumerate(pool, start=1)
        for llm, score in scores.items()
        if score is not None and (wanted is None or llm in wanted)
    }
    assert all(r.candidates for r in records)


@pytest.mark.parametrize(
    ("path", "value", "field", "reason"),
    [
        (("query",), MISSING, "query", "missing"),
        (("query",), " ", "query", "empty"),
        (("query",), 7, "query", "expected text"),
        (("query",), "What is 1?", "query", "duplicate prompt"),
        (("task",), ["gsm8k"], "task", "expected text"),
        (("scores",), MISSING, "scores", "missing"),
        (("scores",), [1.0], "scores", "expected an object"),
        (("scores",), {}, "scores", "at least one LLM"),
        (("scores",), {"a": None}, "scores", "at least one LLM"),
        (("scores",), {" ": 1}, "scores", "name is empty"),
        (("scores", "a"), "1", "scores.a", "expected a number"),
        (("scores", "a"), True, "scores.a", "expected a number"),
        (("scores", "a"), float("nan"), "scores.a", "finite"),
    ],
)
def test_a_bad_row_names_file_line_and_field(tmp_path, path, value, field, reason):
    rows = [row(1), changed(row(2), path, value), "{", row(3)]
    records, (bad, broken) = parted(read(write_lines(tmp_path / "a.jsonl", rows)))
    assert [r.line for r in records] == [1, 4]
    assert (bad.file, bad.line, bad.field) == (str(tmp_path / "a.jsonl"), 2, field)
    assert reason in bad.reason
    assert (broken.line, broken.field) == (3, "(row)")


def test_options(tmp_path):
    file = write_lines(tmp_path / "a.jsonl", [row(i) for i in range(4)])
    options = {"dataset": "mine", "measure": "m@2", "llms": ["b"], "split": "test", "limit": 2}
    records, _ = parted(read(file, **options))
    assert [(r.dataset, r.split, r.candidates) for r in records] == [
        ("mine", "test", (Candidate("b", None, qualities={"m@2": 0.0}),))
    ] * 2
    for wrong, error, told in (
        ({"split": "tests"}, UnknownName, "Did you mean 'test'"),
        ({"llms": ["z"]}, UnknownName, "Valid: a, b"),
        ({"llms": []}, BadValue, "at least one LLM"),
        ({"limit": 0}, BadValue, "limit"),
        ({"measure": " "}, BadValue, "measure"),
    ):
        with pytest.raises(error, match=told):
            read(file, **wrong)
    with pytest.raises(BadSource, match="no such file"):
        read(str(tmp_path / "none.jsonl"))


def test_the_facts_are_of_the_published_llms():
    assert len({llm.llm for llm in llms()}) == 9
    assert all(llm.parameters_b and llm.usd_per_mtok_in and llm.usd_per_mtok_out for llm in llms())
    # A name that tells a size tells this one.
    assert all(f"-{llm.parameters_b}b" in llm.llm for llm in llms())
