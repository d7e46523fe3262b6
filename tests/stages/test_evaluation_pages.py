from rich.console import Console

from workbench.stages.evaluation_pages import plots, tables
from workbench.stages.systems import short_system

RANKER = "0123456789abcdef"
SYSTEM = f"{RANKER}/borda;order=both;schedule=all"
WHERE = ("d", "test", "all")
ROUNDED = -1e-17  # what is left of a sum that should be 0


def row(system, measure, value, low, high):
    return (system, *WHERE, measure, value, low, high, 30)


def system_rows(system):
    return [
        row(system, "quality:m", 0.5, 0.4, 0.6),
        row(system, "vs_best_single:m", 0.1, ROUNDED, 0.2),
        row(system, "vs_best_single_p:m", 0.03, 0.03, 0.03),
        row(system, "gap_closed:m", 0.25, 0.1, 0.4),
    ]


ROWS = [
    *(r for name in ("Random", "BestSingle", SYSTEM, "Oracle") for r in system_rows(name)),
    *system_rows("llm:a[7b]"),
    ("llm:a[7b]", *WHERE, "chosen_as_best_single:m", 1.0, None, None, 30),
    row("llm:a[7b]", "best_share:m", 0.1, ROUNDED, 0.3),
    row("llm:b", "best_share:m", 0.9, 0.7, 1.0),
    row("llm:b", f"picked_share:{SYSTEM}", 1.0, 1.0, 1.0),
]


def drawn(width=160):
    console = Console(width=width, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    for table in tables(ROWS):
        console.print(table)
    return console.export_text()


def test_tables_hold_systems_llms_and_intervals():
    text = drawn()
    assert text.index("Oracle") < text.index("01234567/borda") < text.index("│ BestSingle")
    assert "0.500 [0.400, 0.600]" in text
    assert "0.100 [0.000, 0.200]" in text
    assert "a[7b] *" in text
    assert "90.0 [70.0, 100.0]" in text
    assert "10.0 [0.0, 30.0]" in text
    assert "30 prompts" in text
    # What is not known is a dash, and b was never evaluated as a system.
    assert "–" in text


def test_a_terminal_of_80_columns_is_wide_enough():
    assert max(map(len, drawn(80).splitlines())) <= 80


def test_a_plot_of_shares_and_one_of_qualities():
    assert [name for name, _ in plots(ROWS)] == ["best_llm-d_test_m", "quality-d_test_m"]


def test_usual_settings_are_left_out_of_names():
    assert short_system(SYSTEM) == "01234567/borda"
    assert short_system(f"{RANKER}/bubble(seed=1);order=left;schedule=bubble") == (
        "01234567/bubble(seed=1);order=left"
    )
    assert short_system("Random") == "Random"
    assert short_system("llm:somebody/model-7b") == "llm:somebody/model-7b"
