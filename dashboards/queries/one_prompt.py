"""All that the store knows of one prompt."""

import duckdb
import pyarrow as pa

from dashboards.queries.scored import table

MOST_CHARS = 10_000
"""Characters of a text that a page shows; the whole of it downloads."""
MOST_ANSWERS = 200
"""Candidates, and fused answers, of a prompt that a page takes."""
MOST_VERDICTS = 500

_PROMPT = """
    select prompt_id, dataset, split, category,
           left(instruction, $chars) as instruction, length(instruction) as instruction_length,
           left(input, $chars) as input, length(input) as input_length,
           left(reference, $chars) as reference, length(reference) as reference_length
    from prompts where prompt_id = $prompt
"""
_TAGS = "select tagger, tag from tags where prompt_id = $prompt order by tagger, tag"
_CANDIDATES = """
    select candidate_id, llm, decoding, left(text, $chars) as text, length(text) as length,
           tokens_in, tokens_out, usd, latency_s
    from candidates where prompt_id = $prompt order by llm, decoding, candidate_id limit $most
"""
_QUALITIES = """
    select candidate_id, measure, value
    from qualities semi join (select candidate_id from candidates where prompt_id = $prompt)
        using (candidate_id)
    order by all
"""
_RANKS = """
    select ranker, scheme, m.value as label, candidate_id, score, rank
    from rankings left join meta m on m.name = 'ranker:' || ranker
    where prompt_id = $prompt order by ranker, scheme, rank, candidate_id
"""
_ROUTES = """
    select router, m.value as label, llm, utility
    from routes left join meta m on m.name = 'ranker:' || router
    where prompt_id = $prompt order by router, utility desc, llm
"""
_COMPARISONS = """
    with few as (select * from comparisons where prompt_id = $prompt)
    select a.ranker, m.value as label, a.left_id, a.right_id, a.logit,
           (a.logit::double + b.logit) / 2 as bias
    from few a
    left join few b on b.ranker = a.ranker and b.left_id = a.right_id and b.right_id = a.left_id
    left join meta m on m.name = 'ranker:' || a.ranker
    order by a.ranker, a.left_id, a.right_id
"""
_FUSIONS = """
    select fusion_id, fuser, f.value as fuser_label, ranker, r.value as ranker_label, scheme,
           top_k, candidate_order, decoding, candidate_ids,
           left(text, $chars) as text, length(text) as length, tokens_in, tokens_out, latency_s
    from fusions
    left join meta f on f.name = 'ranker:' || fuser
    left join meta r on r.name = 'ranker:' || ranker
    where prompt_id = $prompt
    order by fuser, ranker, scheme, top_k, candidate_order, decoding, fusion_id limit $most
"""
_FUSION_QUALITIES = """
    select candidate_id as fusion_id, measure, value
    from qualities
    semi join (select fusion_id as candidate_id from fusions where prompt_id = $prompt)
        using (candidate_id)
    order by all
"""
_VERDICTS = """
    select judge, left_id, right_id, verdict from verdicts
    where prompt_id = $prompt order by all limit $most
"""
_WHOLE = """
    select text from answers where answer_id = $text and $field = ''
    union all select instruction from prompts where prompt_id = $text and $field = 'instruction'
    union all select input from prompts where prompt_id = $text and $field = 'input'
    union all select reference from prompts where prompt_id = $text and $field = 'reference'
"""


def one_prompt(db: duckdb.DuckDBPyConnection, prompt: str) -> dict[str, pa.Table]:
    """A prompt with its answers, and what is thought of them; texts are cut at MOST_CHARS.

    Returns:
        prompt: prompt_id, dataset, split, category, and instruction, input and reference with
            their whole lengths; no row where there is no such prompt.
        tags: tagger, tag.
        candidates: candidate_id, llm, decoding, text, length, tokens_in, tokens_out, usd,
            latency_s.
        qualities: candidate_id, measure, value.
        ranks: ranker, scheme, label of the ranker, candidate_id, score, rank.
        routes: router, label, llm, utility.
    """
    of = {"prompt": prompt}
    return {
        "prompt": table(db, _PROMPT, of | {"chars": MOST_CHARS}),
        "tags": table(db, _TAGS, of),
        "candidates": table(db, _CANDIDATES, of | {"chars": MOST_CHARS, "most": MOST_ANSWERS}),
        "qualities": table(db, _QUALITIES, of),
        "ranks": table(db, _RANKS, of),
        "routes": table(db, _ROUTES, of),
    }


def compared_pairs(db: duckdb.DuckDBPyConnection, prompt: str) -> pa.Table:
    """Pair logits: ranker, label, left_id, right_id, logit, and bias, (L_ij + L_ji) / 2, which is
    NULL where a pair was compared in one order only."""
    return table(db, _COMPARISONS, {"prompt": prompt})


def fused_answers(db: duckdb.DuckDBPyConnection, prompt: str) -> dict[str, pa.Table]:
    """Fused answers to a prompt.

    Returns:
        fusions: fusion_id, fuser, fuser_label, ranker, ranker_label, scheme, top_k,
            candidate_order, decoding, candidate_ids (as the fuser read them), text, length,
            tokens_in, tokens_out, latency_s.
        qualities: fusion_id, measure, value.
    """
    of = {"prompt": prompt}
    return {
        "fusions": table(db, _FUSIONS, of | {"chars": MOST_CHARS, "most": MOST_ANSWERS}),
        "qualities": table(db, _FUSION_QUALITIES, of),
    }


def verdicts(db: duckdb.DuckDBPyConnection, prompt: str) -> pa.Table:
    """What judges said of two answers: judge, left_id, right_id, verdict."""
    return table(db, _VERDICTS, {"prompt": prompt, "most": MOST_VERDICTS})


def whole_text(db: duckdb.DuckDBPyConnection, text: str, field: str = "") -> str:
    """A text that was cut, whole.

    Args:
        text: id of a candidate or fusion; of a prompt with `field`.
        field: `instruction`, `input` or `reference` of the prompt.
    """
    found = table(db, _WHOLE, {"text": text, "field": field})["text"].to_pylist()
    return (found[0] if found else None) or ""
