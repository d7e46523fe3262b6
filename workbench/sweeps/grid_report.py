"""A grid of schedules in Markdown: what is cheapest, and all figures."""

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.aggregation import OUTCOMES, Schedule, Scheme
from workbench.aggregation.calls import call_text
from workbench.evaluation import Estimate
from workbench.stages.rankers import short
from workbench.sweeps.schedule_grid import Kept, cheapest, front

COLUMNS = (
    "setting", "comparisons", "quality of the pick", "kept", "difference to full (p)",
    "same pick", "recall of full top 3", "recall of best 3",
)  # fmt: skip


def report(chosen_on: Sequence[Kept], reported: Sequence[Kept], config: Mapping[str, Any]) -> str:
    """The answers, the settings that no cheaper one beats, and all, in Markdown.

    Args:
        chosen_on, reported: the same settings on the split to choose on and on that to report.
        config: `ranker`, `measure`, `full` (scheme), `keep` (share), `seeds`, and the names of
            the splits, `choose_on` and `report_on`.
    """
    by_name = {row.scheme: row for row in reported}
    best = [by_name[row.scheme] for row in front(chosen_on)]
    here, there = config["report_on"], config["choose_on"]
    lines = [
        f"# Schedules: ranker {short(config['ranker'])}, {config['measure']}",
        "",
        f"Kept: share of the gain of `{label(config['full'])}` over all pairs in both orders above "
        f"a random pick. Figures on {here} ({reported[0].quality.n} prompts), choices on {there} "
        f"({chosen_on[0].quality.n}); 95 % bootstrap intervals over prompts; random choices are "
        f"means over {config['seeds']} seeds.",
        "",
    ]
    for what, figure, surely in (
        ("of the quality", "share", False),
        ("of the quality, with the lower end of its interval", "share", True),
        ("of the picks", "same_pick", False),
        ("of the top 3", "top_full", False),
    ):
        choice = cheapest(chosen_on, config["keep"], figure, surely)
        if choice is None:
            lines.append(f"- No setting keeps {config['keep']:.0%} {what}, on {there}.")
            continue
        read = by_name[choice.scheme]
        lines.append(
            f"- Cheapest that keeps {config['keep']:.0%} {what}, on {there}: "
            f"`{label(choice.scheme)}`, {choice.comparisons.value:.1f} comparisons a prompt, kept "
            f"{_shown(getattr(choice, figure))}; on {here} {read.comparisons.value:.1f} "
            f"comparisons, kept {_shown(getattr(read, figure))}."
        )
    for title, rows in (
        (f"Better picks than anything cheaper on {there}", best),
        ("All", sorted(reported, key=lambda row: row.comparisons.value)),
    ):
        lines += ["", f"## {title}", "", _line(COLUMNS), _line(["---"] * len(COLUMNS))]
        lines += [_line(_cells(row)) for row in rows]
    return "\n".join(lines) + "\n"


def label(text: str) -> str:
    """A setting with what tells the grid's settings apart: no seeds, which are averaged over."""
    scheme = Scheme.parse(text)
    usual = dict(Scheme(scheme.name).params) | {"seed": None}
    if scheme.name in OUTCOMES:
        name = _called(scheme.schedule)
    else:
        changed = {key: value for key, value in scheme.params if usual[key] not in (value, None)}
        name = call_text(scheme.name, changed)
        name += "" if scheme.schedule.name == "all" else f", {_called(scheme.schedule)}"
    return name + ("" if scheme.order == "both" else f", order={scheme.order}")


def _called(schedule: Schedule) -> str:
    told = {k: v for k, v in schedule.params if k != "seed" and (k, v) != ("pairs", 1)}
    return call_text(schedule.name, told)


def _cells(row: Kept) -> list[str]:
    gap = row.difference
    return [
        f"`{label(row.scheme)}`",
        f"{row.comparisons.value:.1f}",
        _shown(row.quality),
        _shown(row.share),
        f"{_shown(gap.estimate)} ({gap.p:.2g})",
        _shown(row.same_pick),
        _shown(row.top_full),
        _shown(row.top_measure),
    ]


def _shown(found: Estimate | None) -> str:
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]" if found else "–"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
