import io
from dataclasses import replace

from rich.console import Console

from workbench.stages.evaluation_pages import pages
from workbench.stages.fusion_names import FusionSystem
from workbench.stages.fusion_pages import fusion_pages
from workbench.stages.fusion_plots import fusion_plots

SCHEME = "max_logits;order=both;schedule=all"
GREEDY = "greedy(max_new_tokens=128, no_repeat_ngram=0, copy_ngram=2)"
BASE = FusionSystem("a1" * 16, "b2" * 16, SCHEME, 3, "rank", GREEDY)
ALONE = replace(BASE, top_k=1)
RANDOM = replace(BASE, ranker="d4" * 16, scheme="random(seed=0)")
PICK = f"{'b2' * 16}/{SCHEME}"


def row(system, figure, value, low=None, high=None, part="all", n=30):
    return (system, "d", "test", part, f"{figure}:m", value, low or value, high or value, n)


def system_rows(name, part="all", n=30):
    return [
        row(name, "quality", 0.5, 0.4, 0.6, part, n),
        row(name, "vs_best_single", 0.1, -0.1, 0.2, part, n),
        row(name, "vs_best_single_p", 0.03, part=part, n=n),
        row(name, "gap_closed", 1.25, part=part, n=n),
    ]


def fusion_rows(system, part="all", n=30):
    name = system.name
    return [
        *system_rows(name, part, n),
        row(name, "quality_of_pick", 0.25, part=part, n=n),
        row(name, "vs_pick", 0.333, 0.3, 0.4, part, n),
        row(name, "vs_pick_p", 0.007, part=part, n=n),
        row(name, "vs_best_shown", -0.125, -0.2, -0.1, part, n),
        row(name, "quality_of_best_shown", 0.625, part=part, n=n),
        row(name, "better_than_pick", 0.625, part=part, n=n),
        row(name, "better_than_best_shown", 0.0625, part=part, n=n),
        *(row(name, f"vs_{o}", 0.077, 0.07, 0.08, part, n) for o in ("random_k", "top_1")),
        row(name, "tokens_out", 17.25, part=part, n=n),
        row(name, "llm_calls", 11, part=part, n=n),
    ]


CODING = "category=coding [py]"
BESIDE = [
    r
    for name in ("Oracle", "BestSingle", "Random", PICK)
    for r in (*system_rows(name), *system_rows(name, CODING, 21))
]
ROWS = [
    *BESIDE,
    *(r for system in (RANDOM, BASE, ALONE) for r in fusion_rows(system)),
    *fusion_rows(BASE, CODING, 21),
]


def drawn(rows=ROWS, width=160, of=fusion_pages):
    file = io.StringIO()
    for page in of(rows):
        Console(width=width, file=file).print(page)
    return file.getvalue()


def words(text):
    return " ".join(text.split())


def test_fusions_stand_beside_picks_what_was_shown_and_each_other():
    text = drawn()
    assert "Fusion, by m on d, test: 30 prompts" in text
    assert "│ fusion of 3 │ 0.500 [0.400, 0.600] │ 0.333 [0.300, 0.400] │ 0.007 │" in words(text)
    assert "All: fuser a1a1a1a1, candidates by b2b2b2b2/max_logits, greedy, copy_ngram=2." in words(
        text
    )
    assert "│ fusion of 3 │ -0.125 [-0.200, -0.100] │ 62.5 │ 6.2 │" in words(text)
    assert "│ fusion of 3 │ 0.077 [0.070, 0.080] │ 0.077 [0.070, 0.080] │" in words(text)
    assert "│ fusion of 3 │ 17.2 │ 11.0 │" in words(text)
    assert "Categories of the fusion of 3, by m on d, test" in text
    assert "│ coding [py] │ 21 │ 0.250 │ 0.500 │ 0.333 [0.300, 0.400] │" in words(text)
    order = [text.index(label) for label in ("fusion of 1", "fusion of 3", "fusion of random 3")]
    assert order == sorted(order)


def test_without_fusions_there_is_no_page_and_no_plot():
    assert drawn(BESIDE) == ""
    assert list(fusion_plots(BESIDE)) == []


def test_figures_that_are_not_there_are_dashes():
    bare = [
        r for r in ROWS if "pick" not in r[4] and "random_k" not in r[4] and "top_1" not in r[4]
    ]
    text = words(drawn(bare))
    assert "│ fusion of 3 │ 0.500 [0.400, 0.600] │ – │ – │" in text
    assert "beside other fusions" not in text


def test_fusions_are_among_the_systems_but_have_no_order():
    text = drawn(of=pages)
    first, order = text.index("Quality by m"), text.index("The whole order")
    quality = text[first:order]
    for earlier, later in (("Oracle", "max_logits"), ("max_logits", "fusion of 1"),
                           ("fusion of 3", "fusion of random 3"),
                           ("fusion of random 3", "BestSingle")):  # fmt: skip
        assert quality.index(f"│ {earlier}") < quality.index(f"│ {later}")
    assert "1.250" in text
    assert "│ fusion" not in text[order:].partition("└")[0]


def test_a_terminal_of_80_columns_is_wide_enough():
    longer = replace(BASE, fuser="c3" * 16, scheme="borda;order=left;schedule=all", decoding=
                     "beam(beams=8, length_penalty=0.5, max_new_tokens=64, no_repeat_ngram=3, "
                     "copy_ngram=0)")  # fmt: skip
    rows = [*ROWS, *fusion_rows(longer)]
    for of in (fusion_pages, pages):
        text = drawn(rows, 80, of)
        assert max(map(len, text.splitlines())) <= 80
        assert "[0.400, 0.600]" in text


def test_a_plot_has_a_line_for_fusions_that_differ_in_k_alone():
    [(name, figure)] = fusion_plots(ROWS)
    assert name == "fusion-d_test_m"
    _, labels = figure.axes[0].get_legend_handles_labels()
    assert sorted(labels) == sorted(
        ["fusion of K", "fusion of random K", "pick of b2b2b2b2/max_logits",
         "best of the K by b2b2b2b2/max_logits", "Oracle", "BestSingle", "Random"]
    )  # fmt: skip
