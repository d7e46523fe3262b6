"""Forgetting what fusers, judges and measures of fusions wrote."""

import pytest
from fusion_rows import add_fusions
from tiny_pipeline import MEASURE, content, copied, execute, one, rows, runs

from workbench.stages.forget import forget
from workbench.stages.measure import measure
from workbench.store.labels import set_label
from workbench.store.store import Store
from workbench.tracking import Tracker

SCHEME = "max_logits;order=both;schedule=all"
FUSE = {
    "fuser": "a", "ranker": "r", "scheme": SCHEME, "top_k": 3, "candidate_order": "rank",
    "decoding": "beams=4", "datasets": None, "splits": ["test"], "precision": "float32",
}  # fmt: skip


@pytest.fixture(scope="module")
def fused(measured_pool, tmp_path_factory):
    """Folder of a store with fusions and what was said of them. Read only."""
    folder = copied(measured_pool, tmp_path_factory.mktemp("fused") / "pool")
    store = folder / "store.duckdb"
    for top_k in (1, 3):
        add_fusions(store, "a", top_k=top_k, splits=("validation", "test"))
    add_fusions(store, "a", order="reversed")
    add_fusions(store, "a", decoding="beams=1")
    add_fusions(store, "a", ranker="s")
    add_fusions(store, "b", ranker=None, scheme=None)
    measure(store, [MEASURE])
    for judge, sides in (("j", "fusion_id, candidate_id"), ("k", "candidate_id, fusion_id")):
        execute(
            store,
            f"insert into verdicts select c.prompt_id, {sides}, '{judge}', 'left' "
            "from fusions f join candidates c using (prompt_id) where c.llm = 'sim-iris-7b'",
        )
    execute(
        store,
        "insert into verdicts select c.prompt_id, c.candidate_id, d.candidate_id, 'j', 'right' "
        "from candidates c join candidates d using (prompt_id) where c.llm = 'sim-iris-7b'",
    )
    return folder


@pytest.fixture
def store(fused, fresh):
    return Store(fresh(fused)).path  # opened once: a tracker asks whose runs it holds


def ended(store, stage, **config):
    """A finished run of a stage, as the stage itself leaves it."""
    with Tracker(store).run(stage, config, "data") as run:
        return run.id


def kept(store, condition):
    """Fusions, qualities and verdicts without those of the fusions for which a condition holds."""
    ids = {id for (id,) in rows(store, f"select fusion_id from fusions where {condition}")}
    assert ids
    return {
        table: {row for row in content(store, table) if not ids & set(row)}
        for table in ("candidates", "fusions", "qualities", "verdicts", "comparisons")
    }


def there(store):
    return {
        table: content(store, table)
        for table in ("candidates", "fusions", "qualities", "verdicts", "comparisons")
    }


# What differs from FUSE in a run's settings, and which fusions are then its own.
RECIPES = [
    ({}, "fuser = 'a' and ranker = 'r' and top_k = 3 and candidate_order = 'rank' and decoding = "
         "'beams=4' and prompt_id in (select prompt_id from prompts where split = 'test')"),
    ({"top_k": 1, "splits": ["validation", "test"]}, "top_k = 1"),
    ({"candidate_order": "reversed"}, "candidate_order = 'reversed'"),
    ({"decoding": "beams=1"}, "decoding = 'beams=1'"),
    ({"ranker": "s", "datasets": ["simulated"]}, "ranker = 's'"),
    ({"fuser": "b", "ranker": None, "scheme": None}, "fuser = 'b'"),
]  # fmt: skip


def test_a_fusing_takes_its_own_fusions_and_what_was_said_of_them(store):
    for changed, condition in RECIPES:
        run = ended(store, "fuse", **FUSE | changed)
        expected, before = kept(store, condition), there(store)
        done = forget(store, run)
        assert done.stage == "fuse"
        assert there(store) == expected
        assert dict(done.rows) == {
            table: len(before[table]) - len(expected[table])
            for table in ("qualities", "verdicts", "fusions")
        }
        assert all(n > 0 for _, n in done.rows)
    assert rows(store, "select distinct fuser, split from fusions join prompts using (prompt_id)") \
        == [("a", "validation")]  # fmt: skip


def test_a_fusing_of_another_dataset_takes_nothing(store):
    before = there(store)
    run = ended(store, "fuse", **FUSE | {"datasets": ["another"]})
    assert sum(n for _, n in forget(store, run).rows) == 0
    assert there(store) == before


@pytest.mark.parametrize("role", ["fuser", "ranker"])
def test_a_training_takes_the_fusions_of_its_model(store, role):
    run = ended(store, "train", model="any")
    execute(store, f"update fusions set {role} = ? where top_k = 1", run)
    set_label(Store(store), run, "GenFuser")
    expected = kept(store, "top_k = 1")
    forget(store, run)
    assert there(store) == expected
    assert one(store, "select count(*) from meta where name like 'ranker:%'") == 0


def test_a_judging_takes_its_verdicts_and_scores(store):
    for judge in ("j", "k"):
        execute(
            store,
            "insert into qualities select answer_id, ?, 0.5 from answers where kind = 'candidate'",
            f"gpt_rank[{judge}]@1",
        )
    run = ended(store, "judge", judge="j", datasets=None, splits=["test"], llms=None)
    gone = "prompt_id in (select prompt_id from prompts where split = 'test')"
    others = {
        "verdicts": set(rows(store, f"select * from verdicts where judge <> 'j' or not {gone}")),
        "qualities": set(rows(store, "select * from qualities where measure <> 'gpt_rank[j]@1' or "
                                     "candidate_id in (select answer_id from answers "
                                     f"where not {gone})")),
    }  # fmt: skip
    done = forget(store, run)
    assert all(n > 0 for _, n in done.rows)
    for table, expected in others.items():
        assert set(rows(store, f"select * from {table}")) == expected


def test_a_measuring_takes_the_values_of_fusions_too(store):
    measure(store, ["exact_match@1"], splits=["test"])
    [run] = [r for r in runs(store, "measure") if "exact" in r.data.params["measures"]]
    before = content(store, "qualities")
    n = one(store, "select count(*) from answers join prompts using (prompt_id) "
                   "where split = 'test'")  # fmt: skip
    measure(store, ["exact_match@1"], splits=["validation"])
    assert dict(forget(store, run.info.run_id).rows) == {"qualities": n}
    left = content(store, "qualities")
    assert {row for row in before if row[1] == MEASURE} < left
    assert one(
        store,
        "select count(*) from qualities join answers on answer_id = candidate_id "
        "join prompts using (prompt_id) where measure = 'exact_match@1' and split = 'test'",
    ) == 0  # fmt: skip
    assert any(row[1] == "exact_match@1" for row in left)
