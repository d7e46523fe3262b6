"""How robust the choices of a router are: the share that a changed prompt leaves as they are."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from workbench import terminal
from workbench.evaluation.routing_figures import choice_weights, evaluate_routes
from workbench.interrupts import put_off
from workbench.routing.perturbations import perturbed
from workbench.routing.policies import Policy, choices
from workbench.routing.router import Router
from workbench.stages.evaluation_parts import WHOLE
from workbench.stages.result_rows import Row, result_row
from workbench.stages.route_names import RouteSystem
from workbench.store.source_text import source_text
from workbench.store.store import Store

SEED = 0
"""Of the draw of prompts, of what is changed in them and of the bootstrap."""

_CHOSEN = """
    from prompts where ($datasets is null or list_contains($datasets, dataset))
      and list_contains($splits, split)
"""
_DATASETS = f"select distinct split, dataset {_CHOSEN} order by split, dataset"
# By a hash of the id, so that most of the drawn ones stay when other prompts come.
_DRAWN = f"""
    select split, instruction, input {_CHOSEN}
    order by md5($seed || ':' || prompt_id), prompt_id limit $most
"""


def unchanged_choices(
    store: Store,
    router: str,
    model: Router,
    chosen: dict[str, Any],
    drawn: dict[str, list[str]],
    names: Sequence[str],
    options: dict[str, Any],
) -> list[Row]:
    """Share of the drawn prompts of each split whose choice a perturbation leaves as it is."""
    texts, split = drawn["text"], np.array(drawn["split"], object)
    versions = {"": texts} | {name: perturbed(texts, name, SEED) for name in names}
    weights = dict[str, np.ndarray]()
    total = len(versions) * len(texts)
    with terminal.progress("perturb and route", total, "prompts") as advance, put_off() as ctrl_c:

        def after_batch(size: int) -> None:
            advance(size)
            ctrl_c.check()

        for name, version in versions.items():
            asked = argmax_choices(model, version, options | {"progress": after_batch})
            weights[name] = choice_weights(asked, len(model.llms))
    system = RouteSystem(router, str(Policy())).name
    rows = list[Row]()
    for part, datasets in _datasets(store, chosen).items():
        own = {name: found[split == part] for name, found in weights.items()}
        before = own.pop("")
        if len(before):
            told = evaluate_routes({system: before}, model.llms, perturbed={system: own}, seed=SEED)
            where = ("+".join(datasets), part, WHOLE)
            figures = {name: told[system][f"unchanged[{name}]"] for name in names}
            rows += [
                result_row(system, where, f"unchanged[{name}]", e) for name, e in figures.items()
            ]
    return rows


def argmax_choices(model: Router, texts: Sequence[str], options: dict[str, Any]) -> np.ndarray:
    """[P] place of the LLM of the highest utility."""
    return choices(Policy().scores(model.utilities(texts, **options), None, model.llms))


def drawn_prompts(store: Store, chosen: dict[str, Any], most: int) -> dict[str, list[str]]:
    """`split` and `text` of some of the chosen prompts: the same at each start."""
    rows = store.query(_DRAWN, chosen | {"seed": str(SEED), "most": most}).to_pylist()
    texts = [source_text(row["instruction"], row["input"]) for row in rows]
    return {"split": [row["split"] for row in rows], "text": texts}


def _datasets(store: Store, chosen: dict[str, Any]) -> dict[str, list[str]]:
    """Split -> sorted names of the datasets that have chosen prompts in it."""
    found = dict[str, list[str]]()
    for row in store.query(_DATASETS, chosen).to_pylist():
        found.setdefault(row["split"], []).append(row["dataset"])
    return found
