"""From the systems of each dataset, split and measure to the rows of `results`."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np

from workbench import terminal
from workbench.evaluation import (
    Estimate,
    best_llm_distribution,
    best_llm_distributions,
    evaluate_fusions,
    evaluate_position_bias,
    evaluate_systems,
    pick_weights,
)
from workbench.evaluation.measured import measured
from workbench.stages.evaluation_parts import CATEGORY, WHOLE
from workbench.stages.fusion_names import FusionSystem
from workbench.stages.reward_entropy_rows import reward_entropy_figures
from workbench.stages.route_names import RouteSystem, is_route
from workbench.stages.route_rows import choice_figures
from workbench.stages.router_rows import router_figures
from workbench.stages.system_names import llm_system, ranker_system
from workbench.stages.systems import Rankings, Systems, gather
from workbench.store.pool import Pool, load_logits, names_of
from workbench.store.store import Store

_TOLD = 10  # names in one note on the terminal
COLUMNS = ("system", "dataset", "split", "slice", "measure", "value", "low", "high", "n")
Row = tuple[str, str, str, str, str, float, float | None, float | None, int]


def result_rows(
    store: Store,
    config: dict[str, Any],
    rankings: Rankings,
    fusions: Sequence[FusionSystem] = (),
    routes: Sequence[RouteSystem] = (),
) -> Iterator[Row]:
    """The figures of every system on each dataset, split and measure that there is.

    Args:
        store: where qualities, rankings and logits lie.
        config: `datasets`, `splits`, `measures` and the other options of the stage; `cost`, the
            unit of costs, where these count.
        rankings: pairs of a ranker and a scheme.
        fusions: systems of fusions.
        routes: systems of routes.

    Raises:
        MissingInput: see `systems.gather`.
    """
    parts = list(product(config["datasets"], config["splits"], config["measures"]))
    if not parts:  # verdicts alone
        return
    biases_of = set[tuple[str, str]]()
    with terminal.progress("evaluate", len(parts), "tables") as advance:
        for dataset, split, measure in parts:
            systems = gather(
                store, dataset, split, measure, rankings, fusions, routes, config.get("cost")
            )
            if systems is not None:
                for name, prompts in slices(systems.pool, config["min_category"]):
                    where = (dataset, split, name)
                    yield from _figures(systems.subset(prompts), where, measure, config)
                yield from _routing(store, systems, (dataset, split, WHOLE), measure, config)
                if (dataset, split) not in biases_of:
                    biases_of.add((dataset, split))
                    _say_small(systems, f"{dataset}, {split}", config["min_category"])
                    yield from _biases(store, systems, (dataset, split, WHOLE), rankings, config)
            advance()


def _say_small(systems: Systems, place: str, least: int) -> None:
    sizes = Counter(name for name in systems.pool.category if name)
    small = [f"{name} ({n})" for name, n in sorted(sizes.items()) if n < least]
    if small:
        more = f" and {len(small) - _TOLD} more" if len(small) > _TOLD else ""
        terminal.say(
            f"{place}: categories of fewer than {least} prompts are not told apart: "
            f"{', '.join(small[:_TOLD])}{more}"
        )


def slices(pool: Pool, least: int) -> Iterator[tuple[str, np.ndarray]]:
    """(name, [Q] bool): the whole pool, and each category of at least so many prompts."""
    yield WHOLE, np.ones(len(pool.prompt_ids), bool)
    category = np.array(pool.category, object)
    for name in sorted(set(pool.category) - {""}):
        if (category == name).sum() >= least:
            yield CATEGORY + name, category == name


def _figures(
    systems: Systems, where: tuple[str, str, str], measure: str, config: dict[str, Any]
) -> Iterator[Row]:
    pool, quality, drawn = systems.pool, systems.quality, bootstrap_options(config)
    named = {
        llm: pool.llm == pool.llms.index(llm)
        for llm in config["against"] or ()
        if llm in pool.llms  # another dataset may have LLMs of its own
    }
    found = evaluate_systems(
        systems.scores,
        quality,
        pool.mask,
        best_single=systems.best_single,
        named=named,
        min_gap=config["min_gap"],
        **drawn,
    )
    found |= evaluate_fusions(
        systems.fusions,
        quality,
        pool.mask,
        best_single=systems.best_single,
        named=named,
        length=pool.length,
        **drawn,
    )
    choices = choice_figures(systems, **drawn)
    for name, figures in (*found.items(), *choices.items()):
        yield from (result_row(name, where, f"{k}:{measure}", e) for k, e in figures.items())
    chosen = llm_system(systems.best_llm)
    yield (chosen, *where, f"chosen_as_best_single:{measure}", 1.0, None, None, len(quality))
    picked = pick_weights(quality, measured(quality, pool.mask))
    shares = best_llm_distribution(picked, pool.llm, pool.llms, **drawn)
    for llm, share in shares.items():
        yield result_row(llm_system(llm), where, f"best_share:{measure}", share)


def _routing(
    store: Store,
    systems: Systems,
    where: tuple[str, str, str],
    measure: str,
    config: dict[str, Any],
) -> Iterator[Row]:
    """What is told of routers and costs over all prompts."""
    drawn = bootstrap_options(config)
    routers = router_figures(systems, config)
    entropies = reward_entropy_figures(store, systems, measure, config["measures"], drawn)
    for name, figures in (*routers.items(), *entropies.items()):
        yield from (result_row(name, where, f"{k}:{measure}", e) for k, e in figures.items())


def _biases(
    store: Store,
    systems: Systems,
    where: tuple[str, str, str],
    rankings: Rankings,
    config: dict[str, Any],
) -> Iterator[Row]:
    """What does not depend on a quality measure: position bias, and whom each ranking picks."""
    pool, drawn = systems.pool, bootstrap_options(config)
    names = [ranker_system(*r) for r in rankings] + [n for n in systems.scores if is_route(n)]
    picks = {
        name: pick_weights(systems.scores[name], pool.mask)
        for name in names
        if name in systems.scores
    }
    for name, shares in best_llm_distributions(picks, pool.llm, pool.llms, **drawn).items():
        for llm, share in shares.items():
            yield result_row(llm_system(llm), where, f"picked_share:{name}", share)
    for ranker in sorted({r for r, _ in rankings} & set(names_of(store, "ranker"))):
        found = evaluate_position_bias(load_logits(store, pool, ranker), pool.mask, **drawn)
        yield from (result_row(ranker, where, name, e) for name, e in found.items())


def bootstrap_options(config: dict[str, Any]) -> dict[str, int]:
    """Options of the bootstrap, from those of the stage."""
    return {"resamples": config["resamples"], "seed": config["seed"]}


def result_row(system: str, where: tuple[str, str, str], measure: str, found: Estimate) -> Row:
    """The row of an estimate; `where` is dataset, split and slice."""
    return (system, *where, measure, found.value, found.low, found.high, found.n)
