import pytest
from fused_pool import qualities, ranked_store
from hand_routes import OTHER, ROUTER, route, size
from tiny_pipeline import copied, execute

from workbench.errors import BadValue, MissingInput, UnknownName
from workbench.stages.chosen_routes import chosen_routes, chosen_unit, seen_routes
from workbench.stages.route_names import RouteSystem
from workbench.store.store import Store

CONFIG = {"measures": ["m"], "datasets": ["hand"], "splits": ["test"]}
THRESHOLD = "threshold(strong=a, weak=d, share=0.5)"


@pytest.fixture(scope="module")
def store(tmp_path_factory, empty_tracking):
    """A router of all LLMs on test, another of a, b and c on test and validation. Read only."""
    folder = copied(empty_tracking, tmp_path_factory.mktemp("routed") / "pool")
    file = ranked_store(folder / "store.duckdb")
    for split in ("test", "validation"):
        prompts, quality = qualities(file, split=split)
        route(file, prompts, quality[:, :3], OTHER, llms="abc")
        if split == "test":
            route(file, prompts, quality)
    return Store(file)


def test_by_default_every_router_and_argmax(store):
    assert chosen_routes(store, None, None, CONFIG) == [
        RouteSystem(ROUTER, "argmax"), RouteSystem(OTHER, "argmax"),
    ]  # fmt: skip
    assert chosen_routes(store, "f6", ["argmax", "argmax()"], CONFIG) == [
        RouteSystem(OTHER, "argmax")
    ]
    assert chosen_routes(store, "none", None, CONFIG) == []
    assert chosen_routes(store, None, None, CONFIG | {"measures": []}) == []
    on_validation = chosen_routes(store, None, None, CONFIG | {"splits": ["validation"]})
    assert [system.router for system in on_validation] == [OTHER]


def test_a_policy_is_left_out_where_its_llms_are_not(store, capsys):
    policies = ["abstain(default=d)"]
    assert chosen_routes(store, None, policies, CONFIG)
    said = capsys.readouterr().err
    assert "abstain(default=d, margin=0.05) names LLMs that are not there" in said
    assert "f6f6f6f6 on hand" in said
    assert "e5e5e5e5" not in said


@pytest.mark.parametrize(
    ("router", "policy", "error", "words"),
    [
        ("zz", "argmax", UnknownName, "unknown router with routes 'zz'.*none"),
        (None, "best", UnknownName, "best"),
        (None, "abstain(default=zz)", UnknownName, "default LLM of abstain 'zz'.*a, b, c"),
        ("f6", "abstain(default=d)", UnknownName, "default LLM of abstain 'd'"),
        ("e5", THRESHOLD, MissingInput, "no validation prompt of hand"),
        ("none", "best", UnknownName, "best"),
    ],
)
def test_what_cannot_be_decided_is_refused(store, router, policy, error, words):
    with pytest.raises(error, match=words):
        chosen_routes(store, router, [policy], CONFIG)


def test_no_policy_is_refused(store):
    with pytest.raises(BadValue, match="policies"):
        chosen_routes(store, None, [], CONFIG)


def test_the_unit_of_costs_is_the_first_that_is_known(store, fresh):
    own = Store(fresh(store.path.parent))
    assert chosen_unit(own, None, CONFIG) == "calls"
    with pytest.raises(
        MissingInput, match=r"usd is known of no candidate of hand: .*or choose calls"
    ):
        chosen_unit(own, "usd", CONFIG)
    with pytest.raises(UnknownName, match="unit of cost 'gold'"):
        chosen_unit(own, "gold", CONFIG)
    execute(own.path, "update candidates set tokens_out = 5 where llm = 'a'")
    assert chosen_unit(own, None, CONFIG) == "tokens"
    size(own.path)
    assert chosen_unit(own, None, CONFIG) == "parameters"
    with pytest.raises(MissingInput, match="choose parameters, tokens, calls"):
        chosen_unit(own, "usd", CONFIG)
    execute(own.path, "update candidates set usd = 0.5 where llm = 'b'")
    assert chosen_unit(own, None, CONFIG) == "usd"
    assert chosen_unit(own, "calls", CONFIG) == "calls"


def test_what_is_seen_changes_with_routes_and_with_costs_that_count(store, fresh):
    own = Store(fresh(store.path.parent))
    systems = chosen_routes(own, "f6", None, CONFIG)
    config = CONFIG | {"cost": "calls"}
    first = seen_routes(own, systems, config)
    size(own.path)
    assert seen_routes(own, systems, config) == first
    assert seen_routes(own, systems, CONFIG | {"cost": "parameters"}) != first
    assert seen_routes(own, [], CONFIG) == []
    execute(own.path, "update routes set utility = 9 where router = ?", ROUTER)
    assert seen_routes(own, systems, config) == first
    execute(own.path, "update routes set utility = 9 where router = ?", OTHER)
    assert seen_routes(own, systems, config) != first
