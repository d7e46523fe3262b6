"""What `scored_llms` holds, read row by row, to hold the pages' questions against."""

import math

from dashboards.queries.prompts import Wanted, found_prompts
from dashboards.queries.scored import Part, Scorer

BY_MEASURE = Scorer("measure", "rougeL@1")
BY_RANKER = Scorer("ranker", "benchmark-ranker", "max_wins;order=both;schedule=all")
BY_ROUTER = Scorer("router", "benchmark-router-a")
EVERY = 10_000


def scores(db, part, scorer):
    """prompt -> (category, LLM -> its best score)."""
    found = {}
    rows = db.execute(
        "select prompt_id, dataset, split, category, llm, score from scored_llms "
        "where kind = ? and scorer = ? and scheme = ?", [scorer.kind, scorer.scorer, scorer.scheme]
    ).fetchall()  # fmt: skip
    for prompt, dataset, split, category, llm, score in rows:
        wanted = ((part.datasets, dataset), (part.splits, split), (part.categories, category))
        if all(not few or one in few for few, one in wanted):
            of_prompt = found.setdefault(prompt, (category, {}))[1]
            of_prompt[llm] = max(score, of_prompt.get(llm, -math.inf))
    return found


def asked(db, part=Part(), scorer=BY_MEASURE, most=EVERY, offset=0, **wanted):  # noqa: B008
    """What the page Prompts asks."""
    return found_prompts(db, part, scorer, Wanted(**wanted), most, offset)
