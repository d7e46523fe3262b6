import numpy as np
import pytest
from tiny_pipeline import MEASURE, TRAINER, execute, pair_data, runs, tiny_ranker, trained

from workbench.errors import BadValue, MissingInput, UnknownName
from workbench.models.encoder import TinyEncoder
from workbench.ranking.list_data import ListData
from workbench.ranking.pair_ranker import PairRanker
from workbench.ranking.simcls import SimCLS
from workbench.tracking import ERROR, Tracker

PLAIN = {".json", ".safetensors", ".txt"}


def test_a_finished_training_is_not_done_again(compared_pool, fresh):
    store = fresh(compared_pool)
    [run] = runs(store, "train")
    again = trained(store)
    assert (again.ranker, again.new) == (run.info.run_id, False)
    assert again.metrics["validation/quality"] == run.data.metrics["best/validation/quality"]
    assert len(runs(store)) == len(runs(compared_pool / "store.duckdb"))


def test_the_run_tells_config_code_data_and_metrics(compared_pool):
    [run] = runs(compared_pool / "store.duckdb", "train")
    assert run.info.status == "FINISHED"
    told = run.data.params
    assert told["model.init_args.encoder.hidden_size"] == "16"
    assert told["data.init_args.measures"] == f"['{MEASURE}']"
    assert told["trainer.max_epochs"] == "1"
    assert {"workbench.version", "workbench.data", "workbench.seed"} <= set(run.data.tags)
    assert {"train/loss_epoch", "validation/quality"} <= set(run.data.metrics)
    lines = {
        "best/validation/best_single",
        "best/validation/oracle",
    }  # what quality is held against
    assert lines <= set(run.data.metrics)


def test_the_model_is_kept_without_pickles(compared_pool):
    store = compared_pool / "store.duckdb"
    tracker = Tracker(store)
    [run] = runs(store, "train")
    files = [f for f in tracker.artifact(run.info.run_id, "").rglob("*") if f.is_file()]
    assert {"model.safetensors", "config.json"} <= {f.name for f in files}
    for file in files:
        assert file.suffix in PLAIN | {".yaml"}
        # Protocol 2 and later of pickle, and the zip that torch.save writes.
        assert not file.read_bytes().startswith((b"\x80", b"PK\x03\x04"))
    model = PairRanker.from_pretrained(tracker.artifact(run.info.run_id, "model"))
    logits = model.compare(["cook"] * 2, ["good", "bad"], ["bad", "good"])
    assert np.isfinite(logits).all()
    # What was only needed to go on after a kill is gone.
    assert not list(store.with_suffix(".work").rglob("*.ckpt"))


def test_another_seed_is_another_ranker_and_is_logged_as_one(compared_pool, fresh):
    store = fresh(compared_pool)
    [first] = runs(store, "train")
    other = trained(store, seed=7)
    assert other.new
    assert other.ranker != first.info.run_id
    tracker = Tracker(store)
    weights = [
        PairRanker.from_pretrained(tracker.artifact(r, "model")).state_dict()
        for r in (first.info.run_id, other.ranker)
    ]
    assert any((weights[0][name] != weights[1][name]).any() for name in weights[0])


def test_a_training_that_fails_is_marked_with_its_error(measured_pool, fresh):
    store = fresh(measured_pool)
    execute(
        store,
        "delete from qualities where candidate_id in (select candidate_id from candidates "
        "join prompts using (prompt_id) where split = 'validation')",
    )
    with pytest.raises(MissingInput, match="validation"):
        trained(store)
    [run] = runs(store, "train")
    assert run.info.status == "FAILED"
    assert run.data.tags[ERROR].startswith("MissingInput: no validation prompt")
    assert "Traceback" in Tracker(store).artifact(run.info.run_id, "error.txt").read_text()


@pytest.mark.parametrize(
    ("options", "error", "told"),
    [
        ({"data": {"measures": ("rougeL@1", "f1")}}, BadValue, "measures of the model"),
        ({"model": {"measures": ("no",)}, "data": {"measures": ("no",)}}, UnknownName, "measure"),
        ({"data": {"llms": ["sim-atlas"]}}, UnknownName, "Did you mean 'sim-atlas-70b'"),
        ({"data": {"datasets": ["simulate"]}}, UnknownName, "Did you mean 'simulated'"),
        ({"monitor": "validation/qualty"}, UnknownName, "Did you mean 'validation/quality'"),
        ({"patience": 0}, BadValue, "patience"),
    ],
)
def test_options_that_cannot_work_are_refused_before_a_run_begins(
    measured_pool, fresh, options, error, told
):
    store = fresh(measured_pool)
    made = {"model": tiny_ranker(**options.pop("model", {})),
            "data": pair_data(**options.pop("data", {}))}  # fmt: skip
    with pytest.raises(error, match=told):
        trained(store, **made, **options)
    assert runs(store, "train") == []


def test_data_that_another_kind_of_ranker_learns_from_is_refused(measured_pool, fresh):
    store = fresh(measured_pool)
    with pytest.raises(BadValue, match="data of a PairRanker = 'ListData': expected PairData"):
        trained(store, data=ListData([MEASURE]))
    tiny = TinyEncoder(hidden_size=16, layers=1, heads=2, intermediate=32)
    with pytest.raises(BadValue, match="data of a SimCLS = 'PairData': expected ListData"):
        trained(store, model=SimCLS(tiny, measures=[MEASURE]))
    assert runs(store, "train") == []


@pytest.mark.parametrize(
    "options", [{"accelerator": "tpu"}, {"accelerator": "abacus"}, {"precision": "7"}]
)
def test_a_trainer_that_cannot_be_is_a_users_error(measured_pool, fresh, options):
    store = fresh(measured_pool)
    with pytest.raises(BadValue, match="trainer"):
        trained(store, trainer=TRAINER | options)
    [run] = runs(store, "train")
    assert run.info.status == "FAILED"


def test_training_leaves_other_stores_their_own_tracking(measured_pool, fresh):
    """Lightning's MLflow logger sets MLflow's URI for the whole process."""
    trained(fresh(measured_pool, "one"))
    other = fresh(measured_pool, "other")
    assert Tracker(other).uri == f"sqlite:///{other.parent}/mlflow.db"
    assert runs(other, "train") == []


def test_a_training_too_short_to_be_validated_is_validated_at_its_end(measured_pool, fresh):
    store = fresh(measured_pool)
    options = {"max_epochs": -1, "max_steps": 2}
    done = trained(store, data=pair_data(tokens_per_batch=200), trainer=TRAINER | options)
    assert done.new
    assert {"validation/quality", "validation/pairwise_accuracy"} <= set(done.metrics)
    [run] = runs(store, "train")
    assert run.info.status == "FINISHED"
    assert run.data.metrics["best/validation/quality"] == done.metrics["validation/quality"]
    assert PairRanker.from_pretrained(Tracker(store).artifact(done.ranker, "model")).built
