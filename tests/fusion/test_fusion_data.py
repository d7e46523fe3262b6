"""What a fuser is shown of a store in training and validation, and what it never sees."""

from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
from referenced_pool import LLMS, MEASURE, RANKER, SCHEME, SPLITS, WORDS, referenced_store
from tiny_pipeline import execute

from workbench.errors import MissingInput
from workbench.fusion.data import FusionData
from workbench.fusion.gen_fuser import GenFuser
from workbench.fusion.prompt import FusionPrompt
from workbench.fusion.tiny_seq2seq import TinySeq2Seq
from workbench.quality import MEASURES
from workbench.store.store import Store

TINY = TinySeq2Seq(hidden_size=16, layers=1, heads=2, intermediate=16, vocab_size=300)
BY_RANK = ("cat", "ant", "dog", "bee")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store(referenced_store(tmp_path_factory.mktemp("pool") / "store.duckdb"))


@pytest.fixture
def written(tmp_path):
    """A store of the test's own."""
    return referenced_store(tmp_path / "store.duckdb")


@cache
def tiny_fuser():
    texts = [*WORDS, *LLMS, *SPLITS, "answer says gold 0 1 2 3 4 5 6 7 8 9 nothing x poison"]
    return GenFuser(TINY, prompt=FusionPrompt("plain")).build(texts)


def made(store, **options):
    """Data that is set up, and the fuser."""
    options = {"tokens_per_batch": 10_000, **options}
    data = FusionData(MEASURE, **options).connect(store)
    data.take_ranking(options.get("ranker", RANKER), options.get("scheme", SCHEME))
    fuser = tiny_fuser()
    progress = SimpleNamespace(current=SimpleNamespace(ready=0))
    data.trainer = SimpleNamespace(
        lightning_module=fuser, max_epochs=3, reload_dataloaders_every_n_epochs=1,
        current_epoch=0, global_rank=0, world_size=1, training=True,
        fit_loop=SimpleNamespace(epoch_loop=SimpleNamespace(batch_progress=progress)),
    )  # fmt: skip
    data.setup("fit")
    return data, fuser


def prompts_of(fuser, loader):
    """Row -> (prompt, target) as text, of all batches."""
    found = {}
    for batch in loader:
        for ids, mask, labels, row in zip(*batch, strict=True):
            prompt = fuser.tokenizer.decode(ids[mask.bool()]).replace("</s> ", "</s>")
            target = fuser.tokenizer.decode(labels[labels >= 0])
            assert row.item() not in found
            found[row.item()] = (prompt, target)
    return found


def shown_llms(prompt):
    """The LLMs whose answers a prompt holds, in order."""
    words = prompt.replace("</s>", " ").split()
    return tuple(word for word in words if word in LLMS)


def epochs(store, *numbers, **options):
    """The LLMs shown of each training prompt in some epochs."""
    data, fuser = made(store, **options)
    shown = []
    for data.trainer.current_epoch in numbers:
        found = prompts_of(fuser, data.train_dataloader())
        shown.append([shown_llms(found[row][0]) for row in range(SPLITS["train"])])
    return shown


def test_an_epoch_shows_every_prompt_once_with_its_own_reference(store):
    data, fuser = made(store, vary_k=False)
    found = prompts_of(fuser, data.train_dataloader())
    assert sorted(found) == list(range(SPLITS["train"]))
    texts = data.train_texts
    for row, (prompt, target) in found.items():
        assert target == f"{texts.references[row]}</s>"
        assert prompt.startswith(f"{texts.instructions[row]}</s>{texts.inputs[row]}</s>")


def test_k_varies_up_to_the_most_and_with_the_epoch(store):
    first, second, again = epochs(store, 0, 1, 0, top_k=3)
    assert {len(some) for some in first} == {1, 2, 3}
    assert all(some == BY_RANK[: len(some)] for some in first + second)
    assert first != second
    assert first == again
    assert epochs(store, 0, top_k=3, seed=1) != [first]
    [always] = epochs(store, 0, top_k=9, vary_k=False)
    assert set(always) == {BY_RANK}


def test_order(store):
    [reverse] = epochs(store, 0, vary_k=False, order="reversed")
    assert set(reverse) == {BY_RANK[2::-1]}
    mixed, next_ = epochs(store, 0, 1, vary_k=False, order="shuffled")
    assert {frozenset(some) for some in mixed} == {frozenset(BY_RANK[:3])}
    assert len(set(mixed)) > 2
    assert mixed != next_


def test_which_candidates_are_shown(store):
    options = {"vary_k": False, "top_k": 2}
    [best] = epochs(store, 0, train_candidates="quality", noise=0.0, **options)
    data, _ = made(store)
    texts = data.train_texts
    for row, some in enumerate(best):
        worth = MEASURES[MEASURE](list(texts.candidates[row]), [texts.references[row]] * 4)
        assert [worth[LLMS.index(llm)] for llm in some] == sorted(worth, reverse=True)[:2]
    noisy, next_ = epochs(store, 0, 1, train_candidates="quality", noise=3.0, **options)
    assert noisy not in (best, next_)
    chance, next_ = epochs(store, 0, 1, train_candidates="random", **options)
    assert len(set(chance)) > 3
    assert chance != next_


def test_only_candidates_that_are_ranked_are_shown(written):
    execute(
        written,
        "delete from rankings where candidate_id in "
        "(select candidate_id from candidates where llm = 'ant')",
    )
    [shown] = epochs(Store(written), 0, vary_k=False, top_k=4)
    assert set(shown) == {("cat", "dog", "bee")}


def test_a_random_ranker_needs_no_ranking(tmp_path):
    store = Store(referenced_store(tmp_path / "store.duckdb", ranked=("test",)))
    options = {"ranker": "chance", "scheme": "random(seed=0)", "vary_k": False}
    data, fuser = made(store, **options)
    found = prompts_of(fuser, data.train_dataloader()).values()
    assert len({shown_llms(prompt) for prompt, _ in found}) > 3
    assert len({shown_llms(" ".join(some)) for some in data.validation.candidates}) > 2


def test_validation_shows_the_same_in_every_epoch(store):
    data, fuser = made(store, top_k=3)
    first = prompts_of(fuser, data.val_dataloader())
    data.trainer.current_epoch = 1
    assert prompts_of(fuser, data.val_dataloader()) == first
    assert {shown_llms(prompt) for prompt, _ in first.values()} == {BY_RANK[:3]}


@pytest.mark.parametrize("order", ["rank", "reversed"])
def test_validation_measures_what_is_written_the_pick_and_the_best_shown(store, order):
    data, _ = made(store, top_k=3, order=order)
    rows = [3, 0, 4]
    held = data.validation
    references = [held.references[row] for row in rows]
    texts = ["answer red", "nothing", references[2]]
    measure = MEASURES[MEASURE]
    by_llm = {
        llm: measure([t for row in rows for t in held.candidates[row] if t.startswith(llm)],
                     references) for llm in BY_RANK[:3]
    }  # fmt: skip
    worth = held.worth(rows, texts)
    assert worth["quality"] == pytest.approx(measure(texts, references).mean())
    assert worth["first_shown"] == pytest.approx(by_llm["cat"].mean())
    assert worth["best_shown"] == pytest.approx(np.max(list(by_llm.values()), axis=0).mean())


def test_no_reference_can_be_read(store):
    """Its last word is in no candidate and no prompt."""
    for train_candidates in ("ranker", "quality"):
        data, fuser = made(store, train_candidates=train_candidates)
        for loader in (data.train_dataloader(), data.val_dataloader()):
            for prompt, target in prompts_of(fuser, loader).values():
                assert "gold" in target
                assert "gold" not in prompt


def test_the_test_split_is_never_read(store, tmp_path):
    poisoned = Store(referenced_store(tmp_path / "store.duckdb", test="poison"))
    data, fuser = made(store)
    other, _ = made(poisoned)
    assert "poison" not in " ".join(other.training_texts())
    assert data.seen(fuser) == other.seen(fuser)
    for loader in ("train_dataloader", "val_dataloader"):
        own, its = (prompts_of(fuser, getattr(some, loader)()) for some in (data, other))
        assert own == its


def test_subsets_are_seeded(store):
    def chosen(**options):
        data = FusionData(MEASURE, **options).connect(store)
        return data.train_pool.prompt_ids, data.validation_pool.prompt_ids

    few = {"max_train_prompts": 4, "max_validation_prompts": 2}
    train, validation = chosen(**few)
    assert (len(train), len(validation)) == (4, 2)
    assert chosen(**few) == (train, validation)
    assert chosen(**few, seed=1) != (train, validation)
    assert len(chosen()[0]) == SPLITS["train"]


def test_llms_can_be_chosen(store):
    [shown] = epochs(store, 0, vary_k=False, llms=["dog", "bee"])
    assert set(shown) == {("dog", "bee")}


def test_prompts_without_a_reference_are_left_out(written):
    execute(written, "update prompts set reference = null where instruction <> 'train 5'")
    with pytest.raises(MissingInput, match="split validation has a reference"):
        made(Store(written))
    execute(written, "update prompts set reference = 'x' where instruction = 'validation 0'")
    data, fuser = made(Store(written))
    assert [target for _, target in prompts_of(fuser, data.train_dataloader()).values()] == [
        f"{data.train_texts.references[0]}</s>"
    ]
