"""Pools of candidates as arrays: prompts down, candidates of each prompt across.

Every array of a pool shares the axes [Q, N]: Q prompts, N candidates of the prompt that has
most. A prompt with fewer is padded; `mask` tells which places are real. Candidates of a prompt
are ordered by LLM, decoding and id, so that equal stores give equal arrays.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from workbench.errors import MissingInput, UnknownName
from workbench.store.store import Store


@dataclass(frozen=True)
class Pool:
    """Who answered what.

    Attributes:
        prompt_ids: Q ids, sorted by dataset and id.
        dataset, category: of each prompt; category is '' where the source has none.
        candidate_ids: [Q, N] text, None outside the mask.
        mask: [Q, N] bool, a real candidate.
        llm: [Q, N] int, index into `llms`, -1 outside the mask.
        llms: names, sorted.
        length: [Q, N] int, characters of the text, 0 outside the mask and where it is not known.
    """

    prompt_ids: list[str]
    dataset: list[str]
    category: list[str]
    candidate_ids: np.ndarray
    mask: np.ndarray
    llm: np.ndarray
    llms: list[str]
    length: np.ndarray

    def places(self) -> pa.Table:
        """`candidate_id, q, n`: where each candidate stands, to join against in SQL."""
        q, n = np.nonzero(self.mask)
        ids = pa.array(self.candidate_ids[q, n], pa.string())
        return pa.table({"candidate_id": ids, "q": q.astype(np.int32), "n": n.astype(np.int32)})

    def subset(self, prompts: np.ndarray) -> "Pool":
        """The pool of the prompts chosen by a bool [Q] or an index array; N stays."""
        index = np.flatnonzero(prompts) if prompts.dtype == bool else prompts
        return Pool(
            prompt_ids=[self.prompt_ids[i] for i in index],
            dataset=[self.dataset[i] for i in index],
            category=[self.category[i] for i in index],
            candidate_ids=self.candidate_ids[index],
            mask=self.mask[index],
            llm=self.llm[index],
            llms=self.llms,
            length=self.length[index],
        )


def load_pool(
    store: Store,
    datasets: Sequence[str] | None = None,
    split: str | None = None,
    llms: Sequence[str] | None = None,
    with_text: bool = False,
) -> Pool:
    """The candidates of the chosen datasets, split and LLMs; None takes all.

    `with_text` leaves out candidates of which only the quality is known.

    Raises:
        UnknownName: a dataset or LLM that the store does not hold.
        MissingInput: no prompt is left.
    """
    rows = store.query(
        """
        select p.prompt_id, p.dataset, coalesce(p.category, '') as category,
               c.candidate_id, c.llm, coalesce(length(c.text), 0) as length
        from prompts p join candidates c using (prompt_id)
        where ($datasets is null or list_contains($datasets, p.dataset))
          and ($split is null or p.split = $split)
          and ($llms is null or list_contains($llms, c.llm))
          and (not $with_text or c.text is not null)
        order by p.dataset, p.prompt_id, c.llm, c.decoding, c.candidate_id
        """,
        {
            "datasets": list(datasets) if datasets is not None else None,
            "split": split,
            "llms": list(llms) if llms is not None else None,
            "with_text": with_text,
        },
    )
    for kind, names in (("dataset", datasets), ("llm", llms)):
        # What has rows is known; to open the store once more takes longer than most queries.
        there = set(rows[kind].unique().to_pylist())
        check_names(store, kind, [name for name in names or () if name not in there])
    if rows.num_rows == 0:
        raise MissingInput(
            f"no candidates{' with a text' if with_text else ''} in {store.path} for "
            f"datasets={datasets or 'all'}, split={split or 'all'}: `workbench info` tells what "
            "is there"
        )
    return _arranged(rows)


def _arranged(rows: pa.Table) -> Pool:
    prompt = rows["prompt_id"].combine_chunks().dictionary_encode()
    q = prompt.indices.to_numpy()  # rows come sorted, so codes count up with the prompts
    first = np.flatnonzero(np.r_[True, q[1:] != q[:-1]])
    n = np.arange(len(q)) - first[q]
    names = sorted(rows["llm"].unique().to_pylist())
    code = {name: i for i, name in enumerate(names)}
    shape = (len(first), int(n.max()) + 1)
    mask = np.zeros(shape, bool)
    mask[q, n] = True
    candidate_ids = np.full(shape, None, object)
    candidate_ids[q, n] = rows["candidate_id"].to_pylist()
    llm = np.full(shape, -1, np.int32)
    llm[q, n] = [code[name] for name in rows["llm"].to_pylist()]
    length = np.zeros(shape, np.int64)
    length[q, n] = rows["length"].to_numpy()
    heads = rows.take(first)
    return Pool(
        prompt_ids=prompt.dictionary.to_pylist(),
        dataset=heads["dataset"].to_pylist(),
        category=heads["category"].to_pylist(),
        candidate_ids=candidate_ids,
        mask=mask,
        llm=llm,
        llms=names,
        length=length,
    )


def load_quality(store: Store, pool: Pool, measure: str) -> np.ndarray:
    """Quality [Q, N] float64 of a pool's candidates by one measure, NaN where not measured.

    Raises:
        UnknownName: the store holds no value of this measure.
    """
    with store.reading() as db:
        db.register("places", pool.places())
        rows = db.sql(
            "select q, n, value from qualities join places using (candidate_id) where measure = ?",
            params=[measure],
        ).fetchnumpy()
    if not len(rows["q"]):
        check_names(store, "measure", [measure])
    quality = np.full(pool.mask.shape, np.nan)
    quality[rows["q"], rows["n"]] = rows["value"]
    return quality


def load_logits(store: Store, pool: Pool, ranker: str) -> np.ndarray:
    """Pair logits L [Q, N, N] float32 of a pool, NaN where not compared; row: shown left.

    Raises:
        UnknownName: the store holds no comparison by this ranker.
    """
    with store.reading() as db:
        db.register("places", pool.places())
        rows = db.sql(
            """
            select l.q, l.n as i, r.n as j, c.logit
            from comparisons c
            join places l on l.candidate_id = c.left_id
            join places r on r.candidate_id = c.right_id
            where c.ranker = ?
            """,
            params=[ranker],
        ).fetchnumpy()
    if not len(rows["q"]):
        check_names(store, "ranker", [ranker])
    logits = np.full((*pool.mask.shape, pool.mask.shape[1]), np.nan, np.float32)
    logits[rows["q"], rows["i"], rows["j"]] = rows["logit"]
    return logits


def load_texts(store: Store, pool: Pool) -> tuple[list[tuple[str, str]], np.ndarray]:
    """(instruction, input) of each prompt, and the candidates' texts [Q, N] (None: not known)."""
    texts = np.full(pool.mask.shape, None, object)
    with store.reading() as db:
        db.register("places", pool.places())
        rows = db.sql("select q, n, text from candidates join places using (candidate_id)")
        found = rows.to_arrow_table()
        db.register("wanted", pa.table({"prompt_id": pa.array(pool.prompt_ids, pa.string())}))
        prompts = db.sql(
            "select prompt_id, instruction, input from prompts join wanted using (prompt_id)"
        ).to_arrow_table()
    texts[found["q"].to_numpy(), found["n"].to_numpy()] = found["text"].to_pylist()
    by_id = {p["prompt_id"]: (p["instruction"], p["input"]) for p in prompts.to_pylist()}
    return [by_id[i] for i in pool.prompt_ids], texts


def load_references(store: Store, pool: Pool) -> list[str | None]:
    """Reference answer of each prompt, None where there is none."""
    with store.reading() as db:
        db.register("wanted", pa.table({"prompt_id": pa.array(pool.prompt_ids, pa.string())}))
        rows = db.sql("select prompt_id, reference from prompts join wanted using (prompt_id)")
        found = rows.to_arrow_table().to_pylist()
    by_id = {row["prompt_id"]: row["reference"] for row in found}
    return [by_id[prompt] for prompt in pool.prompt_ids]


_NAMES = {
    "dataset": "select distinct dataset from prompts",
    "llm": "select llm from llms",
    "measure": "select distinct measure from qualities",
    "ranker": "select distinct ranker from comparisons",
    "router": "select distinct router from routes",
    "category": "select distinct category from prompts where category <> ''",
    "tagger": "select distinct tagger from tags",
}


def names_of(store: Store, kind: str) -> list[str]:
    """The datasets, llms, measures and so on (`kind`, singular) that the store holds, sorted."""
    return sorted(store.query(_NAMES[kind]).column(0).to_pylist())


def check_names(store: Store, kind: str, names: Sequence[str] | None) -> None:
    """Raises UnknownName for the first of `names` that the store does not hold."""
    if not names:
        return
    known = names_of(store, kind)
    for name in names:
        if name not in known:
            raise UnknownName(kind, name, known)


def load_scores(store: Store, pool: Pool, ranker: str, scheme: str) -> np.ndarray:
    """A ranking's scores [Q, N] float64, -inf outside the mask, NaN for a candidate not ranked."""
    with store.reading() as db:
        db.register("places", pool.places())
        rows = db.sql(
            "select q, n, score from rankings join places using (candidate_id) "
            "where ranker = ? and scheme = ?",
            params=[ranker, scheme],
        ).fetchnumpy()
    scores = np.where(pool.mask, np.nan, -np.inf)
    scores[rows["q"], rows["n"]] = rows["score"]
    return scores
