import pytest
from tiny_pipeline import rows, runs

from workbench.cli import main
from workbench.errors import BadValue, UnknownName
from workbench.ranking.loading import load_ranker
from workbench.stages.save import save
from workbench.store.source_text import source_text


def test_a_saved_ranker_gives_the_logits_in_the_store(compared_pool, tmp_path, capsys):
    store = compared_pool / "store.duckdb"
    to = tmp_path / "saved"
    assert main(["save", "--store", str(store), "--to", str(to)]) == 0
    [run] = runs(store, "train")
    assert run.info.run_id in capsys.readouterr().out
    sample = rows(
        store,
        "select instruction, input, l.text, r.text, logit from comparisons c "
        "join prompts p using (prompt_id) join candidates l on l.candidate_id = c.left_id "
        "join candidates r on r.candidate_id = c.right_id order by left_id, right_id limit 20",
    )
    sources = [source_text(i, x) for i, x, *_ in sample]
    found = load_ranker(to).compare(sources, [s[2] for s in sample], [s[3] for s in sample])
    assert list(found) == [pytest.approx(s[4], abs=1e-5) for s in sample]


def test_nothing_is_overwritten_and_no_format_is_forced(compared_pool, tmp_path):
    store = compared_pool / "store.duckdb"
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("mine")
    with pytest.raises(BadValue, match="new or empty"):
        save(store, tmp_path / "full")
    with pytest.raises(UnknownName, match="unknown train run 'nope'"):
        save(store, tmp_path / "new", ranker="nope")
    # The suite's ranker has a BERT encoder.
    with pytest.raises(BadValue, match="deberta-v2"):
        save(store, tmp_path / "new", format="PairRM-hf")
    assert not (tmp_path / "new").exists()
    assert [f.name for f in (tmp_path / "full").iterdir()] == ["file"]
