import io

from rich.console import Console

from workbench.stages.evaluation_pages import pages
from workbench.stages.evaluation_plots import plots
from workbench.stages.system_names import short_system

RANKER, OTHER = "0123456789abcdef", "fedcba9876543210"
SYSTEM = f"{RANKER}/borda;order=both;schedule=all"
PRIOR = "bradley_terry(prior=0.5, temperature=1.0);order=both;schedule=all"
WHERE = ("d", "test")
ROUNDED = -1e-17  # what is left of a sum that should be 0


def row(system, measure, value, low, high, part="all", n=30):
    return (system, *WHERE, part, measure, value, low, high, n)


def system_rows(system, part="all", n=30):
    figures = ("pearson", "spearman", "kendall", "footrule", "pairwise_accuracy>0.5")
    return [
        row(system, "quality:m", 0.5, 0.4, 0.6, part, n),
        row(system, "vs_best_single:m", 0.1, ROUNDED, 0.2, part, n),
        row(system, "vs_best_single_p:m", 0.03, 0.03, 0.03, part, n),
        row(system, "gap_closed:m", 0.25, 0.1, 0.4, part, n),
        row(system, "not_worse_than[a[7b]]:m", 0.875, 0.1, 1.0, part, n),
        *(row(system, f"{f}:m", 0.111 * (i + 1), 0, 1, part, n) for i, f in enumerate(figures)),
    ]


COMPARED = ("Random", "BestSingle", SYSTEM, "Oracle")
ROWS = [
    *(r for name in COMPARED for r in system_rows(name)),
    *(r for name in COMPARED for r in system_rows(name, "category=coding [py]", 21)),
    *system_rows("llm:a[7b]"),
    ("llm:a[7b]", *WHERE, "all", "chosen_as_best_single:m", 1.0, None, None, 30),
    row("llm:a[7b]", "best_share:m", 0.1, ROUNDED, 0.3),
    row("llm:b", "best_share:m", 0.9, 0.7, 1.0),
    row("llm:b", f"picked_share:{SYSTEM}", 1.0, 1.0, 1.0),
    row(RANKER, "position_bias", -0.25, -0.3, -0.2),
    row(RANKER, "position_bias_abs", 0.5, 0.4, 0.6),
    row(RANKER, "position_flips", 0.125, 0.1, 0.15),
]


def drawn(width=160, rows=ROWS):
    file = io.StringIO()
    for page in pages(rows):
        Console(width=width, file=file).print(page)
    return file.getvalue()


def table_of(text, title):
    """The lines from a title to the end of its table."""
    return text[text.index(title) :].partition("└")[0]


def test_tables_hold_systems_llms_and_intervals():
    text = table_of(drawn(), "Quality by m on d, test")
    assert text.index("Oracle") < text.index("│ borda") < text.index("│ BestSingle")
    assert "0.500 [0.400, 0.600]" in text
    assert "0.100 [0.000, 0.200]" in text
    assert "30 prompts" in text
    llms = table_of(drawn(), "Best LLM by m")
    assert "a[7b] *" in llms
    assert "90.0 [70.0, 100.0]" in llms
    assert "10.0 [0.0, 30.0]" in llms
    # b was never evaluated as a system.
    assert "–" in llms


def test_every_figure_has_its_column():
    pick, order = table_of(drawn(), "The pick"), table_of(drawn(), "The whole order")
    assert all(text in pick for text in ("≥ a[7b]", "0.875", "0.250"))
    for text in ("Pear-", "Spear-", "Ken-", "foot-", "gap > 0.5", "0.111", "0.222", "0.333"):
        assert text in order
    assert "0.444 │ –" in " ".join(order.split())
    assert "0.555" in order


def test_categories_and_position_bias_are_told():
    text = drawn()
    told = " ".join(table_of(text, "Categories, m on d, test").split())
    assert "borda ↑" in told
    assert "│ coding [py] │ 21 │ 0.500 │ 0.500 │ 0.100 [0.000, 0.200] │" in told
    assert "9 prompts are of no category" in text
    assert "Position bias of ranker 01234567 on d, test: -0.250" in text
    assert "12.5 [10.0, 15.0] % of pairs" in " ".join(text.split())
    alone = [r for r in ROWS if SYSTEM not in (r[0], r[4].partition(":")[2]) and r[0] != RANKER]
    assert "Oracle ↑" in table_of(drawn(rows=alone), "Categories")


def test_llms_that_answer_some_prompts_tell_how_many():
    assert table_of(drawn(), "Best LLM").split().count("its") == 1
    some = [*ROWS, row("llm:b", "quality:m", 0.5, 0.4, 0.6, n=17)]
    assert "│ 17 │" in " ".join(table_of(drawn(rows=some), "Best LLM").split())


def test_a_terminal_of_80_columns_is_wide_enough():
    more = [r for name in (f"{OTHER}/{PRIOR}", f"{RANKER}/{PRIOR}") for r in system_rows(name)]
    named = [row(r[0], "not_worse_than[org/some-long-model-7b]:m", 1.0, 1.0, 1.0) for r in ROWS]
    text = drawn(80, [*ROWS, *more, *named])
    assert max(map(len, text.splitlines())) <= 80
    assert "fedcba98/bra" in text
    assert "Random" in table_of(text, "The pick")


def test_what_goes_into_a_file_is_plain_text():
    assert "\x1b" not in drawn(100)


def test_a_plot_of_shares_and_one_of_qualities():
    assert [name for name, _ in plots(ROWS)] == ["best_llm-d_test_m", "quality-d_test_m"]


def test_usual_settings_are_left_out_of_names():
    assert short_system(SYSTEM) == "01234567/borda"
    assert short_system(f"{RANKER}/bubble(seed=1);order=left;schedule=bubble") == (
        "01234567/bubble(seed=1);order=left"
    )
    assert short_system(f"{RANKER}/{PRIOR}") == "01234567/bradley_terry(prior=0.5)"
    usual = PRIOR.replace("0.5", "0.1").replace("both", "random(seed=2)")
    assert short_system(f"{RANKER}/{usual}") == "01234567/bradley_terry;order=random(seed=2)"
    assert short_system("Random") == "Random"
    assert short_system("llm:somebody/model-7b") == "llm:somebody/model-7b"
