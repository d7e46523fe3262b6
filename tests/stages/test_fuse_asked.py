"""Fuse: what cannot be done is told before a run begins, and what is left out is told too."""

import pytest
from tiny_fuser import QUICK, keep_training, write_t5
from tiny_pipeline import execute, one, rows, runs

from workbench.cli import main
from workbench.errors import AmbiguousName, BadModel, BadValue, MissingInput, UnknownName
from workbench.fusion.decoding import Decoding
from workbench.stages.fuse import fuse
from workbench.stages.save import save

DECODING = Decoding(**QUICK)
MAX_LOGITS = "max_logits;order=both;schedule=all"
ADD_RANKINGS = """
    insert into rankings
    select ?, ?, candidate_id, prompt_id, score, rank from rankings where scheme = ?
"""


@pytest.fixture(scope="module")
def t5(tmp_path_factory):
    return write_t5(tmp_path_factory.mktemp("t5") / "tiny")


def test_what_is_not_there_is_said_before_a_run_begins(
    measured_pool, compared_pool, fresh, t5, tmp_path
):
    store = fresh(compared_pool)
    for options, error, told in (
        ({}, MissingInput, "no trained fuser yet: run `workbench train`"),
        ({"fuser": "nope"}, UnknownName, "unknown train run 'nope'"),
        ({"fuser": str(tmp_path / "absent")}, BadModel, "absent"),
        ({"fuser": t5, "ranker": "nope"}, UnknownName, "ranker with rankings 'nope'"),
        ({"fuser": t5, "scheme": "max_logit"}, UnknownName, "Did you mean 'max_logits'"),
        ({"fuser": t5, "scheme": "borda"}, UnknownName, "ranked scheme 'borda'"),
        ({"fuser": t5, "top_k": 0}, BadValue, "top_k = 0"),
        ({"fuser": t5, "top_k": 12}, BadModel, "<extra_id_11>"),  # the tiny T5 has 11 of them
        ({"fuser": t5, "order": "up"}, UnknownName, "order 'up'"),
        ({"fuser": t5, "seed": -1}, BadValue, "seed = -1"),
        ({"fuser": t5, "ranker": "random", "seed": -1}, BadValue, "seed = -1"),
        ({"fuser": t5, "device": "abacus"}, BadValue, "device = 'abacus'"),
        ({"fuser": t5, "tokens_per_batch": 0}, BadValue, "tokens_per_batch"),
        ({"fuser": t5, "precision": "float8"}, BadValue, "precision"),
        ({"fuser": t5, "datasets": ["simulatd"]}, UnknownName, "Did you mean 'simulated'"),
        ({"fuser": t5, "splits": ["train"]}, MissingInput, "workbench aggregate"),
        ({"fuser": one(store, "select any_value(ranker) from rankings")}, BadValue, "of a ranker"),
    ):
        with pytest.raises(error, match=told):
            fuse(store, **options)
    unranked = fresh(measured_pool, "unranked")
    with pytest.raises(MissingInput, match=r"compare.*aggregate.*--ranker random"):
        fuse(unranked, fuser=t5)
    assert runs(store, "fuse") == runs(unranked, "fuse") == []


def test_which_ranking_a_name_means(compared_pool, fresh, t5):
    store = fresh(compared_pool)
    asked = {"fuser": t5, "decoding": DECODING, "splits": ["test"]}

    def scheme_of(name):
        return fuse(store, scheme=name, **asked).recipe.scheme

    # The only settings of that name; of several the usual ones; else none.
    assert scheme_of("bradley_terry").startswith("bradley_terry(prior=0.5")
    assert scheme_of("max_logits") == MAX_LOGITS
    ranker = one(store, "select any_value(ranker) from rankings")
    for order in ("left", "random(seed=0)"):
        scheme = f"max_logits;order={order};schedule=all"
        execute(store, ADD_RANKINGS, ranker, scheme, MAX_LOGITS)
    assert scheme_of("max_logits") == MAX_LOGITS
    assert scheme_of("max_logits;order=left") == "max_logits;order=left;schedule=all"
    execute(store, "delete from rankings where scheme = ?", MAX_LOGITS)
    with pytest.raises(AmbiguousName, match="order=left;schedule=all, max_logits;order=random"):
        scheme_of("max_logits")
    execute(store, ADD_RANKINGS, "other", "max_logits;order=left;schedule=all", "%")
    execute(store, ADD_RANKINGS, "another", MAX_LOGITS, "max_logits;order=left;schedule=all")
    with pytest.raises(MissingInput, match=r"choose with --ranker: .*another.*random"):
        scheme_of("max_logits")
    assert fuse(store, ranker="anoth", **asked).recipe.ranker == "another"


def test_what_is_left_out_is_told(compared_pool, fresh, t5, capsys):
    store = fresh(compared_pool)
    asked = {"fuser": t5, "decoding": DECODING, "splits": ["train", "test"]}
    done = fuse(store, **asked)
    count = "select count(*) from prompts where split = ?"
    train, test = one(store, count, "train"), one(store, count, "test")
    told = capsys.readouterr().err.replace("\n", "")
    assert done.new == test
    assert f"{train} of {train + test} prompts are left out: they have no ranking" in told
    assert "split train" in told
    # Bubble orders only the first: of the others chance chooses.
    fuse(store, **{**asked, "splits": ["test"]}, scheme="bubble", top_k=2)
    told = capsys.readouterr().err.replace("\n", "")
    assert f"{test} of {test} prompts: bubble" in told
    assert "split train" not in told
    fuse(store, **{**asked, "splits": ["test"]}, scheme="bubble", top_k=1)
    assert "ties" not in capsys.readouterr().err


def test_from_the_command_line(compared_pool, fresh, t5, capsys):
    store = fresh(compared_pool)
    words = ["fuse", "--store", str(store), "--fuser", t5, "--splits=test"]
    chosen = ["--decoding.beams", "2", "--decoding.max_new_tokens=3", "--top_k=2"]
    assert main([*words, *chosen, "--order", "shuffled", "--seed", "4"]) == 0
    assert "fuse with" in capsys.readouterr().out
    [made] = rows(store, "select distinct top_k, candidate_order, decoding from fusions")
    assert made == (2, "shuffled(seed=4)", str(Decoding(beams=2, max_new_tokens=3)))
    for wrong, told in (
        (["--decoding.beams=0"], "beams"),
        (["--decoding=greedi"], "Did you mean 'greedy'"),
        (["--decoding.beam=2"], "beam"),
        (["--order=up"], "shuffled"),
        (["--topk=2"], "top_k"),
    ):
        assert main([*words, *wrong]) == 2
        assert told in capsys.readouterr().err


def test_a_decoding_is_a_text_too(compared_pool, fresh, t5):
    store = fresh(compared_pool)
    words = ["fuse", "--store", str(store), "--fuser", t5, "--splits", "test", "--top_k=1"]
    assert main([*words, "--decoding", "greedy(max_new_tokens=3)"]) == 0
    before = rows(store, "select fusion_id, text from fusions order by all")
    assert main([*words, "--decoding.beams=1", "--decoding.max_new_tokens=3"]) == 0
    assert rows(store, "select fusion_id, text from fusions order by all") == before != []


def test_a_saved_fuser_is_a_directory_that_fuses_alike(compared_pool, fresh, t5, tmp_path, capsys):
    store = fresh(compared_pool)
    run = keep_training(store, t5)
    to = tmp_path / "saved"
    assert main(["save", "--store", str(store), "--to", str(to), "--fuser", run[:12]]) == 0
    assert f"fuser {run} saved in" in capsys.readouterr().out
    asked = {"decoding": DECODING, "splits": ["test"]}
    fused = [fuse(store, fuser=fuser, **asked).fuser for fuser in (run, str(to))]
    texts = [
        rows(store, "select prompt_id, text from fusions where fuser = ? order by 1", fuser)
        for fuser in fused
    ]
    assert texts[0] == texts[1] != []
    ranker = one(store, "select any_value(ranker) from rankings")
    for options, told in (
        ({"fuser": ranker}, "a training of a fuser; this is one of a ranker"),
        ({"ranker": run}, "a training of a ranker; this is one of a fuser"),
        ({"ranker": ranker, "fuser": run}, "one of them"),
        ({"fuser": run, "format": "PairRM-hf"}, "workbench, for a fuser"),
    ):
        with pytest.raises(BadValue, match=told):
            save(store, tmp_path / "new", **options)
    assert not (tmp_path / "new").exists()
    save(store, tmp_path / "new")  # the only ranker, as ever


def test_an_experiment_hands_the_fuser_on_and_saves_the_ranker(
    compared_pool, fresh, t5, tmp_path, capsys
):
    from workbench.experiment import Step, run

    store = fresh(compared_pool)
    first, asked = keep_training(store, t5), {"store": store, "decoding": DECODING, "top_k": 1}
    ranker = one(store, "select any_value(ranker) from rankings")
    keep_training(store, write_t5(tmp_path / "other", seed=1))  # so that none is the only one
    run(
        [
            Step("one", "fuse", fuse, {**asked, "fuser": first, "splits": ["test"]}),
            Step("all", "fuse", fuse, {**asked, "splits": ["validation"]}),
            Step("save", "save", save, {"store": store, "to": tmp_path / "saved"}),
        ]
    )
    assert rows(store, "select distinct fuser from fusions") == [(first,)]
    assert f"ranker {ranker} saved" in capsys.readouterr().out
