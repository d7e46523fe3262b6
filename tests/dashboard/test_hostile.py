"""Texts of LLMs that would do harm if they were more than text, on the page Prompts."""

import json
import re

import pytest

from dashboards.foreign import seen
from dashboards.plain import html, plain
from workbench.aggregation import Scheme
from workbench.store.store import Store

SIGN = "evil4242"
"""Stands in every hostile text, so that it can be looked for in all that a page holds."""
TEXTS = {
    "html": f"<h1>{SIGN}</h1><img src=x onerror=alert(1)>",
    "script": f"<script>document.title = '{SIGN}'</script>",
    "image": f"![{SIGN}](https://example.invalid/pixel.png)",
    "link": f"[{SIGN}](javascript:alert(1)) https://example.invalid/{SIGN}",
    "latex": rf"$\href{{javascript:alert(1)}}{{{SIGN}}}$ $$\frac{{1}}{{2}}$$",
    "markdown": f"# {SIGN}\n\n* **bold** :red[{SIGN}] :material/home: `code`\n\n|a|b|\n|-|-|",
    "fence": f"```\n{SIGN}\n```\n~~~html\n<b>{SIGN}</b>",
    "ansi": f"\x1b[31m{SIGN}\x1b[0m\x07\x08",
    "control": f"{SIGN}\x00\x01\x7f\x85 end",
    "right to left": f"\u202e{SIGN}\u2066 abc \u200f",
    "long": f"{SIGN} " * 20_000,
    "words without end": SIGN * 2_000,
    "json": f'{{"__proto__": {{"x": "{SIGN}"}}}}',
    "template": f"{{{{constructor.constructor('{SIGN}')()}}}} ${{{SIGN}}} %s {{0}}",
}
SCHEME = str(Scheme.parse("max_logits"))


def hostile_store(path, texts):
    """A store in which everything that others name or write is hostile; returns its path."""
    with Store.create(path).writing() as db:
        name = TEXTS["html"] + TEXTS["image"]
        db.execute(
            "insert into prompts values ('p', ?, 'test', ?, ?, ?, ?)",
            [name, TEXTS["script"], TEXTS["latex"], TEXTS["markdown"], name],
        )
        for place, (kind, text) in enumerate(texts.items()):
            llm = f"{kind} {TEXTS['html']}"
            db.execute(
                "insert into candidates values (?, 'p', ?, ?, ?, null, 1, 0.5, null)",
                [f"c{place}", llm, text, TEXTS["link"]],
            )
            db.execute("insert into qualities values (?, ?, ?)", [f"c{place}", name, place])
            db.execute("insert into rankings values ('r', ?, ?, 'p', 0, 1)", [SCHEME, f"c{place}"])
            db.execute("insert into routes values ('o', 'p', ?, 0.5)", [llm])
        for left, right in (("c0", "c1"), ("c1", "c0")):
            db.execute("insert into comparisons values ('r', 'p', ?, ?, 1.0)", [left, right])
            db.execute("insert into verdicts values ('p', ?, ?, ?, 'left')", [left, right, name])
        for model in "ro":
            db.execute("insert into meta values (?, ?)", [f"ranker:{model}", name])
        db.execute(
            "insert into fusions values ('f', ?, 'r', ?, 2, 'p', ['c0', 'c1'], ?, ?, ?, 1, 1, 1)",
            [name, name, TEXTS["html"], name, name],
        )
        db.execute("insert into tags values ('p', ?, ?)", [name, name])
    return path


def live(app):
    """All that a page would read as Markdown or HTML, without what is escaped or is its own."""
    kinds = ("markdown", "caption", "subheader", "header", "title", "info", "error", "html")
    found = [element.value for kind in kinds for element in app.get(kind)]
    for kind in ("expander", "selectbox", "button", "number_input", "text_input", "toggle"):
        found += [part for one in app.get(kind) for part in (one.label, getattr(one, "help", ""))]
    columns = [json.loads(frame.proto.columns or "{}").values() for frame in app.dataframe]
    found += [column.get("help", "") for frame in columns for column in frame]
    own = re.compile(r"\[run [^\]]*\]\(\S*\?run=[\w.%-]+\)|`workbench \w+`|\\.", re.DOTALL)
    return [own.sub("", text or "") for text in found]


@pytest.fixture
def hostile(page, tmp_path):
    return page("prompts", store=hostile_store(tmp_path / "hostile.duckdb", TEXTS), prompt="p")


def test_answers_reach_the_page_as_text_alone(hostile):
    assert not hostile.exception
    texts = {text.value for text in hostile.text}
    for text in TEXTS.values():
        assert seen(text)[:10_000].strip() in texts
    for text in live(hostile):
        assert "<" not in text
        assert "](" not in text
        assert "![" not in text
        assert ":red" not in text
        assert "$" not in text
    assert not hostile.get("html")


def test_answers_stand_nowhere_else(page, tmp_path):
    """Not even escaped: only as text, in cells and in downloads."""
    texts = {"one": "an answer 4711", "other": "another 4712"}
    app = page("prompts", store=hostile_store(tmp_path / "mild.duckdb", texts), prompt="p")
    assert set(texts.values()) <= {text.value for text in app.text}
    assert not any("4711" in text or "4712" in text for text in live(app))


def test_a_long_answer_is_cut_and_told(hostile):
    whole = len(TEXTS["long"])
    assert any(f"The first 10,000 of {whole:,} characters" in c.value for c in hostile.caption)
    assert max(len(text.value) for text in hostile.text) <= 10_000


@pytest.mark.parametrize(
    ("text", "told"),
    [("", "An empty text"), (" \n\t", "Nothing but blanks"), (None, "text is not known")],
)
def test_what_has_no_text_is_told(page, tmp_path, text, told):
    store = hostile_store(tmp_path / "none.duckdb", {"none": text, "other": "an answer"})
    app = page("prompts", store=store, prompt="p")
    assert not app.exception
    assert any(told in caption.value for caption in app.caption)


def test_control_characters_become_signs():
    assert seen("a\x00\x1b[31mb\x7f\x9b\r\nc\td\re") == "a␀␛[31mb␡\ufffd\nc\td␍e"
    assert seen("שלום \u202e ärger 🙂") == "שלום \u202e ärger 🙂"


def test_a_hostile_url_finds_nothing_and_breaks_nothing(page, made_store):
    for value in ("' or 1=1 --", "../../etc/passwd", "<script>", "\x00", "%", "a" * 5000):
        app = page("prompts", prompt=value, find=value, best=value, page=value, sort=value)
        assert not app.exception
        assert any("no prompt with this id" in info.value for info in app.info)


@pytest.mark.parametrize("text", [*TEXTS.values(), "a\nb\n\n    c"])
def test_escaped_text_holds_no_live_sign(text):
    line = plain(text)
    assert "\n" not in line
    for sign in "<>[]$`*_|:":
        assert sign not in line.replace(f"\\{sign}", "")
    assert not {"<", ">", '"', "'"} & set(html(text))
