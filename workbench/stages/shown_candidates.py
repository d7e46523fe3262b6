"""Which candidates of each prompt a fuser is shown, and in which order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import pyarrow as pa

from workbench import terminal
from workbench.aggregation.seeds import check_seed
from workbench.errors import BadValue, MissingInput, UnknownName
from workbench.stages.chosen_ranking import ChosenRanking
from workbench.stages.rankers import short
from workbench.store.store import Store

Order = Literal["rank", "reversed", "shuffled"]

_WANTED = """
    select prompt_id from prompts
    where ($datasets is null or list_contains($datasets, dataset))
      and list_contains($splits, split)
"""
# Random choices are hashes of a seed and an id: they stay when other prompts or candidates come.
_DRAWN = "md5({what} || $seed || ':' || candidate_id)"
_BY_RANK = """
    select prompt_id, candidate_id, rank from rankings semi join wanted using (prompt_id)
    where ranker = $ranker and scheme = $scheme
"""
_BY_CHANCE = f"""
    select prompt_id, candidate_id, {_DRAWN.format(what="'random'")} as rank
    from candidates semi join wanted using (prompt_id)
"""  # noqa: S608
_ORDERS = {
    "rank": "place",
    "reversed": "place desc",
    "shuffled": _DRAWN.format(what="'shuffled'"),
}
_SHOWN = """
    with wanted as ({wanted}), ranked as ({ranked}), placed as (
        select *, row_number() over (partition by prompt_id order by rank, candidate_id) as place
        from ranked
    )
    select prompt_id,
           list(candidate_id order by {order}) filter (place <= $top_k) as candidate_ids,
           coalesce(max(rank) filter (place = $top_k)
                    = max(rank) filter (place = $top_k + 1), false) as tied
    from placed group by prompt_id order by prompt_id
"""
_ANSWERED = f"""
    select count(distinct prompt_id) as n from candidates
    semi join ({_WANTED}) using (prompt_id)
"""  # noqa: S608


@dataclass(frozen=True)
class Selection:
    """Which candidates are wanted.

    Attributes:
        ranking: orders the candidates of each prompt.
        top_k: at most so many of a prompt, its best. Where ranks tie, those with the smaller id;
            equal texts of several LLMs stand side by side, as in LLM-Blender: that LLMs agree
            tells the fuser something too.
        order: how they are shown: best first, best last, or shuffled.
        seed: of the shuffled order; each prompt has its own.
        datasets, splits: of which prompts; None means all datasets.

    Raises:
        BadValue, UnknownName: a value that none of these can have.
    """

    ranking: ChosenRanking
    top_k: int
    order: Order
    seed: int
    datasets: Sequence[str] | None
    splits: Sequence[str]

    def __post_init__(self) -> None:
        if self.top_k < 1:
            raise BadValue("top_k", self.top_k, "a positive number of candidates")
        if self.order not in get_args(Order):
            raise UnknownName("order", self.order, get_args(Order))
        check_seed(self.seed)

    @property
    def candidate_order(self) -> str:
        """The order's canonical text, as the store holds it."""
        return f"shuffled(seed={self.seed})" if self.order == "shuffled" else self.order


def shown_candidates(store: Store, wanted: Selection, told: bool = True) -> dict[str, list[str]]:
    """Prompt -> ids of the candidates to show, in that order; sorted by prompt.

    Prompts that have candidates and no ranking are told on the terminal, and so are ties at the
    last place that is shown, unless `told` is False.

    Raises:
        MissingInput: no prompt that is wanted is ranked.
    """
    ranking = wanted.ranking
    chosen: dict[str, object] = {"datasets": wanted.datasets, "splits": list(wanted.splits)}
    ranked = _BY_RANK if ranking.seed is None else _BY_CHANCE
    sql = _SHOWN.format(wanted=_WANTED, ranked=ranked, order=_ORDERS[wanted.order])
    own = {"ranker": ranking.ranker, "scheme": ranking.scheme, "seed": str(wanted.seed)}
    used = {name: value for name, value in own.items() if f"${name}" in sql}
    rows = store.query(sql, {**chosen, **used, "top_k": wanted.top_k})
    answered = int(store.query(_ANSWERED, chosen)["n"][0].as_py())
    if not rows.num_rows:
        raise MissingInput(
            f"no prompt of datasets={wanted.datasets or 'all'}, splits={chosen['splits']} is "
            f"ranked by {short(ranking.ranker)} with {ranking.scheme}: run `workbench compare` "
            "and `workbench aggregate` there first"
        )
    if told:
        _say(rows, answered, wanted)
    ids = zip(rows["prompt_id"].to_pylist(), rows["candidate_ids"].to_pylist(), strict=True)
    return dict(ids)


def _say(rows: pa.Table, answered: int, wanted: Selection) -> None:
    """Tells what was left out, and where chance has chosen."""
    if lacking := answered - rows.num_rows:
        terminal.say(f"{lacking} of {answered} prompts are left out: they have no ranking")
    if tied := sum(rows["tied"].to_pylist()):
        terminal.say(
            f"{tied} of {rows.num_rows} prompts: {wanted.ranking.scheme} ties the candidate of "
            f"place {wanted.top_k} with the next; of equals the smaller id is shown"
        )
