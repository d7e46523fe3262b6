"""How much label enhancement by tags does ZOOTER need? Quality of its routes against β.

python experiments/zooter_beta.py --store llmrouter.duckdb --measure 'score[llmrouter]@1' \\
    --encoder ENCODER [--tagger category] [--betas 0,0.1,…,1] [--seeds 1] [--report_on test]

Trains a ZOOTER for each β and seed (β = 1: no enhancement; arXiv 2311.08692), has it route the
split, and draws the mean quality of the LLMs that it chooses, with 95 % intervals, beside the best
single LLM. Trainings and routes are those of the verbs `train` and `route`: what is done is not
done again, so that a study that was killed goes on. Writes zooter_beta.md and zooter_beta.png.
"""

import sys
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jsonargparse import auto_cli
from rich.table import Table

from workbench import terminal
from workbench.errors import BadValue, WorkbenchError
from workbench.evaluation import Estimate, mean_estimate, paired_difference
from workbench.evaluation.baselines import best_single
from workbench.models.encoder import TinyEncoder
from workbench.routing.data import RouterData
from workbench.routing.examples import RoutingExamples, load_examples
from workbench.routing.zooter import ZOOTER
from workbench.stages.route import route
from workbench.stages.train import train
from workbench.store.store import Store
from workbench.tracking import Tracker

Split = Literal["train", "validation", "test"]
BETAS = [round(0.1 * step, 1) for step in range(11)]


def zooter_beta(
    store: Path,
    measure: str,
    encoder: str | TinyEncoder,
    tagger: str = "category",
    datasets: list[str] | None = None,
    betas: list[float] = BETAS,
    seeds: list[int] = [1],  # noqa: B006
    temperature: float = 0.5,
    max_tokens: int = 160,
    max_epochs: int = 2,
    lr: float = 5e-5,
    tokens_per_batch: int = 2048,
    precision: str = "bf16-mixed",
    split: Split = "validation",
    report_on: Split | None = None,
    into: Path | None = None,
) -> None:
    """Trains a ZOOTER for each β and tells what its routes are worth.

    Args:
        store: DuckDB file with rewards, and tags where the tagger is not `category`.
        measure: the reward.
        encoder: a directory or hub id, or the sizes of a tiny one to be trained from scratch, such
            as '{hidden_size: 128, layers: 1}'.
        tagger: whose tags.
        datasets: names of datasets, all by default.
        betas: shares of a prompt's own reward, 0 to 1.
        seeds: of weights; the mean over their routes is told.
        temperature, max_tokens, lr: of ZOOTER.
        max_epochs, tokens_per_batch, precision: of its training; the best epoch is chosen on
            validation.
        split: whose prompts are routed.
        report_on: a second split that is looked at once, such as test.
        into: folder of the table and the plot; beside the store by default.
    """
    if not betas or not seeds:
        raise BadValue("betas and seeds", (betas, seeds), "at least one of each")
    folder = into or store.parent
    folder.mkdir(parents=True, exist_ok=True)
    opened = Store(store)
    routers: dict[float, list[str]] = {}
    for beta in betas:
        for seed in seeds:
            trained = train(
                store,
                ZOOTER(
                    encoder, temperature=temperature, max_tokens=max_tokens, attention="eager",
                    dropout=0.0, head_dropout=0.1, lr=lr, head_lr=max(lr, 1e-3), weight_decay=0.01,
                ),
                RouterData(
                    measure, datasets=datasets, beta=beta, tagger=tagger,
                    tokens_per_batch=tokens_per_batch,
                ),
                {"max_epochs": max_epochs, "precision": precision, "gradient_clip_val": 1.0},
                patience=None,
                seed=seed,
            )  # fmt: skip
            routers.setdefault(beta, []).append(trained.run)
            route(store, trained.run, datasets, [split, report_on] if report_on else [split])
    single = _best_llm(opened, measure, datasets)
    told: dict[str, Told] = {
        place: _figures(opened, load_examples(opened, measure, place, datasets), routers, single)
        for place in (split, report_on)
        if place
    }
    table = _table(told, single)
    terminal.out.print(table)
    with Tracker(opened.path).run(
        "zooter-beta", {"measure": measure, "routers": routers, "splits": list(told)}, "routes"
    ) as run:
        figure = _plot(told, measure, single)
        figure.savefig(folder / "zooter_beta.png", dpi=150, bbox_inches="tight")
        (folder / "zooter_beta.md").write_text(_markdown(told), "utf-8")
        run.log_figure(figure, "zooter_beta.png")
        run.log_text(_markdown(told), "zooter_beta.md")


Told = dict[float | str, tuple[Estimate, Estimate | None]]


def _best_llm(store: Store, measure: str, datasets: list[str] | None) -> str:
    """BestSingle, chosen on validation."""
    held = load_examples(store, measure, "validation", datasets)
    columns = np.broadcast_to(np.arange(len(held.llms)), held.rewards.shape)
    known = np.isfinite(held.rewards)
    return held.llms[best_single(held.rewards, columns, known, len(held.llms))[1]]


def _figures(
    store: Store, examples: RoutingExamples, routers: dict[float, list[str]], single: str
) -> Told:
    """Quality by β, and minus BestSingle's; means over the routers of a β, prompt by prompt."""
    alone = examples.rewards[:, examples.llms.index(single)]
    found: Told = {"BestSingle": (mean_estimate(alone), None)}
    for beta, runs in routers.items():
        values = np.mean([_chosen(store, examples, run) for run in runs], axis=0)
        found[beta] = (mean_estimate(values), paired_difference(values, alone).estimate)
    return found


def _chosen(store: Store, examples: RoutingExamples, router: str) -> np.ndarray:
    """[Q] reward of the LLM of the highest utility; NaN where it has none."""
    rows = store.query("select prompt_id, llm, utility from routes where router = ?", [router])
    row_of = {prompt: row for row, prompt in enumerate(examples.prompt_ids)}
    place = {llm: column for column, llm in enumerate(examples.llms)}
    utilities = np.full(examples.rewards.shape, -np.inf)
    for row in rows.to_pylist():
        if row["prompt_id"] in row_of and row["llm"] in place:
            utilities[row_of[row["prompt_id"]], place[row["llm"]]] = row["utility"]
    picks: np.ndarray = np.take_along_axis(
        examples.rewards, utilities.argmax(axis=1)[:, None], axis=1
    )[:, 0]
    return picks


def _rows(told: dict[str, Told]) -> list[list[str]]:
    return [
        [split, str(beta), _span(quality), "–" if less is None else _span(less)]
        for split, found in told.items()
        for beta, (quality, less) in found.items()
    ]


def _span(e: Estimate) -> str:
    return f"{e.value:.3f} [{e.low:.3f}, {e.high:.3f}]"


def _table(told: dict[str, Told], single: str) -> Table:
    caption = f"β = 1: no enhancement. BestSingle: {single}, chosen on validation."
    columns = ("split", "β", "quality ↑", "minus BestSingle ↑")
    return terminal.table("ZOOTER: quality of its routes by β", columns, _rows(told), caption)


def _markdown(told: dict[str, Told]) -> str:
    head = "| split | β | quality | minus BestSingle |\n|---|---|---|---|\n"
    return head + "".join(f"| {' | '.join(row)} |\n" for row in _rows(told))


def _plot(told: dict[str, Told], measure: str, single: str) -> Any:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.2))
    axes = figure.add_subplot()
    for color, (split, found) in zip(("tab:blue", "tab:orange"), told.items(), strict=False):
        betas = [beta for beta in found if not isinstance(beta, str)]
        value = [found[beta][0].value for beta in betas]
        low, high = ([getattr(found[b][0], side) for b in betas] for side in ("low", "high"))
        axes.plot(betas, value, marker="o", color=color, label=f"ZOOTER, {split}")
        axes.fill_between(betas, low, high, color=color, alpha=0.15)
        alone = found["BestSingle"][0].value
        axes.axhline(alone, color=color, linestyle="--", label=f"BestSingle ({single}), {split}")
    axes.set_xlabel("β, share of a prompt's own reward (1: no tags)")
    axes.set_ylabel(f"mean {measure} of the LLM asked")
    axes.legend(fontsize=8)
    return figure


if __name__ == "__main__":
    try:
        auto_cli(zooter_beta, description=__doc__, as_positional=False)
    except WorkbenchError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
