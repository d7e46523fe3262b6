"""Names as text, and SQL in its place."""

import ast
import re
from pathlib import Path

import pytest

import dashboards
from dashboards.plain import html, plain

HOME = Path(dashboards.__file__).parent
FILES = sorted(file for file in HOME.rglob("*.py"))
SQL = re.compile(r"\s*(select|with \w+ as|create|insert into|delete from|attach|pragma)\s", re.I)


@pytest.mark.parametrize(
    "text",
    ["**bold** _it_ `code`", "$x^2$ ~~no~~", "![a](b) [c](d) <b>", "# head", "1. one", "a|b"],
)
def test_every_mark_of_markdown_is_escaped(text):
    bare = re.sub(r"\\.", "", plain(text))
    assert not re.search(r"[\\`*_{}\[\]()<>#|~$]", bare)
    assert plain(text).replace("\\", "").replace("\u2060", "") == text


@pytest.mark.parametrize(
    "text", [":smile:", ":material/delete:", "https://x.org", "www.x.org", "a@b.c"]
)
def test_what_is_found_in_text_after_parsing_is_broken_up(text):
    shown = plain(text).replace("\\", "")
    assert not re.search(r":[\w/-]+:|://|www\.|\w@\w+\.", shown)
    assert shown.replace("\u2060", "") == text


def test_a_measures_name_stays_as_it_is():
    assert plain("rougeL@1").replace("\\", "") == "rougeL@1"


def test_html_shows_what_it_is_given():
    assert html("<b a=\"1\" c='2'>&") == "&lt;b a=&quot;1&quot; c=&#x27;2&#x27;&gt;&amp;"


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(HOME)))
def test_sql_stands_in_queries_alone_and_is_never_built(file):
    tree = ast.parse(file.read_text("utf-8"))
    if "queries" not in file.parts:
        own = {
            id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)
        }  # docstrings
        texts = [n for n in ast.walk(tree) if isinstance(n, ast.Constant) and id(n) not in own]
        assert not [t.value for t in texts if isinstance(t.value, str) and SQL.match(t.value)]
        return
    built = [n for n in ast.walk(tree) if isinstance(n, ast.JoinedStr)]
    built += [n for n in ast.walk(tree) if isinstance(n, ast.Attribute) and n.attr == "format"]
    built += [
        n for n in ast.walk(tree)
        if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Add)
        and any(isinstance(side, ast.Constant) and isinstance(side.value, str)
                for side in (n.left, n.right))
    ]  # fmt: skip
    assert not [ast.unparse(node) for node in built]
