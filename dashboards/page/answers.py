"""The candidates of a prompt in the order of their scores, and what each is called."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any

import pyarrow as pa

from dashboards.queries.scored import Scorer
from workbench.stages.rankers import short


@dataclass(frozen=True)
class Answers:
    """The candidates of a prompt, best first."""

    rows: Sequence[Mapping[str, Any]]
    """Rows of `candidates` of `one_prompt`."""
    scores: Mapping[str, float]
    """candidate_id -> score by who says what is best; of a router that of its LLM."""
    names: Mapping[str, str]
    """candidate_id -> its LLM; with the decoding, or its id, where that tells it apart."""

    @property
    def order(self) -> list[str]:
        """Names of the candidates, best first."""
        return [self.names[row["candidate_id"]] for row in self.rows]

    @property
    def best(self) -> set[str]:
        """LLMs whose answer is best; of equals all, without scores none."""
        top = max(self.scores.values(), default=None)
        return (
            {row["llm"] for row in self.rows if self.scores.get(row["candidate_id"]) == top}
            if (self.scores)
            else set()
        )

    def name(self, answer: str) -> str:
        """What any answer is called: a fusion, or a candidate that is gone, by its id."""
        return self.names.get(answer) or f"answer {short(answer)}"


def answers_of(found: Mapping[str, pa.Table], scorer: Scorer) -> Answers:
    """The candidates of `one_prompt`, sorted by a scorer; those without a score last."""
    rows = found["candidates"].to_pylist()
    scores = _scores(found, scorer, rows)
    scores = {one: score for one, score in scores.items() if not isnan(score)}
    rows.sort(key=lambda row: -scores.get(row["candidate_id"], float("-inf")))
    return Answers(rows, scores, _names(rows))


def _scores(
    found: Mapping[str, pa.Table], scorer: Scorer, rows: Sequence[Mapping[str, Any]]
) -> dict[str, float]:
    if scorer.kind == "measure":
        qualities = found["qualities"].to_pylist()
        return {q["candidate_id"]: q["value"] for q in qualities if q["measure"] == scorer.scorer}
    if scorer.kind == "ranker":
        asked = (scorer.scorer, scorer.scheme)
        ranks = found["ranks"].to_pylist()
        return {r["candidate_id"]: r["score"] for r in ranks if (r["ranker"], r["scheme"]) == asked}
    routes = found["routes"].to_pylist()
    of_llm = {r["llm"]: r["utility"] for r in routes if r["router"] == scorer.scorer}
    return {row["candidate_id"]: of_llm[row["llm"]] for row in rows if row["llm"] in of_llm}


def _names(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    names = {row["candidate_id"]: row["llm"] for row in rows}
    for tell in ("decoding", "candidate_id"):
        count = Counter(names.values())
        for row in rows:
            name = names[row["candidate_id"]]
            if count[name] > 1 and row[tell]:
                names[row["candidate_id"]] = f"{name} ({row[tell][:60]})"
    return names
