"""What the winning answers of two LLMs have that others lack, counted on a sample of prompts."""

import duckdb
import pyarrow as pa

from dashboards.queries.duel import Duel, take_duel, take_said
from dashboards.queries.scored import table

SAMPLE = 2_000
"""Prompts whose two answers are looked at; ties say nothing and are left out."""
FIRST_WORDS = 200
"""Words of an answer in which phrases are looked for."""
AT_LEAST = 5
"""Answers that a phrase must be in, to be looked at."""
PRIOR = 10.0
"""Answers that the prior is worth in `phrases`."""

# A list is two lines with a bullet or number; a refusal stands at the beginning of an answer.
_TRAITS = r"""
    create or replace temp table traits as
    from (
        select prompt_id, llm, won, length(text)::double as characters,
               len(regexp_extract_all(text, '\S+'))::double as words,
               100.0 * (len(regexp_extract_all(text, '(?m)^\s*(?:[-*•]|\d{1,3}[.)])\s+\S')) >= 2)
                   ::integer as list,
               100.0 * regexp_matches(text, '(?m)^\s*(?:```|~~~)|(?i)<code>')::integer as code,
               100.0 * regexp_matches(left(text, 250),
                   '(?i)\b(?:i[''’]m sorry|i am sorry|i apologi[sz]e|(?:as|i[''’]m|i am) an? ai\b|'
                   || 'i (?:can ?not|can[''’]t|am unable to|am not able to|won[''’]t|'
                   || 'do not have (?:the ability|access)|don[''’]t have (?:the ability|access)))'
                   )::integer as refusal
        from said
    ) unpivot (value for trait in (characters, words, list, code, refusal))
"""
# Against the other's answers: differences within prompts. Against its own: two separate means.
_CONTRASTS = """
    with means as (
        select llm, won, trait, avg(value) as mean, var_samp(value) / count(*) as square,
               count(*) as n
        from traits group by all
    )
    select w.llm as winner, 'other' as against, w.trait as trait, count(*) as answers,
           count(*) as against_answers, avg(w.value) as mean, avg(l.value) as against_mean,
           avg(w.value - l.value) as difference,
           stddev_samp(w.value - l.value) / sqrt(count(*)) as error
    from traits w join traits l using (prompt_id, trait)
    where w.won and not l.won group by all
    union all
    select w.llm, 'own', w.trait, w.n, l.n, w.mean, l.mean, w.mean - l.mean,
           sqrt(w.square + l.square)
    from means w join means l using (llm, trait) where w.won and not l.won
    order by winner, against, trait
"""
# Words that few answers have are dropped before pairs and triples are made: most of the work.
_GRAMS = r"""
    create or replace temp table grams as
    with lists as (
        select answer, regexp_extract_all(lower(text), '[\p{L}\p{N}]+(?:[''’]\p{L}+)*')
                       [:$first_words] as words
        from said
    ), words as materialized (
        select answer, unnest(words) as word, generate_subscripts(words, 1) as place from lists
    ), known as (
        select word from words group by word having count(distinct answer) >= $at_least
    ), runs as (
        select answer, known.word as one, lead(known.word) over later as two,
               lead(known.word, 2) over later as three
        from words left join known using (word)
        window later as (partition by answer order by place)
    ), phrases as (
        select answer, one as phrase from runs where one is not null
        union
        select answer, one || ' ' || two from runs where one is not null and two is not null
        union
        select answer, one || ' ' || two || ' ' || three from runs
        where one is not null and two is not null and three is not null
    )
    select phrase, llm, won, count(*) as n from phrases join said using (answer)
    group by all
"""
# Log-odds with an informative Dirichlet prior (Monroe, Colaresi & Quinn 2008, "Fightin' Words",
# section 3.3): the prior is what both groups have together, worth $prior answers. A phrase counts
# once an answer, so that one answer that repeats it does not look like many; the odds are those
# among all phrases of a group, so that longer answers do not have more of everything.
_PHRASES = """
    with sides as (
        select w.llm as winner, w.answers, o.llm as other, o.won as other_won,
               o.answers as against_answers
        from (select llm, won, count(*) as answers from said group by all) w
        join (select llm, won, count(*) as answers from said group by all) o
          on not o.won and (o.llm = w.llm) = ($against = 'own')
        where w.won
    ), counts as (
        select winner, answers, against_answers, phrase,
               coalesce(sum(n) filter (llm = winner and won), 0)::double as found,
               coalesce(sum(n) filter (llm = other and won = other_won), 0)::double
                   as against_found
        from sides cross join grams group by all
        having found + against_found >= $at_least
    ), priors as (
        select *, $prior * (found + against_found) / (answers + against_answers) as prior
        from counts
    ), odds as (
        select *, found + prior as y, against_found + prior as against_y,
               sum(found + prior) over (partition by winner) as n,
               sum(against_found + prior) over (partition by winner) as against_n
        from priors
    ), differences as (
        select winner, phrase, found::bigint as found, answers,
               against_found::bigint as against_found, against_answers,
               ln(y / greatest(n - y, 0.5)) - ln(against_y / greatest(against_n - against_y, 0.5))
                   as log_odds,
               sqrt(1 / y + 1 / against_y) as error,
               count(*) over (partition by winner) as looked_at
        from odds
    )
    select * exclude (error), log_odds / error as z from differences
    qualify row_number() over (partition by winner order by log_odds / error desc, phrase) <= $most
    order by winner, z desc, phrase
"""
_SIZE = """
    select (select count(distinct prompt_id) from said) as prompts, count(*) as "of"
    from duel where won <> 0.5
"""


def traits(db: duckdb.DuckDBPyConnection, two: Duel) -> dict[str, pa.Table]:
    """Length, lists, code and refusals of winning answers, against others.

    Returns:
        contrasts: winner, against ('other': the other LLM's answers to the same prompts; 'own': its
            answers that lose), trait (characters, words; percent with list, code or refusal),
            answers, against_answers, mean, against_mean, difference, error (its standard error).
        size: prompts that were looked at, of those without ties: one row.
    """
    take_duel(db, two)
    take_said(db, two, SAMPLE)
    db.execute(_TRAITS)
    return {"contrasts": table(db, _CONTRASTS), "size": table(db, _SIZE)}


def phrases(db: duckdb.DuckDBPyConnection, two: Duel, against: str, most: int) -> pa.Table:
    """Phrases of one to three words that more of the winning answers have than of others.

    Args:
        db: the connection.
        two: the LLMs.
        against: 'other' or 'own', as in `traits`.
        most: phrases of each winner.

    Returns:
        winner, phrase, found (in how many of its winning answers), answers, against_found,
        against_answers, log_odds, looked_at (phrases that were compared), z, the highest first.
    """
    take_duel(db, two)
    take_said(db, two, SAMPLE)
    db.execute(_GRAMS, {"first_words": FIRST_WORDS, "at_least": AT_LEAST})
    given = {"against": against, "prior": PRIOR, "at_least": AT_LEAST, "most": most}
    return table(db, _PHRASES, given)
