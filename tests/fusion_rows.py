"""Fusions in a store, as the stage `fuse` writes them, without a fuser."""

from tiny_pipeline import execute

WRITE = """
    insert into fusions
    select md5(concat_ws(' ', prompt_id, ?, ?, ?, ?, ?, ?)) as fusion_id, ? as fuser, ? as ranker,
           ? as scheme, ? as top_k, prompt_id,
           list(candidate_id order by candidate_id)[:?] as candidate_ids,
           first(text order by candidate_id) as text, ? as candidate_order, ? as decoding,
           10 as tokens_in, 5 as tokens_out, 0.1 as latency_s
    from candidates join prompts using (prompt_id)
    where list_contains(?, dataset) and list_contains(?, split)
    group by prompt_id
"""


def add_fusions(
    store,
    fuser,
    ranker="r",
    scheme="max_logits;order=both;schedule=all",
    top_k=3,
    order="rank",
    decoding="beams=4",
    datasets=("simulated",),
    splits=("test",),
):
    """Writes one fusion of each prompt: the text of its first candidate."""
    own = (fuser, ranker, scheme, top_k, order, decoding)
    execute(store, WRITE, *map(str, own), *own[:4], top_k, *own[4:], list(datasets), list(splits))
