"""The stage route: utilities of every prompt, once, by a router that knows the LLMs."""

import pyarrow as pa
import pytest
from tiny_pipeline import copied
from tiny_routing import LLMS, MEASURE, filled, world_rows

from workbench.cli import main
from workbench.store.labels import labels
from workbench.store.store import Store

TRAIN = [
    "--model=KNNRouter", "--model.neighbours=5", "--model.encoder.dimensions=8",
    "--data=RouterData", f"--data.measure={MEASURE}",
]  # fmt: skip
SIZES = {"train": 24, "validation": 8, "test": 4}


@pytest.fixture(scope="module")
def trained(tmp_path_factory, empty_tracking):
    """Folder of a store with a trained router. Read only."""
    folder = copied(empty_tracking, tmp_path_factory.mktemp("trained") / "pool")
    path = filled(folder / "store.duckdb", world_rows(**SIZES)).path
    assert main(["train", f"--store={path}", *TRAIN]) == 0
    return folder


@pytest.fixture
def routed(trained, fresh):
    """A copy of it."""
    return fresh(trained)


def routes(path):
    return Store(path).query("select * from routes order by prompt_id, llm").to_pylist()


def test_each_prompt_is_routed_once(routed, capsys):
    assert main(["route", f"--store={routed}"]) == 0
    first = routes(routed)
    assert len(first) == (SIZES["validation"] + SIZES["test"]) * len(LLMS)
    assert [row["llm"] for row in first[:3]] == sorted(LLMS)
    capsys.readouterr()
    assert main(["route", f"--store={routed}"]) == 0
    assert "there before" in capsys.readouterr().out
    assert routes(routed) == first


def test_what_a_kill_has_left_out_is_made_up_for(routed):
    assert main(["route", f"--store={routed}"]) == 0
    whole = routes(routed)
    with Store(routed).writing() as db:  # a prompt without routes, and one with a part of them
        db.execute("delete from routes where prompt_id = ?", [whole[0]["prompt_id"]])
        db.execute(
            "delete from routes where prompt_id = ? and llm = ?",
            [whole[-1]["prompt_id"], whole[-1]["llm"]],
        )
    assert main(["route", f"--store={routed}"]) == 0
    assert routes(routed) == whole


def test_a_router_is_called_by_what_tells_it_from_others(routed):
    mixed = ["--data.beta=0.3", "--data.tagger=category", "--data.leave_out=stories"]
    assert main(["train", f"--store={routed}", *TRAIN, *mixed]) == 0
    for run in labels(Store(routed)):
        assert main(["route", f"--store={routed}", f"--router={run}"]) == 0
    told = sorted(labels(Store(routed)).values())
    assert told == ["KNNRouter", "KNNRouter β=0.3 without some"]


def test_splits_are_chosen(routed):
    assert main(["route", f"--store={routed}", "--splits=test"]) == 0
    assert len(routes(routed)) == SIZES["test"] * len(LLMS)


def newcomer(path):
    """An LLM that answers a test prompt and that the router has not met."""
    store = Store(path)
    row = store.query("select prompt_id from prompts where split = 'test' limit 1").to_pylist()[0]
    store.insert("llms", pa.table({"llm": ["newcomer"]}))
    given = {"candidate_id": "n", "llm": "newcomer", "text": "I am new", "decoding": ""}
    store.insert("candidates", pa.Table.from_pylist([{**row, **given}]))


def test_an_llm_that_came_after_the_training_is_named(routed, capsys):
    newcomer(routed)
    assert main(["route", f"--store={routed}"]) == 2
    error = capsys.readouterr().err
    assert "newcomer" in error
    assert "leave_out" in error
    assert not routes(routed)
    assert main(["route", f"--store={routed}", "--unknown_llms=leave_out"]) == 0
    assert {row["llm"] for row in routes(routed)} == set(LLMS)


def test_a_saved_router_routes_as_the_trained_one_does(routed, tmp_path):
    assert main(["route", f"--store={routed}"]) == 0
    first = routes(routed)
    run = first[0]["router"]
    saved = tmp_path / "saved"
    assert main(["save", f"--store={routed}", f"--router={run}", f"--to={saved}"]) == 0
    assert main(["route", f"--store={routed}", f"--router={saved}"]) == 0
    both = routes(routed)
    assert len(both) == 2 * len(first)
    own = {(row["prompt_id"], row["llm"]): row["utility"] for row in first}
    others = [row for row in both if row["router"] != run]
    assert all(row["utility"] == own[row["prompt_id"], row["llm"]] for row in others)


def test_forgetting_takes_the_routes_too(routed):
    assert main(["route", f"--store={routed}"]) == 0
    assert main(["forget", f"--store={routed}", routes(routed)[0]["router"]]) == 0
    assert not routes(routed)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--router=feed"], "feed"),
        (["--datasets=nowhere"], "Valid: world"),
        (["--unknown_llms=ask"], "leave_out"),
        (["--device=abacus"], "abacus"),
        (["--tokens_per_batch=0"], "positive"),
    ],
)
def test_what_cannot_be_is_told_before_work(routed, capsys, options, told):
    assert main(["route", f"--store={routed}", *options]) == 2
    assert told in capsys.readouterr().err
    assert not routes(routed)
