import io

import pytest
from rich.console import Console

from workbench.stages.evaluation_pages import pages
from workbench.stages.evaluation_parts import biases, by_part, picked
from workbench.stages.evaluation_plots import plots
from workbench.stages.system_names import (
    best_single_system,
    is_ranking,
    judge_system,
    llm_system,
    measure_system,
    preference_system,
    short_system,
)
from workbench.stages.verdict_pages import verdict_pages

RANKER = "0123456789abcdef"
PREFERENCE = preference_system(RANKER)
SCHEME = f"{RANKER}/borda;order=both;schedule=all"
MEASURE = measure_system("bertscore[microsoft/deberta]@2")
GROUP, OTHERS = "majority of us", "majority of others of us"
SYSTEMS = ("Random", SCHEME, MEASURE, "Longest", PREFERENCE)


def row(system, measure, value, low=None, high=None, n=30):
    low, high = (value if low is None else low), (value if high is None else high)
    return (system, "d", "test", "all", measure, value, low, high, n)


def judge_rows(name, pairs=200.0, ties=0.1):
    told = judge_system(name)
    return [row(told, "verdict_pairs", pairs), row(told, "verdict_ties", ties)]


def group_rows(judges=3):
    names = [f"us/judge{i}" for i in range(judges, 0, -1)]  # a store gives rows in any order
    rows = [r for name in names for r in judge_rows(name)] + judge_rows(GROUP)
    for system in SYSTEMS:
        rows += [
            row(system, f"agreement[{GROUP}]", 0.625, 0.5, 0.75),
            row(system, f"agreement_vs_longest[{GROUP}]", 0.25, -1e-17, 0.5),
            row(system, f"agreement[{OTHERS}]", 0.875),
        ]
    rows += [row(judge_system(n), f"agreement[{OTHERS}]", 0.9375, 0.9, 1.0) for n in names]
    rows += [row(judge_system(a), f"kappa[{b}]", 0.8125) for a in names for b in names if a != b]
    return [*rows, row(judge_system("each of us"), f"agreement[{OTHERS}]", 0.96875)]


ALONE = [
    *judge_rows("chat:gpt", 50.0, 0.5),
    *(row(name, "agreement[chat:gpt]", 0.5625, 0.4, 0.7) for name in SYSTEMS),
]


def drawn(rows, width=160, of=verdict_pages):
    file = io.StringIO()
    for page in of(rows):
        Console(width=width, file=file).print(page)
    return file.getvalue()


def words(text):
    return " ".join(text.split())


def test_rankers_stand_first_and_what_they_must_beat_last():
    text = drawn(group_rows())
    assert "Agreement with the majority of us on d, test: 30 prompts" in text
    order = ["│ 01234567/preference", "│ 01234567/borda", "│ quality[bert", "│ Longest", "│ Random"]
    assert [text.index(name) for name in order] == sorted(text.index(name) for name in order)
    told = words(text)
    assert "0.625 [0.500, 0.750] │ 0.250 [0.000, 0.500] │ 0.875 │" in told
    assert "│ Longest │ 0.625 [0.500, 0.750] │ – │ 0.875 │" in told
    assert "(180 of 200)" in told
    assert "01234567/preference: a ranker's preference pair by pair" in told
    assert "there the judges themselves have 0.969" in told


def test_judges_are_told_beside_each_other():
    told = words(drawn(group_rows()).partition("The judges of us among themselves, on d, test")[2])
    assert "│ judge1 │ 10.0 │ 0.938 [0.900, 1.000] │ – │ 0.812 │ 0.812 │" in told
    assert told.index("│ judge1") < told.index("│ judge2") < told.index("│ judge3")
    assert "│ all, pooled │ – │ 0.969 [0.969, 0.969] │" in told
    many = words(drawn(group_rows(9)))
    assert "│ judge9 │ 10.0 │ 0.938 [0.900, 1.000] │ │ all, pooled" in many
    assert "kappa" not in many


def test_a_judge_alone_has_no_others():
    text = drawn(ALONE)
    assert "Agreement with chat:gpt on d, test: 30 prompts" in text
    assert "(25 of 50)" in words(text)
    assert "others" not in text
    assert "among themselves" not in text
    both = drawn([*group_rows(), *ALONE])
    assert both.index("Agreement with the majority") < both.index("Agreement with chat:gpt")


@pytest.mark.parametrize("judges", [2, 3, 12])
def test_a_terminal_of_80_columns_is_wide_enough(judges):
    text = drawn([*group_rows(judges), *ALONE], 80)
    assert max(map(len, text.splitlines())) <= 80
    assert "0.250 [0.000, 0.500]" in text


def test_rows_of_verdicts_are_on_no_other_page():
    """Whatever the names of judges, which may hold what parts other figures' names."""
    rows = [*group_rows(), *ALONE, row("Random", "agreement[quality:m]", 0.5)]
    assert not by_part(rows)
    assert not picked(rows)
    assert not biases(rows)
    assert drawn(rows, of=pages) == ""
    assert not list(verdict_pages([row("Random", "quality:m", 0.5)]))
    assert [name for name, _ in plots([*group_rows(), *ALONE])] == [
        "agreement-d_test_majority_of_us",
        "agreement-d_test_chat_gpt",
    ]


def test_only_a_rankers_name_is_cut():
    assert short_system(PREFERENCE) == "01234567/preference"
    for name in (
        MEASURE,
        best_single_system("org/m"),
        judge_system("pandalm/person1"),
        llm_system("org/model"),
        "Random",
    ):
        assert not is_ranking(name)
        assert short_system(name) == name
