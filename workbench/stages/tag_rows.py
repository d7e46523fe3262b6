"""Tags in the store: which prompts have none yet, what is written, what is there."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from workbench.routing.tagger import Prompt, Tagger, Tags
from workbench.store.store import Store

CHOSEN = """
    select prompt_id, instruction, input, coalesce(category, '') as category, dataset, split
    from prompts
    where ($datasets is null or list_contains($datasets, dataset))
      and ($splits is null or list_contains($splits, split))
"""
"""The prompts of the chosen datasets and splits."""

_MISSING = f"""
    select prompt_id, instruction, input, category from ({CHOSEN}) c
    where not exists (select 1 from tags t where t.prompt_id = c.prompt_id and t.tagger = $tagger)
    order by dataset, prompt_id
"""  # noqa: S608
# Whole prompts: of a prompt that another process has tagged meanwhile nothing is added.
_INSERT = """
    insert into tags (prompt_id, tag, tagger)
    select prompt_id, tag, tagger from found
    anti join (select prompt_id, tagger from tags) using (prompt_id, tagger)
"""
_FREQUENT = """
    insert into tags (prompt_id, tag, tagger)
    select prompt_id, tag, $name from tags
    where tagger = $source and tag in (
        select tag from tags join prompts using (prompt_id)
        where tagger = $source and split = 'train'
        group by tag having count(*) >= $least)
"""
_COUNTS = f"""
    select count(distinct t.prompt_id), count(distinct tag), count(*)
    from tags t join ({CHOSEN}) using (prompt_id) where tagger = $tagger
"""  # noqa: S608
_MOST = f"""
    select tag, count(*) as n from tags join ({CHOSEN}) using (prompt_id)
    where tagger = $tagger group by tag order by n desc, tag limit $most
"""  # noqa: S608


def prompts_without(store: Store, tagger: str, chosen: dict[str, Any]) -> list[Prompt]:
    """The chosen prompts that have no tag by a tagger.

    Args:
        store: where they are.
        tagger: its name.
        chosen: `datasets` and `splits`, None for all.
    """
    rows = store.query(_MISSING, chosen | {"tagger": tagger}).to_pylist()
    return [Prompt(**row) for row in rows]


def write_tags(store: Store, tagger: str, found: Sequence[tuple[Prompt, Tags]]) -> None:
    """Writes the tags of some prompts in one transaction."""
    pairs = [(prompt.prompt_id, tag) for prompt, tags in found for tag in tags]
    if not pairs:
        return
    columns = {
        "prompt_id": [prompt for prompt, _ in pairs],
        "tag": [tag for _, tag in pairs],
        "tagger": [tagger] * len(pairs),
    }
    with store.writing() as db:
        db.register("found", pa.table(columns))
        db.execute(_INSERT)


def write_frequent(store: Store, tagger: Tagger) -> None:
    """Writes anew, under the tagger's name, those of its tags that enough training prompts have."""
    given = {"name": tagger.name, "source": tagger.source, "least": tagger.min_prompts}
    with store.writing() as db:
        db.execute("delete from tags where tagger = ?", [tagger.name])
        db.execute(_FREQUENT, given)


def counts_of(store: Store, tagger: str, chosen: dict[str, Any]) -> tuple[int, int, int]:
    """Of the chosen prompts: how many are tagged, different tags, and tags in all."""
    with store.reading() as db:
        row = db.execute(_COUNTS, chosen | {"tagger": tagger}).fetchone()
    assert row is not None
    return int(row[0]), int(row[1]), int(row[2])


def most_frequent(
    store: Store, tagger: str, chosen: dict[str, Any], most: int
) -> list[tuple[str, int]]:
    """The tags that most of the chosen prompts have, with how many have them."""
    rows = store.query(_MOST, chosen | {"tagger": tagger, "most": most}).to_pylist()
    return [(row["tag"], row["n"]) for row in rows]
