"""What a store lacks for training a fuser is told first; a fingerprint tells what it holds."""

from types import SimpleNamespace

import pytest
from referenced_pool import MEASURE, RANKER, SCHEME, referenced_store
from tiny_pipeline import execute

from workbench.errors import BadValue, MissingInput, UnknownName
from workbench.fusion.data import FusionData
from workbench.store.store import Store


@pytest.fixture
def written(tmp_path):
    """A store of the test's own."""
    return referenced_store(tmp_path / "store.duckdb")


@pytest.mark.parametrize(
    "change",
    [
        "update prompts set reference = 'other' where instruction = 'train 3'",
        "update rankings set score = 9 where candidate_id = "
        "(select min(candidate_id) from candidates join prompts using (prompt_id) "
        "where split = 'train')",
        "update prompts set reference = null where instruction = 'validation 1'",
        "update qualities set value = 0.5 where candidate_id = "
        "(select min(candidate_id) from candidates join prompts using (prompt_id) "
        "where split = 'train')",
    ],
)
def test_the_fingerprint_tells_what_training_reads(written, change):
    def seen():
        data = FusionData(MEASURE).connect(Store(written))
        data.take_ranking(RANKER, SCHEME)
        return data.seen(None)

    before = seen()
    assert seen() == before
    execute(written, change)
    assert seen() != before


def test_what_lacks_is_told_before_any_weight_is_made(tmp_path):
    store = Store(referenced_store(tmp_path / "store.duckdb", ranked=("validation",)))

    def check(**options):
        data = FusionData(MEASURE, **options).connect(store)
        if "ranker" not in options:
            data.take_ranking(RANKER, SCHEME)
        data.check(None)

    with pytest.raises(MissingInput, match="12 of 12 prompts of the split train are not ranked"):
        check()
    with pytest.raises(MissingInput, match="no ranking"):
        check(ranker=None)
    check(train_candidates="quality")
    check(train_candidates="random")
    execute(
        store.path,
        "delete from qualities where candidate_id in (select candidate_id from candidates "
        "join prompts using (prompt_id) where split = 'train')",
    )
    with pytest.raises(MissingInput, match="12 of 12 prompts of the split train are not measured"):
        check(train_candidates="quality")
    for name in ("datasets", "llms"):
        with pytest.raises(UnknownName, match="nowhere"):
            check(train_candidates="random", **{name: ["nowhere"]})


@pytest.mark.parametrize(
    ("error", "options"),
    [
        (UnknownName, {"measure": "nothing"}),
        (UnknownName, {"order": "up"}),
        (UnknownName, {"train_candidates": "best"}),
        (BadValue, {"top_k": 0}),
        (BadValue, {"max_train_prompts": 0}),
        (BadValue, {"max_validation_prompts": 0}),
        (BadValue, {"noise": -1.0}),
        (BadValue, {"noise": float("nan")}),
        (BadValue, {"tokens_per_batch": 0}),
    ],
)
def test_options_are_checked(error, options):
    with pytest.raises(error):
        FusionData(**options)


def test_a_store_is_needed_and_loaders_made_anew(written):
    with pytest.raises(MissingInput, match="connect"):
        FusionData(MEASURE).check(None)
    data = FusionData(MEASURE).connect(Store(written))
    data.take_ranking(RANKER, SCHEME)
    data.trainer = SimpleNamespace(max_epochs=2, reload_dataloaders_every_n_epochs=0)
    with pytest.raises(BadValue, match="reload_dataloaders"):
        data.setup("fit")
