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


def model_names(models: pa.Table, kind: str) -> dict[str, str]:
    """Name on the page -> id of the rankers or routers of `queries.models.models`."""
    rows = [row for row in models.to_pylist() if row["kind"] == kind]
    texts = [row["label"] or short(row["id"]) for row in rows]
    count = Counter(texts)
    names = [
        text if count[text] == 1 else f"{text} ({short(row['id'])})"
        for text, row in zip(texts, rows, strict=True)
    ]
    return dict(zip(names, [row["id"] for row in rows], strict=True))


def ranking_name(ranker: str, scheme: str, names: Mapping[str, str]) -> str:
    """What a ranker (id) with a scheme is called; `names` as of `model_names`."""
    called = {given: name for name, given in names.items()}
    return f"{called.get(ranker) or short(ranker)}, {short_scheme(scheme)}"
