"""What `route` tells beside the routes: unchanged choices under perturbations, and latency."""

import shutil

import numpy as np
import pytest
from tiny_routing import LLMS, MEASURE, filled, router_data, world_rows

from workbench.cli import main
from workbench.routing.baselines import BestSingleRouter, RandomRouter
from workbench.routing.loading import load_router
from workbench.routing.perturbations import PERTURBATIONS, perturbed
from workbench.stages.route import route
from workbench.stages.route_probes import latencies_ms
from workbench.store.store import Store
from workbench.tracking import Tracker

SIZES = {"train": 24, "validation": 9, "test": 5}
HELD_OUT = SIZES["validation"] + SIZES["test"]


class CaseRouter(BestSingleRouter):
    """The second LLM for a prompt with a capital letter, else the first."""

    def utilities_of(self, prompts, tokens_per_batch, precision, progress):
        if progress is not None:
            progress(len(prompts))
        capital = [any(letter.isupper() for letter in text) for text in prompts]
        return np.array([[0.5, float(found), 0.0] for found in capital])


@pytest.fixture
def path(tmp_path, empty_tracking):
    """A store whose prompts no router has seen."""
    shutil.copy(empty_tracking / "mlflow.db", tmp_path)
    return filled(tmp_path / "store.duckdb", world_rows(**SIZES)).path


@pytest.fixture
def saved(path, tmp_path):
    """Saves a router that has learned from the store; gives its directory."""

    def make(router):
        router.take_llms(LLMS)
        router.fit(router_data(Store(path)))
        router.save_pretrained(tmp_path / "router")
        return str(tmp_path / "router")

    return make


def rows(path, table):
    return sorted(map(repr, Store(path).query(f"select * from {table}").to_pylist()))


def shares(probes):
    """(split, perturbation) -> the share of unchanged choices."""
    return {(row[2], row[4].split("[")[1][:-1]): row[5] for row in probes.rows}


def route_runs(path):
    return Tracker(path).runs_of("route")


def test_a_router_that_reads_nothing_is_never_moved(path, saved, capsys):
    router = saved(BestSingleRouter())
    probes = route(path, router, perturbations=["all"]).probes
    assert shares(probes) == {
        (split, name): 1.0 for split in ("validation", "test") for name in PERTURBATIONS
    }
    [run] = route_runs(path)
    id = Store(path).query("select distinct router from routes")["router"][0].as_py()
    for system, dataset, split, part, _, value, low, high, n in probes.rows:
        assert (system, dataset, part) == (f"route:{id}/argmax", "world", "all")
        assert (value, low, high, n) == (1.0, 1.0, 1.0, SIZES[split])
    assert run.data.metrics["world/test/unchanged_typos_"] == 1.0


def test_one_that_reads_capitals_is_moved_by_them(path, saved):
    router = saved(CaseRouter())
    names = ["upper_case", "whitespace", "lower_case"]
    probes = route(path, router, splits=["validation"], perturbations=names).probes
    told = {name: share for (_, name), share in shares(probes).items()}
    assert told == {"lower_case": 1.0, "upper_case": 0.0, "whitespace": 1.0}


def test_shares_are_those_of_choices_one_by_one(path, saved):
    router = saved(RandomRouter(seed=1))
    probes = route(path, router, perturbations=["typos"], probe_prompts=1000).probes
    model = load_router(router)
    prompts = Store(path).query("select instruction, split from prompts").to_pylist()
    for split in ("validation", "test"):
        texts = [row["instruction"] for row in prompts if row["split"] == split]
        before, after = (
            [int(model.utilities([text])[0].argmax()) for text in version]
            for version in (texts, perturbed(texts, "typos"))
        )
        same = [a == b for a, b in zip(before, after, strict=True)]
        assert shares(probes)[split, "typos"] == pytest.approx(np.mean(same))
    # With this seed some choices are moved and some are not.
    assert 0 < np.mean(list(shares(probes).values())) < 1
    assert all(low <= value <= high for *_, value, low, high, _ in probes.rows)


def test_no_more_prompts_than_asked_and_the_same_each_time(path, saved):
    router = saved(RandomRouter())
    few = route(path, router, perturbations=["typos"], probe_prompts=4).probes
    assert sum(row[-1] for row in few.rows) == 4
    other = route(path, router, perturbations=["preamble", "typos"], probe_prompts=4).probes
    assert [row for row in other.rows if "typos" in row[4]] == few.rows


def test_a_second_start_doubles_nothing(path, saved):
    router = saved(RandomRouter())
    options = {"perturbations": ["upper_case", "typos"], "probe_prompts": 6}
    first = route(path, router, **options)
    tables = {table: rows(path, table) for table in ("results", "routes")}
    assert len(tables["results"]) == len(first.probes.rows) > 0
    again = route(path, router, perturbations=["typos", "upper_case", "typos"], probe_prompts=6)
    assert again.probes.rows == first.probes.rows
    assert {table: rows(path, table) for table in tables} == tables
    assert len(route_runs(path)) == 1


def test_what_was_not_asked_leaves_run_and_routes_as_they_are(path, saved):
    router = saved(RandomRouter())
    assert route(path, router).probes.lines == []
    [plain] = route_runs(path)
    assert not {"perturbations", "probe_prompts", "latency_prompts"} & plain.data.params.keys()
    routes = rows(path, "routes")
    route(path, router, perturbations=["all"], latency_prompts=2)
    route(path, router, perturbations=[], probe_prompts=7)
    assert rows(path, "routes") == routes
    assert len(route_runs(path)) == 2


def test_latency_is_told_and_logged_but_no_result(path, saved):
    router = saved(RandomRouter())
    probes = route(path, router, latency_prompts=1000).probes
    assert probes.latencies_ms.shape == (HELD_OUT,)
    assert (probes.latencies_ms > 0).all()
    [run] = route_runs(path)
    logged = {name: run.data.metrics[name] for name in ("latency_ms/median", "latency_ms/p95")}
    assert logged == pytest.approx(probes.latency)
    assert 0 < logged["latency_ms/median"] <= logged["latency_ms/p95"]
    assert rows(path, "results") == []


def test_each_prompt_is_timed_by_itself_after_a_warm_up():
    asked = []

    class Model:
        llms = ("a", "b")

        def utilities(self, texts):
            asked.append(list(texts))
            return np.zeros((len(texts), 2))

    texts = list("vwxyz")
    assert len(latencies_ms(Model(), texts, {})) == len(texts)
    assert asked == [[text] for text in [*texts[:3], *texts]]


def test_forgetting_takes_the_shares_too(path):
    given = ["--model=RandomRouter", "--data=RouterData", f"--data.measure={MEASURE}"]
    assert main(["train", f"--store={path}", *given]) == 0
    route(path, perturbations=["typos"])
    [run] = route_runs(path)
    assert main(["forget", f"--store={path}", run.info.run_id]) == 0
    assert (rows(path, "results"), rows(path, "routes")) == ([], [])
    router = route(path, perturbations=["typos"]).router
    assert rows(path, "results")
    assert main(["forget", f"--store={path}", router]) == 0
    assert (rows(path, "results"), rows(path, "routes")) == ([], [])


def test_the_command_line_shows_all(path, saved, capsys):
    router = saved(BestSingleRouter())
    capsys.readouterr()
    asked = ["--perturbations=typos,upper_case", "--probe_prompts=10", "--latency_prompts=3"]
    assert main(["route", f"--store={path}", f"--router={router}", *asked]) == 0
    shown = capsys.readouterr().out
    for told in ("unchanged[typos], test", "unchanged[upper_case], validation", "1.000 [1.000",
                 "latency_ms, median", "latency_ms, p95"):  # fmt: skip
        assert told in shown


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("--perturbations=typoes", "Valid: lower_case, preamble, typos, upper_case, whitespace"),
        ("--perturbations=typos,shout", "unknown perturbation 'shout'"),
        ("--probe_prompts=0", "probe_prompts = 0"),
        ("--latency_prompts=-1", "latency_prompts = -1"),
    ],
)
def test_what_cannot_be_is_told_before_work(world, capsys, option, told):
    assert main(["route", f"--store={world.path}", option]) == 2
    assert told in capsys.readouterr().err
