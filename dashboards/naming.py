"""What rankers, fusers, routers and systems are called on the pages: by label, not by id alone."""

from collections import Counter
from collections.abc import Mapping, Sequence

import pyarrow as pa

from dashboards.queries.scored import Scorer
from workbench.stages.rankers import short, short_scheme


def scorer_names(scorers: pa.Table) -> dict[str, Scorer]:
    """Name on the page -> scorer, measures first; names are unique and the same at each visit."""
    rows = scorers.to_pylist()
    found = [Scorer(row["kind"], row["scorer"], row["scheme"]) for row in rows]
    labels = {row["scorer"]: row["label"] or short(row["scorer"]) for row in rows}
    texts = _told_apart([_name(one, labels) for one in found], found)
    return dict(zip(texts, found, strict=True))


def _name(scorer: Scorer, labels: Mapping[str, str]) -> str:
    if scorer.kind == "measure":
        return f"measure {scorer.scorer}"
    scheme = f", {short_scheme(scorer.scheme)}" if scorer.scheme else ""
    return f"{scorer.kind} {labels[scorer.scorer]}{scheme}"


def _told_apart(texts: Sequence[str], scorers: Sequence[Scorer]) -> list[str]:
    count = Counter(texts)
    return [
        text if count[text] == 1 else f"{text} ({short(scorer.scorer)})"
        for text, scorer in zip(texts, scorers, strict=True)
    ]
