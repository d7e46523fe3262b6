"""Fingerprint of what the training of a router may read of a store."""

from collections.abc import Mapping
from typing import Any

from workbench.store.fingerprint import fingerprint
from workbench.store.store import Store

_QUALITIES = """
    select c.candidate_id, p.split, p.category, q.value,
    (select list(t.tag order by t.tag) from tags t
     where t.prompt_id = p.prompt_id and t.tagger = $tagger) as tags
    from candidates c join prompts p using (prompt_id)
    join qualities q on q.candidate_id = c.candidate_id and q.measure = $measure
    where p.split <> 'test'
    and ($datasets is null or list_contains($datasets, p.dataset))
"""
_SCORES = """
    select c.candidate_id, p.category, r.score,
    (select list(t.tag order by t.tag) from tags t
     where t.prompt_id = p.prompt_id and t.tagger = $tagger) as tags
    from candidates c join prompts p using (prompt_id)
    join rankings r on r.candidate_id = c.candidate_id and r.ranker = $ranker and r.scheme = $scheme
    where p.split = 'train'
    and ($datasets is null or list_contains($datasets, p.dataset))
"""


def routing_seen(store: Store, options: Mapping[str, Any]) -> str:
    """Fingerprint of prompts, tags and rewards outside of `test`, by the options of `RouterData`.

    Where rewards come from a ranker, its scores count as well as the qualities that validate.
    """
    common = {name: options[name] for name in ("datasets", "tagger")}
    seen = fingerprint(store, _QUALITIES, common | {"measure": options["measure"]})
    if options["reward"] == "ranker":
        ranking = {name: options[name] for name in ("ranker", "scheme")}
        seen += "-" + fingerprint(store, _SCORES, common | ranking)
    return seen
