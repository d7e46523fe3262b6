"""The question to an LLM tagger, and the reading of its replies."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.routing.tag_prompt import conversation, normalised, tags_of

WORDS = st.text(st.sampled_from("abcdefg+#"), min_size=1, max_size=6).filter(
    lambda word: any(c.isalpha() for c in word)
)


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("  SQL   Query ", "sql query"),
        ("step-by-step_reasoning.", "step by step reasoning"),
        ("C++", "c++"),
        ("c#", "c#"),
        ("“Cover Letter”", "cover letter"),
        ("ﬁnance", "finance"),
        ("Übersetzung", "übersetzung"),
        ("翻译", "翻译"),
        ("++ !", ""),
        ("", ""),
    ],
)
def test_tags_are_written_alike(tag, expected):
    assert normalised(tag) == expected


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=30))
def test_writing_alike_is_done_once(tag):
    once = normalised(tag)
    assert normalised(once) == once
    assert once == once.strip()
    assert normalised(f"  {tag}. ") == once


@settings(max_examples=40, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=9), st.integers(1, 5))
def test_what_was_said_is_read(words, most):
    expected = tuple(dict.fromkeys(words))[:most]
    given_tags = [f" {word.upper()}," for word in words]
    for reply in (
        json.dumps({"tags": given_tags}),
        json.dumps(given_tags),
        json.dumps([{"tag": tag, "explanation": "[why]"} for tag in given_tags]),
        f"```json\n{json.dumps({'tags': given_tags}, indent=1)}\n```",
        f"<think>[perhaps] {{x}}</think>The tags [as asked]: {json.dumps({'tags': given_tags})} !",
    ):
        assert tags_of(reply, most) == expected


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "sql query, cover letter",
        '{"tags": ["sql que',
        '{"tags": []}',
        '{"tags": "sql"}',
        '{"labels": {"a": 1}}',
        '{"tags": [1, null, "...", " "]}',
        json.dumps(["x" * 61]),
        "[" * 100_000,
    ],
)
def test_what_holds_no_tags_gives_none(reply):
    assert tags_of(reply, 5) is None


@settings(max_examples=60, deadline=None)
@given(st.text(st.sampled_from('[]{}",:ab \\\n1'), max_size=60))
def test_no_reply_makes_it_fail(reply):
    found = tags_of(reply, 3)
    assert found is None or all(tag and tag == normalised(tag) for tag in found)


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=60))
def test_a_prompt_stands_whole_between_markers_that_it_cannot_hold(text):
    system, user = (message["content"] for message in conversation(text, 3))
    mark = user.partition(" ")[0]
    assert user.startswith(f"{mark} request]\n{text}\n{mark} end]\n")
    assert mark not in text
    assert "one to 3 tags" in system


def test_a_long_prompt_is_cut_and_says_so():
    assert "[the rest is not shown]" in conversation("x" * 11, 3, 10)[1]["content"]
    assert "x" * 11 not in conversation("x" * 11, 3, 10)[1]["content"]
    assert "not shown" not in conversation("x" * 10, 3, 10)[1]["content"]
