"""`workbench judge` as users call it."""

import pytest
from chat_server import Told, error, serving
from judged_pool import JUDGE, LLMS, PROMPTS, pool
from tiny_pipeline import copied, one, runs

from workbench.cli import main
from workbench.store.store import Store

PAIRS = PROMPTS * len(LLMS) * (len(LLMS) - 1)
PRICES = ("--endpoint.usd_per_mtok_in=1", "--endpoint.usd_per_mtok_out=4")


@pytest.fixture(scope="module")
def filled(tmp_path_factory, empty_tracking):
    """Folder of the pool's store. Read only."""
    folder = copied(empty_tracking, tmp_path_factory.mktemp("filled") / "pool")
    pool(folder / "store.duckdb")
    return folder


@pytest.fixture
def store(filled, fresh):
    return Store(fresh(filled)).path  # opened once: a tracker asks whose runs it holds


def judged(store, url, *words):
    model = ["--endpoint.model=judge-model", f"--endpoint.base_url={url}"]
    return main(["judge", f"--store={store}", *model, *words])


def test_from_an_estimate_to_gpt_rank(store, capsys):
    assert judged(store, "http://127.0.0.1:1/v1", *PRICES, "--dry_run=true") == 0
    told = capsys.readouterr().out
    assert "nothing was asked" in told
    assert "about USD" in told
    with serving() as server:
        assert judged(store, server.url, *PRICES, "--max_calls=5") == 0
        told = capsys.readouterr().out
        assert "The limit of calls or USD is reached; the same command goes on." in told
        assert judged(store, server.url, *PRICES) == 0
    told = capsys.readouterr().out
    assert f"measure --judge '{JUDGE}'" in told
    assert "pairs left" in told
    assert len(server.asked) == PAIRS
    assert main(["measure", f"--store={store}", f"--judge={JUDGE}"]) == 0
    best = "select count(*) from qualities join candidates using (candidate_id) " \
           "where measure = ? and (llm, value) in (('a', -1), ('b', 0), ('c', 1))"  # fmt: skip
    assert one(store, best, f"gpt_rank[{JUDGE}]@1") == PROMPTS * len(LLMS)


def test_options_of_the_judging_are_part_of_its_name(store, capsys):
    with serving() as server:
        words = ("--judging.show_reference=true", '--judging.options={"top_k": 1}',
                 "--judging.temperature=null", "--order=random")  # fmt: skip
        assert judged(store, server.url, *words) == 0
    judge = one(store, "select distinct judge from verdicts")
    assert judge.startswith(f"{JUDGE}+reference+temperature=default+options=")
    asked = server.asked[0]
    assert (asked["top_k"], "temperature" in asked) == (1, False)
    [run] = runs(store, "judge")
    assert run.data.params["judge"] == judge
    assert run.data.params["judging.show_reference"] == "True"


def test_users_errors_are_told_in_a_line(store, capsys):
    refusing = lambda request: Told(status=401, body=error("no"))  # noqa: E731
    refusing.checks = True
    with serving(refusing) as server:
        assert judged(store, server.url) == 2
    told = capsys.readouterr().err
    assert "error: the endpoint" in told
    assert "name that by api_key_env" in told
    for words, expected in (
        (["--endpoint.api_key_env=sk-abc-123"], "name of an environment variable, not the key"),
        (["--judging.tries=0"], "tries = 0"),
        (["--fusions=some"], "fusions"),
        (["--endpoint.modle=x"], "Did you mean --endpoint.model?"),
        (["--max_usd=1"], "the endpoint's prices as well"),
    ):
        assert judged(store, "http://127.0.0.1:1/v1", *words) == 2
        told = capsys.readouterr().err
        assert expected in told
        assert "sk-abc-123" not in told
    assert runs(store, "judge") == []


def test_in_an_experiment_file(store, tmp_path):
    with serving() as server:
        file = tmp_path / "experiment.yaml"
        file.write_text(
            f"store: {store}\nstages:\n  judge:\n    endpoint:\n      model: judge-model\n"
            f"      base_url: {server.url}\n    judging:\n      answer_chars: 2\n    llms: [a, b]\n"
        )
        assert main(["run", str(file)]) == 0
    assert one(store, "select distinct judge from verdicts") == f"{JUDGE}+answer_chars=2"
