from pathlib import Path

from rich.console import Console

from workbench import terminal
from workbench.stages.export import Exported
from workbench.stages.info import Info


def drawn(table, width=100):
    console = Console(width=width, record=True)
    console.print(table)
    return console.export_text()


def test_cells_titles_and_heads_are_plain_text(capsys):
    text = drawn(terminal.table("by m[a]", ("LLM[b]", "value"), [("x[red]y[/red]\\[z]", 0.12345)]))
    assert all(part in text for part in ("by m[a]", "LLM[b]", r"x[red]y[/red]\[z]", "0.1235"))
    terminal.say("to /tmp/[bold]x")
    terminal.out.print("/tmp/[bold]y")
    seen = capsys.readouterr()
    assert "/tmp/[bold]x" in seen.err
    assert "/tmp/[bold]y" in seen.out


def test_numbers_stand_right_and_what_is_unknown_is_a_dash():
    rows = [("a", None, 7), ("long name", 12345678, 0.5)]
    lines = drawn(terminal.table("t", ("name", "count", "value"), rows)).splitlines()
    assert [line.split() for line in lines if "name" not in line and "a" in line] == [
        ["│", "a", "│", "–", "│", "7", "│"]
    ]
    assert any("│ 12,345,678 │   0.5 │" in line for line in lines)


def test_progress_counts_what_is_done(capsys):
    with terminal.progress("compare", 3, "pairs") as advance:
        advance(2)
        advance()
    assert "3/3 pairs" in capsys.readouterr().err


def test_paths_are_shown_as_they_are_on_any_console(capsys):
    path = Path("runs[old]") / ":cat: x.csv"
    for shown in (Info(path, {}), Exported("prompts", 3, path)):
        assert str(path) in drawn(shown)
    terminal.say(str(path))
    terminal.out.print(str(path))
    assert [str(path) in text for text in capsys.readouterr()] == [True, True]


def test_numbers_are_not_broken_and_names_beside_them_give_way():
    row = ["name " * 9, "-0.148 [-0.180, -0.112]", None, 1_000, 0.5, "3 of 4"]
    table = terminal.table("t", tuple("abcdef"), [row, [*row[:5], "x"]], caption="c [1]")
    text = drawn(table, 80)
    assert max(map(len, text.splitlines())) <= 80
    assert "│ -0.148 [-0.180, -0.112] │ – │ 1,000 │ 0.5 │" in text
    assert text.splitlines()[-1].strip() == "c [1]"


def test_what_counts_as_a_number():
    for cell in ("12 %", "-1e-05", "nan", 7, 0.25, "+3.5", "–"):
        [column] = terminal.table("t", ("a",), [[cell]]).columns
        assert (column.justify, column.no_wrap) == ("right", True), cell
    for cell in ("5a63", "1.2.x", "", "- 3", True):
        [column] = terminal.table("t", ("a",), [[cell]]).columns
        assert (column.justify, column.no_wrap) == ("left", False), cell


def test_prose_has_lines_of_80_columns_however_wide_the_file_is(capsys):
    terminal.out.print(terminal.wrapped("one-word " * 20))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert max(map(len, lines)) <= 80
    assert all(line.endswith("one-word") for line in lines)  # a name is not broken
