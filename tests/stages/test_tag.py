"""`workbench tag` with taggers that ask nobody."""

import json

import pytest
from own_tagger import LengthTagger
from store_contract import breaches
from tagged_pool import DATASET, MEASURE, lines, pool, pool_rows
from tiny_pipeline import copied, execute, one, rows, runs

from workbench.cli import main
from workbench.errors import BadValue, MissingInput, StoreConflict, UnknownName
from workbench.routing.category_tagger import CategoryTagger
from workbench.routing.cluster_tagger import ClusterTagger
from workbench.routing.data import RouterData
from workbench.routing.file_tagger import FileTagger
from workbench.routing.tfidf import TfidfVectors
from workbench.stages.forget import forget
from workbench.stages.info import info
from workbench.stages.tag import tag
from workbench.store.ids import prompt_id
from workbench.store.store import Store

PROMPTS = 40
BY = "select p.instruction, tag from tags join prompts p using (prompt_id) where tagger = ?"
KINDS = {(row["instruction"], row["category"]) for row in pool_rows()}


@pytest.fixture(scope="module")
def filled(tmp_path_factory, empty_tracking):
    """Folder of the pool's store. Read only."""
    folder = copied(empty_tracking, tmp_path_factory.mktemp("filled") / "pool")
    pool(folder / "store.duckdb")
    return folder


@pytest.fixture
def store(filled, fresh):
    return Store(fresh(filled)).path  # opened once: a tracker asks whose runs it holds


def tfidf(**options):
    return ClusterTagger(TfidfVectors(dimensions=8), **{"clusters": 2, **options})


def test_categories_once_whatever_is_started_again(store):
    done = tag(store, CategoryTagger())
    assert (done.there, done.new, done.left) == (0, PROMPTS, 0)
    assert done.counts == (PROMPTS, 2, PROMPTS)
    assert done.frequent == (("sums", PROMPTS // 2), ("verse", PROMPTS // 2))
    assert set(rows(store, BY, "category")) == KINDS
    again = tag(store, CategoryTagger())
    assert (again.there, again.new, again.counts) == (PROMPTS, 0, done.counts)
    assert one(store, "select count(*) from tags") == PROMPTS
    assert breaches(store) == []
    [run] = runs(store, "tag")
    assert (run.info.status, run.data.params["tagger"]) == ("FINISHED", "category")
    assert run.data.metrics["prompts_tagged"] == PROMPTS


def test_a_prompt_without_a_category_has_no_tag(store):
    execute(store, "update prompts set category = null where split = 'test'")
    n = one(store, "select count(*) from prompts where split = 'test'")
    done = tag(store, CategoryTagger())
    assert (done.new, done.left) == (PROMPTS - n, n)
    with pytest.raises(MissingInput, match="no prompt of"):
        execute(store, "delete from prompts where split = 'validation'")
        tag(store, CategoryTagger(), splits=["validation"])


def test_what_was_written_before_a_stop_is_not_written_again(store):
    class Stopped(LengthTagger):
        def tags(self, prompts):
            for place, found in enumerate(super().tags(prompts)):
                if place == 15:
                    raise KeyboardInterrupt
                yield found

    with pytest.raises(KeyboardInterrupt):
        tag(store, Stopped())
    assert one(store, "select count(*) from tags") == 15
    done = tag(store, LengthTagger())
    assert (done.there, done.new, done.counts[2]) == (15, PROMPTS - 15, PROMPTS)
    [run] = runs(store, "tag")
    assert run.info.status == "FINISHED"


def test_splits_are_tagged_one_after_the_other(store):
    first = tag(store, tfidf(), splits=["train"])
    assert set(rows(store, "select distinct split from tags join prompts using (prompt_id)")) == {
        ("train",)
    }
    rest = tag(store, tfidf())
    assert (rest.there, rest.new) == (first.new, PROMPTS - first.new)
    assert rest.tagger.name == first.tagger.name == "clusters[tfidf,k=2]@1"


def test_a_new_test_prompt_moves_no_tag_and_a_new_training_prompt_is_refused(store, tmp_path):
    tag(store, tfidf())
    before = set(rows(store, BY, "clusters[tfidf,k=2]@1"))
    new = {"category": "sums", "llm": "poet", "text": "x", "instruction": "count the rest"}
    pool(store, [new | {"split": "test"}])
    done = tag(store, tfidf())
    assert (done.new, done.there) == (1, PROMPTS)
    assert before < set(rows(store, BY, "clusters[tfidf,k=2]@1"))
    pool(store, [new | {"split": "train", "instruction": "count again"}])
    with pytest.raises(StoreConflict, match=r"(?s)clusters\[tfidf,k=2\]@1 .*--tagger.label"):
        tag(store, tfidf())
    assert tag(store, tfidf(label="more")).new == PROMPTS + 2


def test_one_name_stands_for_one_file_until_it_is_forgotten(store, tmp_path):
    ids = [id for (id,) in rows(store, "select prompt_id from prompts order by 1")]
    listed = [{"prompt_id": id, "tags": ["a", "b"]} for id in ids[:3]]
    file = lines(tmp_path / "kinds.jsonl", listed)
    tag(store, CategoryTagger())
    assert tag(store, FileTagger(file)).counts == (3, 2, 6)
    lines(tmp_path / "kinds.jsonl", [{"prompt_id": id, "tags": ["c"]} for id in ids])
    with pytest.raises(StoreConflict, match=r"file\[kinds\]"):
        tag(store, FileTagger(file))
    assert tag(store, FileTagger(file, label="new")).counts == (PROMPTS, 1, PROMPTS)
    [run] = [r for r in runs(store, "tag") if r.data.params["tagger"] == "file[kinds]"]
    assert dict(forget(store, run.info.run_id).rows) == {"tags": 6}
    assert tag(store, FileTagger(file)).counts == (PROMPTS, 1, PROMPTS)
    assert one(store, "select count(*) from tags") == 3 * PROMPTS


def test_tags_that_came_with_the_prompts_are_not_added_to(store):
    execute(store, "insert into tags select prompt_id, 'x', 'category' from prompts limit 2")
    with pytest.raises(StoreConflict, match="brought in"):
        tag(store, CategoryTagger())


def test_only_what_was_tagged_is_forgotten(store):
    tag(store, CategoryTagger(), splits=["test"])
    [run] = runs(store, "tag")
    tag(store, CategoryTagger())
    n = one(store, "select count(*) from prompts where split = 'test'")
    assert dict(forget(store, run.info.run_id).rows) == {"tags": n}
    assert one(store, "select count(*) from tags") == PROMPTS - n


def test_a_dry_run_writes_nothing(store):
    done = tag(store, tfidf(clusters=(1, 2), measure=MEASURE), dry_run=True)
    assert (done.tagger.name, done.left) == ("clusters[tfidf,k=2]@1", PROMPTS)
    assert (one(store, "select count(*) from tags"), runs(store, "tag")) == (0, [])


def test_errors_come_before_any_work(store):
    for given, expected, told in (
        ({"max_calls": 3}, BadValue, "CategoryTagger asks no LLM"),
        ({"max_usd": 0.5}, BadValue, "max_usd"),
        ({"datasets": ["handy"]}, UnknownName, "Did you mean 'hand'"),
    ):
        with pytest.raises(expected, match=told):
            tag(store, CategoryTagger(), **given)
    assert runs(store, "tag") == []


def test_routers_learn_from_them_and_info_counts_them(store):
    tag(store, tfidf())
    data = RouterData(MEASURE, tagger="clusters[tfidf,k=2]@1", beta=0.3).connect(Store(store))
    assert {len(tags) for tags in data.tags} == {1}
    assert len({tag for tags in data.tags for tag in tags}) == 2
    tag(store, LengthTagger(), splits=["test"])
    n = one(store, "select count(*) from prompts where split = 'test'")
    assert info(store).answers["taggers"] == [
        ("clusters[tfidf,k=2]@1", 2, PROMPTS, 1.0),
        ("length[6]@1", 1, n, 1.0),
    ]


def test_from_the_command_line(store, tmp_path, capsys):
    at = ["tag", "--store", str(store)]
    assert main([*at, "--tagger", "CategoryTagger"]) == 0
    told = capsys.readouterr().out
    assert "prompts tagged now" in told
    assert "verse" in told
    assert "--data.tagger 'category'" in told
    words = ["--tagger", "ClusterTagger", "--tagger.encoder", "{dimensions: 8}"]
    chosen = ["--tagger.clusters=1,2,3", f"--tagger.measure={MEASURE}"]
    assert main([*at, *words, *chosen]) == 0
    assert "clusters[tfidf,k=2]@1" in capsys.readouterr().out
    id = prompt_id(DATASET, pool_rows()[0]["instruction"], "")
    file = lines(tmp_path / "own.jsonl", [{"prompt_id": id, "tags": ["one"]}])
    assert main([*at, "--tagger=FileTagger", f"--tagger.path={file}"]) == 0
    assert "file[own]" in capsys.readouterr().out
    assert main([*at, "--tagger=own_tagger.LengthTagger", "--tagger.words=3"]) == 0
    assert "length[3]@1" in capsys.readouterr().out
    assert len(runs(store, "tag")) == 4
    (tmp_path / "own.jsonl").write_text(json.dumps({"prompt_id": id, "tags": "one"}))
    for given, expected in (
        (["--tagger=FileTagger", f"--tagger.path={file}"], "own.jsonl, line 1, field 'tags'"),
        (["--tagger=ClusterTager", "--tagger.clusters=2"], "ClusterTager"),
        (["--tagger=ClusterTagger"], "encoder"),
        ([*words, "--tagger.lable=x"], "label"),
        ([*words], "measure = None"),
    ):
        assert main([*at, *given]) == 2
        assert expected in capsys.readouterr().err


def test_in_an_experiment_file(store, tmp_path):
    file = tmp_path / "experiment.yaml"
    file.write_text(
        f"store: {store}\nstages:\n  tag:\n    tagger:\n      class_path: ClusterTagger\n"
        "      init_args:\n        encoder: {dimensions: 8}\n        clusters: [1, 2]\n"
        f"        measure: {MEASURE}\n  tag-categories:\n    tagger: CategoryTagger\n"
    )
    assert main(["run", str(file)]) == 0
    assert main(["run", str(file)]) == 0
    assert one(store, "select count(*) from tags") == 2 * PROMPTS
    assert len(runs(store, "tag")) == 2
