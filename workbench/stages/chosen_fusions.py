"""Which fusion systems of the store an evaluation compares, and what it sees of them."""

from collections.abc import Collection, Sequence
from dataclasses import astuple, fields
from typing import Any

import pyarrow as pa

from workbench import terminal
from workbench.errors import UnknownName
from workbench.stages.fusion_names import NONE, FusionSystem
from workbench.store.fingerprint import fingerprint
from workbench.store.store import Store

NAMED_FUSIONS = f"""
    select fusion_id, prompt_id, candidate_ids, tokens_in, tokens_out, latency_s,
           length(text) as characters, text,
           fuser, coalesce(ranker, '{NONE}') as ranker, coalesce(scheme, '{NONE}') as scheme,
           top_k, coalesce(candidate_order, '') as candidate_order,
           coalesce(decoding, '') as decoding
    from fusions where not starts_with(coalesce(scheme, ''), 'chain(')
"""  # noqa: S608
"""Fusions with the columns of a `FusionSystem` as this has them; but those of chains, which were
shown what a route has asked for, and which `chain` tells of."""
COLUMNS = tuple(field.name for field in fields(FusionSystem))


def chosen_fusions(
    store: Store,
    fuser: str | None,
    rankings: Collection[tuple[str, str]] | None,
    config: dict[str, Any],
) -> list[FusionSystem]:
    """The systems with a measured fusion, sorted. Those without one are told on the terminal.

    Args:
        store: holds the fusions.
        fuser: id of a fuser, or its beginning; `none`: no fusions; None: all fusers.
        rankings: pairs of the rankers and schemes whose candidates were fused, beside those that
            were taken at random; None: any.
        config: `measures`, `datasets` and `splits` that count.

    Raises:
        UnknownName: no fuser with fusions has such an id.
    """
    if fuser == NONE or not config["measures"]:
        return []
    rows = store.query(
        f"""
        select {", ".join(COLUMNS)}, count(q.value) as measured
        from ({NAMED_FUSIONS}) f
        join prompts p using (prompt_id)
        left join qualities q
            on q.candidate_id = f.fusion_id and list_contains($measures, q.measure)
        where list_contains($datasets, p.dataset) and list_contains($splits, p.split)
        group by all
        """,  # noqa: S608
        {name: list(config[name]) for name in ("measures", "datasets", "splits")},
    )
    _check_fuser(store, fuser)
    found = {FusionSystem(**row): n for row in rows.to_pylist() for n in [row.pop("measured")]}
    wanted = {
        system: measured
        for system, measured in found.items()
        if system.fuser.startswith(fuser or "")
        and (rankings is None or system.random or (system.ranker, system.scheme) in rankings)
    }
    if unmeasured := sum(not measured for measured in wanted.values()):
        terminal.say(
            f"{unmeasured} of {len(wanted)} kinds of fusions are not measured, and left out: run "
            "`workbench measure`"
        )
    used = [system for system, measured in wanted.items() if measured]
    return sorted(used, key=lambda system: system.place)


def seen_fusions(
    store: Store, systems: Sequence[FusionSystem], config: dict[str, Any]
) -> list[str]:
    """Fingerprint of the fusions of some systems and of their qualities; none without systems.

    Args:
        store: holds the fusions.
        systems: of `chosen_fusions`.
        config: `measures` and `datasets` that count.
    """
    if not systems:
        return []
    with_system = ", ".join(COLUMNS)
    chosen = [dict(zip(COLUMNS, astuple(system), strict=True)) for system in systems]
    seen = fingerprint(
        store,
        f"""
        select f.*, p.split, q.measure, q.value
        from ({NAMED_FUSIONS}) f
        join prompts p using (prompt_id)
        join (select unnest($systems, recursive := true)) s using ({with_system})
        left join qualities q
            on q.candidate_id = f.fusion_id and list_contains($measures, q.measure)
        where list_contains($datasets, p.dataset)
        """,  # noqa: S608
        {"systems": chosen, "measures": config["measures"], "datasets": config["datasets"]},
    )
    return [seen]


def systems_table(systems: Sequence[FusionSystem]) -> pa.Table:
    """The columns of the systems, and `system`, their place in the sequence."""
    columns = {name: [getattr(system, name) for system in systems] for name in COLUMNS}
    return pa.table({"system": range(len(systems)), **columns})


def _check_fuser(store: Store, fuser: str | None) -> None:
    if fuser:
        known = store.query("select distinct fuser from fusions")["fuser"].to_pylist()
        if not any(name.startswith(fuser) for name in known):
            raise UnknownName("fuser with fusions", fuser, [*known, NONE])
