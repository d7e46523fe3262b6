"""What an evaluation sees of the store, as fingerprints: other data, another run."""

from typing import Any

from workbench.store.fingerprint import fingerprint
from workbench.store.store import Store


def seen_data(store: Store, config: dict[str, Any]) -> str:
    """Fingerprints of the qualities, rankings and verdicts that a configuration names."""
    qualities = fingerprint(
        store,
        "select p.prompt_id, p.split, q.* from qualities q join candidates using (candidate_id) "
        "join prompts p using (prompt_id) "
        "where list_contains($measures, q.measure) and list_contains($datasets, p.dataset)",
        {"measures": config["measures"], "datasets": config["datasets"]},
    )
    rankings = fingerprint(
        store,
        "select ranker, scheme, candidate_id, score from rankings "
        "where list_contains($rankings, ranker || '/' || scheme)",
        {"rankings": config["rankings"]},
    )
    return " ".join([qualities, rankings, *_judged(store, config)])


def _judged(store: Store, config: dict[str, Any]) -> list[str]:
    """Of verdicts, and of the comparisons of the prompts that have them; none without verdicts,
    so that an evaluation which never had any stays the same."""
    chosen = {"datasets": config["datasets"], "splits": config["splits"]}
    of_prompts = (
        "join prompts p using (prompt_id) "
        "where list_contains($datasets, p.dataset) and list_contains($splits, p.split)"
    )
    verdicts = fingerprint(store, f"select v.* from verdicts v {of_prompts}", chosen)  # noqa: S608
    if verdicts.endswith("-0"):
        return []
    rankers = sorted({ranking.partition("/")[0] for ranking in config["rankings"]})
    comparisons = fingerprint(
        store,
        f"select c.* from comparisons c semi join verdicts using (prompt_id) {of_prompts} "  # noqa: S608
        "and list_contains($rankers, c.ranker)",
        chosen | {"rankers": rankers},
    )
    return [verdicts, comparisons]
