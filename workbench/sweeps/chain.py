"""Chain: an Optuna study over route to m LLMs -> rank only those -> pick, or fuse the best.

Two objectives: quality, and mean cost a prompt. All but fusing works on what the store holds:
routes, pair logits, qualities and costs. The front is then looked at once on test.
"""

from pathlib import Path
from typing import Any, Literal

from workbench.errors import BadValue
from workbench.models.device import device_of
from workbench.models.inferring import check_inference
from workbench.stages.fusion_names import NONE
from workbench.store.labels import labels
from workbench.store.pool import check_names
from workbench.store.store import Store
from workbench.sweeps.chain_asked import Wanted, chosen_ranker, chosen_routers, space_of
from workbench.sweeps.chain_fused import WithFuser, with_fuser
from workbench.sweeps.chain_pool import ChainParts, load_chain_pool
from workbench.sweeps.chain_report import Chained
from workbench.sweeps.chain_study import ChainStudy
from workbench.sweeps.fusion_prompts import lexical_measure
from workbench.sweeps.objective import chosen_measure
from workbench.tracking import Tracker


def chain(
    store: Path,
    routers: list[str] | None = None,
    ranker: str | None = None,
    fuser: str | None = None,
    measure: str | None = None,
    cost: Literal["usd", "tokens", "calls", "parameters"] = "calls",
    comparison_cost: float = 0.0,
    fusion_cost: float | None = None,
    datasets: list[str] | None = None,
    llms: list[str] | None = None,
    trials: int = 200,
    m: list[int] | None = None,
    schemes: list[str] | None = None,
    orders: list[Literal["both", "left", "random"]] | None = None,
    schedules: list[str] | None = None,
    top_k: list[int] | None = None,
    fused_prompts: int | None = 200,
    split: Literal["train", "validation"] = "validation",
    report_on: Literal["test"] | None = "test",
    study: str | None = None,
    seed: int = 0,
    tokens_per_batch: int = 16384,
    precision: Literal["float32", "bfloat16"] = "float32",
    device: str = "auto",
) -> Chained:
    """Searches route to m LLMs, rank only those, pick or fuse; continues an unfinished study.

    Two objectives: quality, to be large, and mean cost a prompt, to be small: of all LLM calls,
    comparisons and fusions; what a router needs to read a prompt is not counted. Chains that
    nothing beats in both are the front; it is shown beside the single LLMs, BestSingle, Oracle,
    each router alone, and all LLMs ranked.

    Args:
        store: DuckDB file.
        routers: to choose from: run ids of routers that `route` has run, or their beginnings;
            BestSingle: LLMs in the order of their mean quality; Random; all: every LLM is asked.
            All of these by default.
        ranker: run id of a ranker that `compare` has run, or its beginning; the only one by
            default. Without any, one LLM is asked.
        fuser: run id of a training of a fuser, its beginning, a directory or a hub id; null or
            none: the best answer is taken as it is.
        measure: of quality; the only one in the store by default. With a fuser one of words and
            characters, such as rougeL@1.
        cost: unit of what an LLM call costs: usd; tokens of the answer; calls, 1 each;
            parameters, billions of the LLM's.
        comparison_cost: of one ordered comparison of two answers, in that unit.
        fusion_cost: of one fusion, in that unit; by default its tokens, one call, or the fuser's
            parameters.
        datasets: names of datasets, all by default.
        llms: to ask, all by default.
        trials: how many in all; a study started again does only those that are missing.
        m: how many LLMs are asked, to choose from; from 1 up to all but one by default.
        schemes: of ranking, to choose from, see `sweep`.
        orders: to choose from: both orders of a pair, left, random.
        schedules: to choose from: which pairs are compared.
        top_k: how many of the answers are fused, to choose from; 1 to 3 by default.
        fused_prompts: with a fuser, how many prompts of each split are used, drawn by the seed;
            null for all.
        split: on which trials are judged, and BestSingle and the LLMs' mean costs are taken.
        report_on: split on which the front is looked at once; null for none.
        study: name of the study, made from the settings by default.
        seed: of the sampler, random LLMs, random orders and the draw of prompts.
        tokens_per_batch: budget of the fuser's batch in tokens.
        precision: of the fuser's arithmetic.
        device: of the fuser: cpu, cuda, mps …; auto takes an accelerator where there is one.

    Raises:
        BadValue, UnknownName: an option that cannot be used, or a study that another search has
            made, before any trial.
        MissingInput: no routes, no comparisons for m > 1, an LLM without a cost, or no prompt of
            which all is known.
    """
    if trials < 1:
        raise BadValue("trials", trials, "a positive number")
    if not 0 <= comparison_cost < float("inf"):
        raise BadValue("comparison_cost", comparison_cost, "a number that is not negative")
    if fused_prompts is not None and fused_prompts < 1:
        raise BadValue("fused_prompts", fused_prompts, "a positive number")
    opened = Store(store)
    check_names(opened, "dataset", datasets)
    check_names(opened, "llm", llms)
    check_inference((0,), tokens_per_batch, precision)
    place, fuser = device_of(device), None if fuser == NONE else fuser
    measure = lexical_measure(opened, measure) if fuser else chosen_measure(opened, measure)
    wanted = Wanted(routers, m, top_k, schemes, list(orders) if orders else None, schedules)
    found = chosen_ranker(opened, ranker, wanted)
    if fuser and found is None:
        raise BadValue("fuser", fuser, "null where one LLM is asked: there is nothing to fuse")
    splits = [split, *([report_on] if report_on else [])]
    routed, untrained = chosen_routers(opened, routers, datasets, splits)
    limit = fused_prompts if fuser else None
    parts = ChainParts(measure, cost, routed, found, seed, bool(fuser), limit)
    tuned = load_chain_pool(opened, parts, datasets, split, llms)
    tested = None
    if report_on:
        tested = load_chain_pool(opened, parts, datasets, report_on, llms, tuned)
    pools = [tuned, *([tested] if tested else [])]
    space = space_of(wanted, routed, untrained, measure, seed, pools, bool(fuser))
    tracker = Tracker(opened.path)
    options = {"tokens_per_batch": tokens_per_batch, "precision": precision}
    last: WithFuser | None = None
    if fuser:
        last = with_fuser(opened, tracker, fuser, space, tuned, cost, fusion_cost, place, options)
    config: dict[str, Any] = {
        "routers": space.routers, "ranker": found, "fuser": last.fuser.id if last else None,
        "decoding": str(last.decoding) if last else None, "measure": measure, "cost": cost,
        "comparison_cost": comparison_cost, "fusion_cost": last.cost if last else None,
        "datasets": datasets, "llms": tuned.pool.llms, "m": space.m,
        "ranking": vars(space.ranking) if space.ranking else None, "fused_prompts": limit,
        "split": split, "study": study, "seed": seed,
    }  # fmt: skip
    kept = labels(opened)
    asked = ChainStudy(opened, tracker, config, space, found or "", last, kept, report_on)
    return asked.done(tuned, tested, trials)
