"""What the terminal shows of an evaluation: a few tables for each dataset and split.

Heads are short and numbers have three decimals, so that tables fit a terminal of 80 columns.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from workbench import terminal
from workbench.stages.evaluation_cells import broken, span, three
from workbench.stages.evaluation_parts import CATEGORY, WHOLE, Figures, biases, by_part, picked
from workbench.stages.fusion_names import is_fusion
from workbench.stages.rankers import short, short_scheme
from workbench.stages.route_names import is_route
from workbench.stages.route_parts import in_order
from workbench.stages.system_names import (
    BEST_SINGLE,
    ORACLE,
    is_ranking,
    llm_system,
    short_system,
    short_systems,
)

# ↑: higher is better, ↓: lower is better.
_PICK = {
    "gap_closed": "gap\nclosed ↑",
    "not_worse_than_best_single": "≥ Best\nSingle ↑",
    "top3": "top 3 ↑",
    "mean_rank": "mean\nrank ↓",
}
_ORDER = {
    "pearson": "Pear-\nson ↑",
    "spearman": "Spear-\nman ↑",
    "kendall": "Ken-\ndall ↑",
    "footrule": "foot-\nrule ↓",
    "pairwise_accuracy": "pairs\nright ↑",
}
_NAMED, _GAP = "not_worse_than[", "pairwise_accuracy>"
Systems = dict[str, Figures]


def pages(rows: Sequence[Any]) -> Iterator[Table | Text]:
    """For each dataset and split: by each measure how good the picks and orders are and which LLM
    is best; by the first measure each category; and the position bias of each ranker."""
    parts, picks, bias = by_part(rows), picked(rows), biases(rows)
    for place in dict.fromkeys(part[:2] for part in parts):
        measures = [part[3] for part in parts if part[:2] == place and part[2] == WHOLE]
        for measure in measures:
            systems = parts[*place, WHOLE, measure]
            where = f"{measure} on {', '.join(place)}"
            compared = _compared(systems)
            yield _quality_table(where, systems, compared, place[1])
            yield _figures_table(f"The pick, by {where}", compared, _PICK, _NAMED, "≥ ", _PICKS)
            ordered = {name: told for name, told in compared.items() if not is_fusion(name)}
            yield _figures_table(
                f"The whole order, by {where}", ordered, _ORDER, _GAP, "gap > ", _ORDERS
            )
            yield _llms_table(where, systems, picks.get(place, {}))
        categories = {
            part[2].removeprefix(CATEGORY): _compared(systems)
            for part, systems in parts.items()
            if part[:2] == place and part[2] != WHOLE and part[3] == measures[0]
        }
        if categories:
            prompts = parts[*place, WHOLE, measures[0]][BEST_SINGLE]["quality"][3]
            yield _categories_table(f"{measures[0]} on {', '.join(place)}", categories, prompts)
        for ranker, figures in bias.get(place, {}).items():
            if figures["position_bias_abs"][0]:  # of a pointwise ranker it is 0 by definition
                yield _bias_line(ranker, place, figures)


def _compared(systems: Systems) -> Systems:
    """Those with a quality in their order; single LLMs have a table of their own."""
    return {name: systems[name] for name in in_order(systems) if "quality" in systems[name]}


def _labels(systems: Iterable[str]) -> dict[str, str]:
    """Short names; of a lone ranker the schemes alone, and of rankers with one scheme the rankers,
    since the caption names the other."""
    labels = short_systems(systems)
    ranker, scheme = _lone(labels, 0), _lone(labels, 2)
    for name in filter(is_ranking, labels):
        own, _, how = name.partition("/")
        if ranker or scheme:
            labels[name] = short_scheme(how) if ranker else short(own)
    return labels


def _lone(systems: Iterable[str], part: int) -> str | None:
    """The one ranker (part 0) or the one scheme (part 2) of all rankings; None: there are more."""
    found = {name.partition("/")[part] for name in systems if is_ranking(name)}
    return found.pop() if len(found) == 1 else None


def _quality_table(where: str, systems: Systems, compared: Systems, split: str) -> Table:
    rows = []
    for name, label in _labels(compared).items():
        figures = compared[name]
        against = [span(figures["vs_best_single"]), f"{figures['vs_best_single_p'][0]:.3f}"]
        against = ["–", "–"] if name == BEST_SINGLE else against
        rows.append([label, span(figures["quality"]), *against])
    prompts = max(figures["quality"][3] for figures in compared.values())
    title = f"Quality by {where}: mean over {prompts} prompts"
    columns = ("system", "quality ↑", "minus BestSingle ↑", "p")
    caption = _quality_caption(systems, compared)
    if split == "validation":
        caption += " Checkpoints, settings and BestSingle were chosen here, which flatters them."
    return terminal.table(title, columns, rows, caption)


def _quality_caption(systems: Systems, compared: Systems) -> str:
    chosen = [name for name, figures in systems.items() if "chosen_as_best_single" in figures]
    best = "".join(f" ({name.removeprefix(llm_system(''))})" for name in chosen)
    ranker, scheme = _lone(compared, 0), _lone(compared, 2)
    others = f" Other systems: schemes of ranker {short(ranker)}." if ranker else ""
    if scheme and not ranker:
        others = f" Other systems: rankers with {short_scheme(scheme)}."
    if any(is_fusion(name) for name in compared):
        others += " fusion of K: what a fuser wrote from K candidates, see there."
    return (
        "↑ higher is better; in brackets the 95 % interval. Oracle picks each prompt's best "
        f"candidate, BestSingle always the LLM that is best on validation{best}. p: of no "
        f"difference to BestSingle, paired and two-sided.{others}"
    )


_PICKS = (
    "gap closed: 0 is BestSingle, 1 Oracle. ≥: share of prompts where the pick is at least as "
    "good. top 3: share where fewer than three candidates are better. mean rank: 1 is best."
)
_ORDERS = (
    "Means over prompts; correlations of scores and quality have 1 as best, footrule, a distance "
    "of ranks, 0. pairs right: share of pairs of unequal quality in the right order, 0.5 by "
    "chance; gap: of pairs that differ by more."
)


def _figures_table(
    title: str, systems: Systems, heads: dict[str, str], further: str, head: str, caption: str
) -> Table:
    """One column a figure: those of `heads`, and any that begin with `further`."""
    more = {
        figure: broken(f"{head}{figure.removeprefix(further).removesuffix(']')} ↑", 9)
        for figures in systems.values()
        for figure in figures
        if figure.startswith(further)
    }
    columns = heads | more
    rows = [
        [label, *(three(systems[name].get(figure)) for figure in columns)]
        for name, label in _labels(systems).items()
    ]
    return terminal.table(title, ("system", *columns.values()), rows, caption)


def _llms_table(where: str, systems: Systems, picks: dict[str, dict[str, float]]) -> Table:
    llms = [name for name, figures in systems.items() if "best_share" in figures]
    llms.sort(key=lambda name: -systems[name]["best_share"][0])
    counts = [systems[name]["quality"][3] for name in llms if "quality" in systems[name]]
    ragged = len(set(counts)) > 1
    rankings = sorted(picks, key=lambda name: (is_route(name), short_system(name)))[:2]
    rows = []
    for name in llms:
        figures = systems[name]
        star = " *" if "chosen_as_best_single" in figures else ""
        answered = [figures["quality"][3] if "quality" in figures else 0] if ragged else []
        rows.append(
            [
                name.removeprefix(llm_system("")) + star,
                span(figures["best_share"], percent=True),
                three(figures.get("quality")),
                *answered,
                *(f"{100 * picks[ranking].get(name, 0.0):.1f}" for ranking in rankings),
            ]
        )
    labels = _labels(picks)
    heads = [f"% picked by\n{broken(labels[ranking], 14)}" for ranking in rankings]
    columns = ("LLM", "% of prompts\nit is best on", "its\nquality ↑", *ragged * ("its\nprompts",))
    caption = "* BestSingle. Candidates that tie for best share the prompt."
    return terminal.table(f"Best LLM by {where}", (*columns, *heads), rows, caption)


def _categories_table(where: str, categories: dict[str, Systems], prompts: int) -> Table:
    """The first ranking, or where there is none the Oracle, against BestSingle."""
    everywhere = set.intersection(*map(set, categories.values()))
    known = next(iter(categories.values()))
    rankings = [name for name in known if is_ranking(name) and name in everywhere]
    shown = rankings[0] if rankings else ORACLE
    rows = [
        [
            category,
            systems[BEST_SINGLE]["quality"][3],
            three(systems[BEST_SINGLE]["quality"]),
            three(systems[shown]["quality"]),
            span(systems[shown]["vs_best_single"]),
        ]
        for category, systems in sorted(categories.items())
    ]
    label = broken(f"{_labels(known)[shown]} ↑", 14)
    columns = ("category", "prompts", "BestSingle ↑", label, "difference ↑")
    others = prompts - sum(row[1] for row in rows)
    caption = f"{others} prompts are of no category, or of one too small for a row."
    return terminal.table(f"Categories, {where}", columns, rows, caption if others else None)


def _bias_line(ranker: str, place: tuple[str, ...], figures: Figures) -> Text:
    signed, size, flips = (
        figures[name] for name in ("position_bias", "position_bias_abs", "position_flips")
    )
    return terminal.wrapped(
        f"Position bias of ranker {short(ranker)} on {', '.join(place)}: {span(signed)} logits "
        f"for the answer shown left (0 is none), {span(size)} in size; the order decides "
        f"{span(flips, percent=True)} % of pairs."
    )
