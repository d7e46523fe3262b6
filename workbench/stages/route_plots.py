"""Plots of routers, for MLflow: cost and quality, whom they ask, strong and weak, rewards."""

from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

from workbench.stages.evaluation_parts import WHOLE, Figures, by_part, picked
from workbench.stages.evaluation_plots import stem
from workbench.stages.reward_entropy_rows import ENTROPY, PREFERRED
from workbench.stages.route_names import RouteSystem, is_route
from workbench.stages.route_parts import cost_of, cost_unit, in_order, pairs, shown_units
from workbench.stages.strong_weak_rows import SHARES
from workbench.stages.system_names import ORACLE, RANDOM, llm_system, short_system, short_systems

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = (
    "#4878a8", "#c0504d", "#4f9d5d", "#8064a2", "#d08a2e", "#5aa5a5", "#a0522d",
    "#e377c2", "#1b3a5c", "#9acd32", "#7b1e3c", "#00b2d9", "#c9b037", "#5c5c8a",
)  # fmt: skip
_MOST = 6  # routes whose bars can be told apart
_GREY = "#888888"
Systems = dict[str, Figures]


def route_plots(rows: Sequence[Any]) -> Iterator[tuple[str, "Figure"]]:
    """(name, figure): by each measure quality against cost with the hull of the single LLMs, the
    share of prompts that each LLM is asked and is best on, the curve of each pair of a strong and
    a weak LLM, and the quality of the LLM that a reward prefers against the reward's entropy."""
    shares = picked(rows)
    for (dataset, split, part, measure), systems in by_part(rows).items():
        if part != WHOLE or cost_unit(systems) is None:
            continue
        where, file = f"{measure}, {dataset}, {split}", stem(dataset, split, measure)
        yield f"cost_quality-{file}", _cost_quality(where, systems)
        routed = {n: s for n, s in shares.get((dataset, split), {}).items() if is_route(n)}
        if routed:
            yield f"routed_share-{file}", _routed_shares(where, systems, routed)
        for pair in pairs(systems):
            yield f"strong_weak-{stem(dataset, split, measure, pair)}", _curve(where, systems, pair)
        if any(ENTROPY + "1" in figures for figures in systems.values()):
            yield f"reward_entropy-{file}", _entropies(where, systems)


def _cost_quality(where: str, systems: Systems) -> "Figure":
    """Single LLMs in grey with their hull, each router's policies in a colour of its own."""
    figure, axes = _canvas(f"Cost and quality\n{where}")
    known = {n: f for n, f in systems.items() if "quality" in f and cost_of(f) is not None}
    llms = {n: f for n, f in known.items() if n.startswith(llm_system(""))}
    for name, told in llms.items():
        _point(axes, told, _GREY, "o")
        axes.annotate(
            name.removeprefix(llm_system("")),
            (cost_of(told)[0], told["quality"][0]),
            xytext=(4, -8), textcoords="offset points", fontsize=6, color="#555555",
        )  # fmt: skip
    corners = sorted(
        (cost_of(told)[0], told["quality"][0]) for told in llms.values() if "on_hull" in told
    )
    if corners:
        x, y = zip(*corners, strict=True)
        axes.plot(x, y, "--", color=_GREY, lw=1, label="hull of single LLMs")
    routes = sorted(RouteSystem.parse(name) for name in known if is_route(name))
    routers = dict.fromkeys(route.router for route in routes)
    labels = short_systems(route.name for route in routes)
    for router, colour in zip(routers, cycle(_COLOURS), strict=False):
        own = [route.name for route in routes if route.router == router]
        for name, mark in zip(own, cycle("sD^v<>pP*X"), strict=False):
            _point(axes, known[name], colour, mark, labels[name])
    for name, mark in ((ORACLE, "*"), (RANDOM, "x")):
        if name in known:
            _point(axes, known[name], "#222222", mark, name)
    axes.set_xlabel(f"mean cost, {shown_units(cost_unit(systems))}")
    axes.set_ylabel("quality")
    figure.legend(loc="outside right upper", fontsize=7)
    return figure


def _point(axes: "Axes", told: Figures, colour: str, mark: str, label: str | None = None) -> None:
    """Cost and quality with their intervals."""
    (x, left, right, _), (y, low, high, _) = cost_of(told), told["quality"]
    axes.errorbar(
        [x], [y], xerr=[[x - left], [right - x]], yerr=[[y - low], [high - y]],
        color=colour, marker=mark, elinewidth=0.6, linestyle="none", label=label,
    )  # fmt: skip


def _routed_shares(where: str, systems: Systems, shares: dict[str, dict[str, float]]) -> "Figure":
    """For each LLM bars of the share of prompts that goes to it, and that it is best on."""
    best = {n: f["best_share"][0] for n, f in systems.items() if "best_share" in f}
    llms = sorted(best, key=lambda name: best[name])
    worth = {name: systems.get(name, {}).get("quality", (0.0,))[0] for name in shares}
    known = [name for name in in_order(shares) if is_route(name)]
    order = sorted(known, key=lambda name: -worth[name])[:_MOST]
    if len(order) < len(known):
        where = f"{where}, the best {_MOST} of {len(known)} routes"
    labels = short_systems(order)
    bars = {"best LLM": best} | {labels[name]: shares[name] for name in order}
    height = 0.8 / len(bars)
    figure, axes = _canvas(f"Share of prompts\n{where}", 1.5 + len(llms) * (0.2 + 0.1 * len(bars)))
    for place, (label, of_llm) in enumerate(bars.items()):
        colour = "#222222" if not place else _COLOURS[(place - 1) % len(_COLOURS)]
        at = [row + 0.4 - height * (place + 0.5) for row in range(len(llms))]
        axes.barh(at, [of_llm.get(n, 0.0) for n in llms], height, color=colour, label=label)
    axes.set_yticks(range(len(llms)), [name.removeprefix(llm_system("")) for name in llms])
    axes.margins(y=0.01)
    figure.legend(loc="outside right upper", fontsize=7)
    return figure


def _curve(where: str, systems: Systems, pair: str) -> "Figure":
    """PGR against the share of calls of the strong LLM."""
    strong, _, weak = pair.partition(">")
    figure, axes = _canvas(f"{strong} and {weak}\n{where}")
    names = [name for name in systems if f"apgr[{pair}]" in systems[name]]
    lines = {ORACLE: "#222222", RANDOM: _GREY}
    own = zip([name for name in names if name not in lines], cycle(_COLOURS), strict=False)
    colours = dict(own) | {name: colour for name, colour in lines.items() if name in names}
    for name, label in short_systems(colours).items():
        values = [systems[name][f"pgr@{share:.2f}[{pair}]"][0] for share in SHARES]
        told = f"{label}: APGR {systems[name][f'apgr[{pair}]'][0]:.3f}"
        axes.plot(100 * SHARES, values, color=colours[name], label=told)
    axes.set_xlabel(f"% of prompts to {strong}")
    axes.set_ylabel("performance gap recovered")
    figure.legend(loc="outside right upper", fontsize=7)
    return figure


def _entropies(where: str, systems: Systems) -> "Figure":
    """Mean quality of the LLM that a reward prefers, in bins of the reward's entropy."""
    figure, axes = _canvas(f"Reward entropy\n{where}")
    rewards = [name for name, figures in systems.items() if ENTROPY + "1" in figures]
    for name, colour in zip(rewards, cycle(_COLOURS), strict=False):
        told = systems[name]
        bins = [k.removeprefix(ENTROPY) for k in told if k.startswith(ENTROPY)]
        x = [told[ENTROPY + number][0] for number in bins]
        y, low, high = zip(*(told[PREFERRED + number][:3] for number in bins), strict=True)
        below = [value - least for value, least in zip(y, low, strict=True)]
        above = [most - value for value, most in zip(y, high, strict=True)]
        label = short_system(name)
        axes.errorbar(x, y, [below, above], color=colour, marker="o", capsize=3, label=label)
    axes.set_xlabel("entropy of the rewards, bits")
    axes.set_ylabel("quality of the LLM of the highest reward")
    figure.legend(loc="outside right upper", fontsize=7)
    return figure


def _canvas(title: str, height: float = 5.0) -> tuple["Figure", "Axes"]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, height), layout="constrained")
    axes = figure.subplots()
    axes.set_title(title, fontsize=10)
    return figure, axes
