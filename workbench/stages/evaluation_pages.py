"""What a person sees of an evaluation: tables for the terminal, plots for MLflow."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table

from workbench import terminal
from workbench.stages.rankers import short_scheme
from workbench.stages.systems import BEST_SINGLE, LONGEST, ORACLE, RANDOM, short_system

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Heads are short, so that a table fits a terminal of 80 columns.
_HEADS = {
    "gap_closed": "gap closed",
    "not_worse_than_best_single": "≥ Best\nSingle",
    "top3": "top 3",
    "mean_rank": "mean\nrank",
    "spearman": "Spear-\nman",
    "pairwise_accuracy": "pairs\nright",
}
Part = tuple[str, str, str]
Found = dict[Part, dict[str, dict[str, Any]]]


def tables(rows: Sequence[Any]) -> Iterator[Table]:
    """For each dataset, split and measure: quality, agreement, and the best-LLM distribution."""
    picked = _picked(rows)
    for (dataset, split, measure), systems in _by_part(rows).items():
        where = f"{measure} on {dataset}, {split}"
        compared = {
            name: systems[name]
            for name in sorted(systems, key=_order)
            if "quality" in systems[name] and not name.startswith("llm:")
        }
        yield _quality_table(where, compared)
        yield _agreement_table(where, compared)
        yield _llms_table(where, systems, picked.get((dataset, split), {}))


def _order(system: str) -> tuple[int, str]:
    """Oracle, then rankings, then what they must beat."""
    last = (BEST_SINGLE, LONGEST, RANDOM)
    return (0 if system == ORACLE else 2 + last.index(system) if system in last else 1, system)


def _by_part(rows: Sequence[Any]) -> Found:
    """(dataset, split, measure) -> system -> figure -> (value, low, high, n), slice 'all'."""
    found: Found = {}
    for system, dataset, split, part, measure, *estimate in rows:
        figure, colon, quality = measure.partition(":")
        if part == "all" and colon and figure != "picked_share":
            place = found.setdefault((dataset, split, quality), {})
            place.setdefault(system, {})[figure] = estimate
    return found


def _picked(rows: Sequence[Any]) -> dict[tuple[str, str], dict[str, dict[str, float]]]:
    """(dataset, split) -> ranking -> LLM -> share of prompts on which it is picked."""
    found: dict[tuple[str, str], dict[str, dict[str, float]]] = {}
    for system, dataset, split, part, measure, value, *_ in rows:
        figure, _, ranking = measure.partition(":")
        if part == "all" and figure == "picked_share":
            found.setdefault((dataset, split), {}).setdefault(ranking, {})[system] = value
    return found


def _quality_table(where: str, systems: dict[str, dict[str, Any]]) -> Table:
    rows = [
        [
            short_system(name),
            _span(figures["quality"]),
            *(
                ["–", "–"]
                if name == BEST_SINGLE
                else [_span(figures["vs_best_single"]), f"{figures['vs_best_single_p'][0]:.3f}"]
            ),
        ]
        for name, figures in systems.items()
    ]
    prompts = max(figures["quality"][3] for figures in systems.values())
    columns = ("system", "quality of the pick", "minus BestSingle", "p")
    return terminal.table(f"Quality by {where} ({prompts} prompts, 95 % intervals)", columns, rows)


def _agreement_table(where: str, systems: dict[str, dict[str, Any]]) -> Table:
    rows = [
        [short_system(name), *(f"{figures[f][0]:.3f}" if f in figures else None for f in _HEADS)]
        for name, figures in systems.items()
    ]
    return terminal.table(f"Agreement with {where}", ("system", *_HEADS.values()), rows)


def _llms_table(
    where: str, systems: dict[str, dict[str, Any]], picked: dict[str, dict[str, float]]
) -> Table:
    llms = [name for name, figures in systems.items() if "best_share" in figures]
    llms.sort(key=lambda name: -systems[name]["best_share"][0])
    rankings = list(picked)[:2]
    rows = [
        [
            name.removeprefix("llm:") + (" *" if "chosen_as_best_single" in systems[name] else ""),
            _span(systems[name]["best_share"], percent=True),
            systems[name]["quality"][0] if "quality" in systems[name] else None,
            *(f"{picked[r].get(name, 0.0):.1%}" for r in rankings),
        ]
        for name in llms
    ]
    heads = (f"picked by\n{short_scheme(r.partition('/')[2])}" for r in rankings)
    columns = ("LLM", "best on, %", "mean\nquality", *heads)
    return terminal.table(f"Best LLM by {where} (* is BestSingle)", columns, rows)


def _span(estimate: Any, percent: bool = False) -> str:
    """Value and interval, to three decimals or, of large numbers and percentages, fewer."""
    if estimate is None:
        return "–"
    value, low, high = (number * (100 if percent else 1) for number in estimate[:3])
    digits = 1 if percent else 3 if max(abs(low), abs(high)) < 10 else 2
    form = f"{{:z.{digits}f}}"  # z: rounding leaves no "-0.0"
    return f"{form} [{form}, {form}]".format(value, low, high)


def plots(rows: Sequence[Any]) -> Iterator[tuple[str, "Figure"]]:
    """(name, figure): the best-LLM distribution and the systems' qualities, a pair a part."""
    for (dataset, split, measure), systems in _by_part(rows).items():
        stem = "".join(c if c.isalnum() else "_" for c in f"{dataset}-{split}-{measure}")
        shares = {
            name.removeprefix("llm:"): figures["best_share"]
            for name, figures in systems.items()
            if "best_share" in figures
        }
        where = f"{measure}, {dataset}, {split}"
        yield f"best_llm-{stem}", _bars(shares, f"Share of prompts won\n{where}")
        qualities = {
            short_system(name): figures["quality"]
            for name, figures in systems.items()
            if "quality" in figures and name != ORACLE
        }
        yield f"quality-{stem}", _bars(qualities, f"Quality of the pick\n{where}")


def _bars(estimates: dict[str, Any], title: str) -> "Figure":
    """Horizontal bars with their 95 % intervals, largest on top."""
    from matplotlib.figure import Figure

    order = sorted(estimates, key=lambda name: estimates[name][0])
    values = [estimates[name][0] for name in order]
    below = [estimates[name][0] - estimates[name][1] for name in order]
    above = [estimates[name][2] - estimates[name][0] for name in order]
    figure = Figure(figsize=(8, 1.2 + 0.3 * len(order)), layout="constrained")
    axes = figure.subplots()
    axes.barh(order, values, xerr=[below, above], color="#4878a8", ecolor="#333333", capsize=2)
    axes.set_title(title, fontsize=10)
    axes.margins(y=0.01)
    return figure
