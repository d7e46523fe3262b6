"""What the terminal shows of routers: whom they ask, what it costs, and whether it pays."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich.table import Table

from workbench import terminal
from workbench.stages.evaluation_cells import broken, span, three
from workbench.stages.evaluation_parts import CATEGORY, WHOLE, Figures, by_part
from workbench.stages.route_names import ROUTER, RouteSystem, common_llms, is_route
from workbench.stages.route_parts import cost_of, cost_unit, in_order, pairs, shown_units
from workbench.stages.system_names import (
    BEST_SINGLE,
    ORACLE,
    RANDOM,
    ZERO_ROUTER,
    is_ranking,
    llm_system,
    short_systems,
)

Systems = dict[str, Figures]
_SHOWN = 3  # routes beside each other in a table of categories
_CHOICE = (
    "minus BestSingle: see Quality for intervals. accuracy: share of prompts whose choice is a "
    "best LLM, where LLMs differ. entropy: of the shares of prompts that go to the LLMs, in bits; "
    "0 asks always the same."
)
_COST = "cost: of the answer that is picked, mean {}{}; what it takes to pick is not in it."
_CATEGORIES = (
    "MTR: mean rank among these, the single LLMs and rankings, over categories of enough prompts; "
    "1 is best. % uplift: share of categories in which it beats BestSingle."
)
_ROUTERS = (
    "AIQ: area below the upper hull of the points (cost, quality) of a router's policies and the "
    "cheapest LLM, from the cost of the cheapest to that of the dearest LLM. ZeroRouter: the hull "
    "of the single LLMs, which needs no router. ECE: expected calibration error of the utilities; "
    "where these or the qualities leave 0 to 1, both are scaled to it by their ranges."
)
_HULL = "LLMs that no mixture of two others beats at its cost. Costs are mean {}."
_PAIR = (
    "Prompts go to the strong LLM in the order of its utility less the weak one's. APGR: share of "
    "the gap between the two that is recovered, mean over all shares of strong calls; 0.5 by "
    "chance. CPT: % of strong calls that recover 50 % and 80 % of it."
)


def route_pages(rows: Sequence[Any]) -> Iterator[Table]:
    """For each dataset and split with routes or costs: by each measure the choices, what routers
    are worth over all costs, the hull of the LLMs, pairs of a strong and a weak LLM, and by the
    first measure each category."""
    parts = {part: systems for part, systems in by_part(rows).items() if cost_unit(systems)}
    for place in dict.fromkeys(part[:2] for part in parts):
        measures = [part[3] for part in parts if part[:2] == place and part[2] == WHOLE]
        for measure in measures:
            systems = parts[*place, WHOLE, measure]
            where = f"{measure} on {', '.join(place)}"
            yield _choice_table(where, systems)
            yield from _wider_tables(where, systems)
        categories = {
            part[2].removeprefix(CATEGORY): systems
            for part, systems in parts.items()
            if part[:2] == place and part[2] != WHOLE and part[3] == measures[0]
        }
        if categories and any(map(is_route, parts[*place, WHOLE, measures[0]])):
            where = f"{measures[0]} on {', '.join(place)}"
            yield _categories_table(where, parts[*place, WHOLE, measures[0]], categories)


def _wider_tables(where: str, systems: Systems) -> Iterator[Table]:
    """Of what there is beside single choices."""
    if any("mtr" in systems[name] for name in systems if is_route(name)):
        yield _ranks_table(where, systems)
    if any(name.startswith(ROUTER) for name in systems):
        yield _routers_table(where, systems)
    if any("on_hull" in figures for figures in systems.values()):
        yield _hull_table(where, systems)
    for pair in pairs(systems):
        yield _pair_table(where, systems, pair)


def _choice_table(where: str, systems: Systems) -> Table:
    names = [name for name in in_order(systems) if "quality" in systems[name]]
    unit, arena = cost_unit(systems), any("arena" in f for f in systems.values())
    labels = short_systems(names)
    rows = []
    for name in names:
        told = systems[name]
        against = [told.get("vs_best_single"), told.get("vs_best_single_p")]
        figures = [
            told["quality"],
            *((None, None) if name == BEST_SINGLE else against),
            cost_of(told),
            told.get("accuracy"),
            told.get("entropy"),
            *([told.get("arena")] if arena else []),
        ]
        cells = [three(figure) for figure in figures]
        cells[3] = None if figures[3] is None else terminal.shown(float(figures[3][0]))
        rows.append([labels[name], *cells])
    heads = ("system", "qual-\nity ↑", "minus\nBest-\nSingle ↑", "p", "cost ↓")
    more = ("accu-\nracy ↑", "en-\ntropy", *arena * ("arena\nscore ↑",))
    routed = any(map(is_route, names))
    lacking = [f["cost_known"][0] for f in systems.values() if "cost_known" in f]
    known = ", where it is known" if min(lacking, default=1.0) < 1 else ""
    same = f" All: {common_llms(names)}." if common_llms(names) else ""
    caption = f"{_CHOICE} {_COST.format(shown_units(unit), known)}{same}"
    title = f"{'Routing' if routed else 'Cost of the pick'}, by {where}"
    return terminal.table(title, (*heads, *more), rows, caption)


def _ranks_table(where: str, systems: Systems) -> Table:
    names = [name for name in in_order(systems) if "mtr" in systems[name]]
    labels = short_systems(names)
    rows = [
        [
            labels[name],
            span(systems[name]["mtr"]),
            "–" if name == BEST_SINGLE else span(systems[name]["uplift"], percent=True),
        ]
        for name in names
    ]
    columns = ("system", "MTR ↓", "% uplift ↑")
    return terminal.table(f"Ranks over categories, by {where}", columns, rows, _CATEGORIES)


def _routers_table(where: str, systems: Systems) -> Table:
    names = [n for n in systems if n.startswith(ROUTER)]
    names.sort(key=lambda name: -systems[name].get("aiq", [0.0])[0])
    names += [ZERO_ROUTER] if ZERO_ROUTER in systems else []
    labels = short_systems(names)
    rows = [
        [
            labels[name],
            three(systems[name].get("aiq")),
            span(systems[name].get("vs_zero_router")),
            three(systems[name].get("vs_zero_router_p")),
            three(systems[name].get("calibration_error")),
        ]
        for name in names
    ]
    columns = ("router", "AIQ ↑", "minus ZeroRouter ↑", "p", "ECE ↓")
    return terminal.table(f"Routers over all costs, by {where}", columns, rows, _ROUTERS)


def _hull_table(where: str, systems: Systems) -> Table:
    names = [name for name, figures in systems.items() if "on_hull" in figures]
    names.sort(key=lambda name: cost_of(systems[name])[0])
    rows = [
        [
            name.removeprefix(llm_system("")),
            float(cost_of(systems[name])[0]),
            span(systems[name]["quality"]),
        ]
        for name in names
    ]
    caption = _HULL.format(shown_units(cost_unit(systems)))
    columns = ("LLM", "cost", "quality ↑")
    return terminal.table(f"Hull of the single LLMs, by {where}", columns, rows, caption)


def _pair_table(where: str, systems: Systems, pair: str) -> Table:
    names = [name for name in systems if f"apgr[{pair}]" in systems[name]]
    last = {ORACLE: 0, RANDOM: 2}
    names.sort(key=lambda n: (last.get(n, 1), -systems[n][f"apgr[{pair}]"][0]))
    labels = short_systems(names)
    rows = [
        [
            labels[name],
            span(systems[name][f"apgr[{pair}]"]),
            *(span(systems[name].get(f"{cpt}[{pair}]"), percent=True) for cpt in _CPT),
        ]
        for name in names
    ]
    strong, _, weak = pair.partition(">")
    title = f"{strong} and {weak}, by {where}"
    columns = ("router", "APGR ↑", "CPT(50 %) ↓", "CPT(80 %) ↓")
    return terminal.table(title, columns, rows, _PAIR)


_CPT = ("cpt50", "cpt80")


def _categories_table(where: str, systems: Systems, categories: dict[str, Systems]) -> Table:
    """The best route of each router by the whole, between BestSingle and the Oracle."""
    every = [name for name in in_order(systems) if is_route(name) and "quality" in systems[name]]
    every.sort(key=lambda name: -systems[name]["quality"][0])
    best = {RouteSystem.parse(name).router: name for name in reversed(every)}
    routes = [name for name in every if name in best.values()]
    rankings = [name for name in systems if is_ranking(name) and "quality" in systems[name]][:1]
    shown = [BEST_SINGLE, *routes[:_SHOWN], *rankings, ORACLE]
    labels = short_systems(shown)
    rows = [
        [
            category,
            figures[BEST_SINGLE]["quality"][3],
            *(three(figures.get(name, {}).get("quality")) for name in shown),
        ]
        for category, figures in sorted(categories.items())
    ]
    labels[BEST_SINGLE] = "Best- Single"
    # A line may end behind the slash between router and policy.
    heads = [broken(f"{labels[name]} ↑".replace("/", "/ "), 9) for name in shown]
    some = len(routes[:_SHOWN])
    told = f"{some} of {len(every)} routes: of each router its best, and at most {_SHOWN} routers."
    caption = told if len(every) > some else None
    columns = ("category", "prompts", *heads)
    return terminal.table(f"Routing by category, {where}", columns, rows, caption)
