"""The verdicts of one judge as qualities of the answers that it compared: GPT-Rank's scores.

A score depends on all verdicts on a prompt, so all are computed anew whenever they are asked for.
"""

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa

from workbench.errors import MissingInput, UnknownName
from workbench.quality.gpt_rank import VOTES, gpt_scores, measure_name
from workbench.stages.unmeasured import ANSWERS
from workbench.store.fingerprint import fingerprint
from workbench.store.store import Store
from workbench.store.tables import write_rows

_JUDGED = f"""
    select v.left_id, v.right_id, v.verdict, l.kind as left_kind, r.kind as right_kind
    from verdicts v
    join ({ANSWERS}) l on l.answer_id = v.left_id
    join ({ANSWERS}) r on r.answer_id = v.right_id
    where v.judge = $judge
"""  # noqa: S608
_PLACES = """
    create temp table places as
    select id, kind, row_number() over (order by id) - 1 as place from (
        select left_id as id, left_kind as kind from judged
        union select right_id, right_kind from judged)
"""
_PAIRS = """
    select l.place as left_place, r.place as right_place,
           list_position($words, verdict) - 1 as vote
    from judged join places l on l.id = left_id join places r on r.id = right_id
"""
_DROP = f"""
    delete from qualities
    where measure = $measure and candidate_id in (select answer_id from ({ANSWERS}))
"""  # noqa: S608


def verdicts_seen(store: Store, judge: str, chosen: dict[str, Any]) -> str:
    """Fingerprint of a judge's verdicts on answers of the chosen prompts.

    Args:
        store: where they are.
        judge: whose.
        chosen: `datasets` and `splits`, None for all.

    Raises:
        UnknownName: the store holds no verdict of this judge.
        MissingInput: none on the chosen prompts.
    """
    known = store.query("select distinct judge from verdicts")["judge"].to_pylist()
    if judge not in known:
        raise UnknownName("judge", judge, known)
    data = fingerprint(store, _JUDGED, chosen | {"judge": judge})
    if data.endswith("-0"):
        told = ", ".join(f"{name}={value or 'all'}" for name, value in chosen.items())
        raise MissingInput(f"no verdict of {judge} on answers of {told}: see `workbench judge`")
    return data


def write_gpt_scores(store: Store, judge: str, chosen: dict[str, Any]) -> Counter[str]:
    """Writes the score of every answer that was judged, in place of older ones.

    Returns:
        How many answers had none before, by kind of answer.
    """
    name = measure_name(judge)
    ids, kinds, scores = _scores(store, judge, chosen)
    rows = {"candidate_id": ids, "measure": [name] * len(ids), "value": scores}
    with store.writing() as db:
        held = db.execute("select candidate_id from qualities where measure = ?", [name])
        before = {id for (id,) in held.fetchall()}
        db.execute(_DROP, chosen | {"measure": name})
        db.register("_scores", pa.table(rows))
        write_rows(db, "qualities", "_scores", "replace")
    return Counter(kind for id, kind in zip(ids, kinds, strict=True) if id not in before)


def _scores(
    store: Store, judge: str, chosen: dict[str, Any]
) -> tuple[list[str], list[str], np.ndarray]:
    """Ids, kinds and scores of the answers that have one."""
    with store.reading() as db:
        db.execute(f"create temp table judged as {_JUDGED}", chosen | {"judge": judge})
        db.execute(_PLACES)
        answers = db.execute("select id, kind from places order by place").fetchall()
        pairs = db.execute(_PAIRS, {"words": list(VOTES)}).fetchnumpy()
    kinds = np.array([kind for _, kind in answers], object)
    votes = np.array(list(VOTES.values()))[pairs["vote"]]
    scores = gpt_scores(pairs["left_place"], pairs["right_place"], votes, kinds == "candidate")
    kept = np.flatnonzero(~np.isnan(scores))
    return [answers[i][0] for i in kept], [answers[i][1] for i in kept], scores[kept]
