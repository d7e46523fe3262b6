"""Which pairs of answers a judge is to compare, and what it has not compared yet."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from workbench.quality.judge import Pair
from workbench.store.store import Store

_CHUNK = 5000  # pairs whose texts are read together

# Of a fusion the ranker's pick is the shown candidate that its ranking puts first; where no
# ranking is kept, the one that stands first in the order by rank.
_PAIRS = """
    with chosen as (
        select c.candidate_id, c.prompt_id
        from candidates c join prompts p using (prompt_id)
        where c.text is not null
          and ($datasets is null or list_contains($datasets, p.dataset))
          and list_contains($splits, p.split)
          and ($llms is null or list_contains($llms, c.llm))
    ), fused as (
        select * from fusions
        where $fusions <> 'none' and ($fuser is null or starts_with(fuser, $fuser))
    ), shown as (
        select fusion_id, ranker, scheme, candidate_order, unnest(candidate_ids) as candidate_id,
               generate_subscripts(candidate_ids, 1) as place
        from fused
    ), against as (
        select f.fusion_id, c.candidate_id
        from fused f join chosen c using (prompt_id) where $fusions = 'all'
        union all
        select fusion_id, candidate_id from shown where $fusions = 'shown'
        union all
        select s.fusion_id, arg_min(s.candidate_id, (
            coalesce(r.rank, 1000000),
            case s.candidate_order when 'reversed' then -s.place else s.place end))
        from shown s
        left join rankings r on r.ranker = s.ranker and r.scheme = s.scheme
                            and r.candidate_id = s.candidate_id
        where $fusions = 'pick' group by s.fusion_id
    ), pairs as (
        select l.prompt_id, l.candidate_id as one, r.candidate_id as other
        from chosen l join chosen r on l.prompt_id = r.prompt_id and l.candidate_id < r.candidate_id
        where $candidates
        union
        select c.prompt_id, least(a.fusion_id, a.candidate_id),
               greatest(a.fusion_id, a.candidate_id)
        from against a join chosen c using (candidate_id)
    ), sampled as (
        select * from pairs
        qualify $pairs_per_prompt is null or row_number() over (
            partition by prompt_id order by md5($seed || one || other)) <= $pairs_per_prompt
    ), presented as (
        select prompt_id, one as left_id, other as right_id, one, other from sampled
        where $order = 'both' or md5_number($seed || one || other) % 2 = 0
        union all
        select prompt_id, other, one, one, other from sampled
        where $order = 'both' or md5_number($seed || one || other) % 2 = 1
    )
"""
_COUNT = f"{_PAIRS} select count(*) as n from presented"  # noqa: S608
_MISSING = f"""
    {_PAIRS}
    select prompt_id, left_id, right_id from presented
    where not exists (
        select 1 from verdicts done
        where done.judge = $judge and done.prompt_id = presented.prompt_id
          and done.left_id = presented.left_id and done.right_id = presented.right_id)
    order by prompt_id, one, other, left_id
"""  # noqa: S608
_TEXTS = """
    select w.prompt_id, w.left_id, w.right_id, p.instruction, p.input, l.text as left,
           r.text as right, p.reference
    from wanted w
    join prompts p on p.prompt_id = w.prompt_id
    join answers l on l.answer_id = w.left_id
    join answers r on r.answer_id = w.right_id
    order by w.place
"""


@dataclass(frozen=True)
class PairChoice:
    """Which pairs of answers; the options of the stage `judge` of the same names."""

    datasets: Sequence[str] | None
    splits: Sequence[str]
    llms: Sequence[str] | None
    candidates: bool
    fusions: Literal["none", "pick", "shown", "all"]
    fuser: str | None
    pairs_per_prompt: int | None
    order: Literal["both", "random"]
    seed: int

    def parameters(self) -> dict[str, object]:
        """Parameters of the queries."""
        given = dict(vars(self))
        lists = {
            name: None if value is None else list(value)
            for name, value in given.items()
            if name in ("datasets", "splits", "llms")
        }
        return given | lists | {"seed": str(self.seed)}


def count_pairs(store: Store, choice: PairChoice) -> int:
    """How many presentations of pairs are chosen, judged before or not."""
    return int(store.query(_COUNT, choice.parameters())["n"][0].as_py())


def missing_pairs(store: Store, choice: PairChoice, judge: str) -> pa.Table:
    """`prompt_id, left_id, right_id` of those that this judge has not judged, prompt by prompt."""
    return store.query(_MISSING, choice.parameters() | {"judge": judge})


def with_texts(store: Store, pairs: pa.Table) -> Iterator[Pair]:
    """The pairs with their texts, read some thousands at a time."""
    for start in range(0, pairs.num_rows, _CHUNK):
        chunk = pairs.slice(start, _CHUNK)
        wanted = chunk.append_column("place", pa.array(range(chunk.num_rows)))
        with store.reading() as db:
            db.register("wanted", wanted)
            rows = db.sql(_TEXTS).to_arrow_table().to_pylist()
        yield from (Pair(**row) for row in rows)


def described(choice: PairChoice) -> Mapping[str, object]:
    """The choice for people: what is not at its default."""
    return {name: value for name, value in vars(choice).items() if value not in (None, "none")}
