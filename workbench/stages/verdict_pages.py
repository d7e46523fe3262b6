"""What the terminal shows of verdicts: do the systems prefer what the judges prefer?"""

from collections.abc import Iterator, Sequence
from typing import Any

from rich.table import Table

from workbench import terminal
from workbench.stages.evaluation_cells import broken, span, three
from workbench.stages.system_names import LONGEST, PREFERENCE, RANDOM, is_ranking, short_system
from workbench.stages.verdict_parts import Panel, panels

_MOST_KAPPAS = 3  # columns of judges beside each other that a terminal has room for
_AGREEMENT = (
    "↑ higher is better; in brackets the 95 % interval. agreement: share of the verdicts that are "
    "no tie ({counted:,} of {pairs:,}) in which the system prefers the same answer; 0.5 is chance."
)
_WHAT_PREFERENCE = (
    " {system}: a ranker's preference pair by pair, in both orders, before any scheme."
)
_WHAT_OTHERS = (
    " with the others: with the majority of all judges but one, each left out in turn; there the "
    "judges themselves have {each}."
)
_KAPPA = "κ: Cohen's kappa with each other judge, ties counted; 1 is full agreement, 0 chance."


def verdict_pages(rows: Sequence[Any]) -> Iterator[Table]:
    """For each dataset and split with verdicts: how far the systems agree with each group of
    judges, and these with each other; and with each judge who is in no group."""
    for panel in panels(rows):
        yield _systems_table(panel)
        if panel.group:
            yield _judges_table(panel, panel.group)


def _systems_table(panel: Panel) -> Table:
    """One row a system; of a group, with the figure in which judges can be compared with it."""
    lead = panel.agreement.replace("agreement", "agreement_vs_longest", 1)
    names = sorted((n for n, f in panel.systems.items() if panel.agreement in f), key=_place)
    rows = []
    for name in names:
        figures = panel.systems[name]
        ahead = "–" if name == LONGEST else span(figures.get(lead))
        others = [three(figures.get(panel.others))] if panel.group else []
        rows.append([short_system(name), span(figures[panel.agreement]), ahead, *others])
    pairs = int(panel.verdicts["verdict_pairs"][0])
    counted = pairs - round(pairs * panel.verdicts["verdict_ties"][0])
    caption = _AGREEMENT.format(counted=counted, pairs=pairs)
    preferring = [short_system(name) for name in names if name.endswith(f"/{PREFERENCE}")]
    if preferring:
        caption += _WHAT_PREFERENCE.format(system=preferring[0])
    if panel.group:
        caption += _WHAT_OTHERS.format(each=three(panel.each) or "no figure")
    heads = ["system", "agreement ↑", "minus Longest ↑"]
    heads += ["with the\nothers ↑"] if panel.group else []
    whom = f"the {panel.judge}" if panel.group else panel.judge
    prompts = panel.verdicts["verdict_pairs"][3]
    title = f"Agreement with {whom} on {', '.join(panel.where)}: {prompts:,} prompts"
    return terminal.table(title, heads, rows, caption)


def _judges_table(panel: Panel, group: str) -> Table:
    """One row a judge of the group, and one for all of them."""
    short = {name: name.removeprefix(f"{group}/") for name in panel.members}
    beside = list(short) if len(short) <= _MOST_KAPPAS else []
    rows: list[list[Any]] = [
        [
            short[name],
            f"{100 * figures['verdict_ties'][0]:.1f}",
            span(figures.get(panel.others)),
            *(three(figures.get(f"kappa[{other}]")) for other in beside),
        ]
        for name, figures in panel.members.items()
    ]
    rows.append(["all, pooled", None, span(panel.each), *(None for _ in beside)])
    kappas = [broken(f"κ {short[other]}", 8) for other in beside]
    heads = ("judge", "% ties", "agreement with\nthe others ↑", *kappas)
    caption = "agreement with the others: with the majority of all other judges."
    title = f"The judges of {group} among themselves, on {', '.join(panel.where)}"
    return terminal.table(title, heads, rows, f"{caption} {_KAPPA}" if beside else caption)


def _place(system: str) -> tuple[int, str]:
    """Rankers first, each with its preference before its schemes; then what they must beat."""
    if is_ranking(system):
        return 0, system.removesuffix(PREFERENCE)
    return {LONGEST: 2, RANDOM: 3}.get(system, 1), system
