import json

import pytest
from pandalm_rows import ROWS, pair
from rows import MISSING, changed, write_lines

from workbench.cli import main
from workbench.errors import BadRow
from workbench.stages.ingest import ingest
from workbench.store.ids import split_of
from workbench.store.store import Store


def test_ingest_keeps_each_text_and_its_votes(tmp_path, capsys):
    rows = [*ROWS, pair(1, "opt-7b_gpt", response1="another text")]
    file = write_lines(tmp_path / "pairs.jsonl", rows)
    store = tmp_path / "store.duckdb"
    words = ["ingest", "pandalm", f"--store={store}", f"--path={file}"]
    assert main(words) == 0
    capsys.readouterr()
    told = Store(store).query(
        """
        select l.llm || ': ' || l.text as left, r.llm as right, v.judge, v.verdict, p.split
        from verdicts v join candidates l on l.candidate_id = v.left_id
        join candidates r on r.candidate_id = v.right_id
        join prompts p on p.prompt_id = v.prompt_id where v.judge = 'pandalm/person3'
        """
    )
    assert {tuple(row.values()) for row in told.to_pylist()} == {
        ("opt-7b: opt-7b says 1", "llama-7b", "pandalm/person3", "right", "test"),
        ("opt-7b: another text", "gpt", "pandalm/person3", "tie", "test"),
        ("llama-7b: llama-7b says 1", "bloom", "pandalm/person3", "right", "test"),
        ("opt-7b: opt-7b says 2", "bloom", "pandalm/person3", "left", "test"),
    }
    assert main(words) == 0
    assert "done before, unchanged" in capsys.readouterr().out
    assert set(ingest(store, "pandalm", path=file, limit=9).added.values()) == {0}
    other = tmp_path / "by_hash.duckdb"
    assert main([*words[:2], f"--store={other}", f"--path={file}", "--split=null"]) == 0
    found = Store(other).query("select instruction, split from prompts").to_pylist()
    assert {row["split"] for row in found} == {
        split_of(row["instruction"], "in Europe") for row in found
    }


def test_ingest_stops_at_a_bad_row_and_can_pass_over_it(tmp_path):
    file = write_lines(tmp_path / "pairs.jsonl", [*ROWS, changed(ROWS[0], ("votes",), MISSING)])
    with pytest.raises(BadRow, match="line 4, field 'votes'"):
        ingest(tmp_path / "store.duckdb", "pandalm", path=file)
    done = ingest(tmp_path / "store.duckdb", "pandalm", on_error="skip", path=file)
    assert (done.added["verdicts"], done.rejected) == (9, 1)
    assert json.loads(done.rejects.read_text())["line"] == 4
