from rich.console import Console

from workbench import terminal


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
