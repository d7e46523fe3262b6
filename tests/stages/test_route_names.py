import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.routing.policies import Policy
from workbench.stages.ranker_names import named
from workbench.stages.route_names import (
    RouteSystem,
    common_llms,
    is_route,
    route_labels,
    router_system,
    routers_of,
)
from workbench.stages.system_names import is_ranking, short_systems

ID = "a1" * 16
LLM = st.sampled_from(["a", "org/model-7b", "b (chat), 2", 'it"s', "x:8b"])


@given(
    st.sampled_from([ID, "ZOOTER", "ZOOTER org/deberta (1)"]),
    st.one_of(
        st.just(Policy()),
        st.builds(lambda llm: Policy.of("abstain", default=llm), LLM),
        st.builds(lambda price: Policy.of("cost_aware", **{"lambda": price}), st.floats(0, 9)),
    ),
)
def test_a_name_tells_router_and_policy(router, policy):
    system = RouteSystem(router, str(policy))
    assert RouteSystem.parse(system.name) == system
    assert is_route(system.name)
    assert not is_ranking(system.name)
    assert not is_ranking(router_system(f"{router}/x"))
    assert routers_of([system.name, router_system("r2"), "llm:a/b"]) == {router, "r2"}


@pytest.mark.parametrize("name", ["llm:a", "route:a", "route:a/b c", "fusion:x/argmax"])
def test_what_is_no_route_is_refused(name):
    with pytest.raises(ValueError, match="not the name of a route"):
        RouteSystem.parse(name)


def test_labels_leave_out_the_llms_that_all_policies_name():
    policies = ["argmax", "threshold(strong=a, weak=b, share=0.3)",
                "threshold(strong=a, weak=c, share=0.5)", "abstain(default=a)"]  # fmt: skip
    names = [RouteSystem(ID, policy).name for policy in policies]
    assert list(route_labels(names).values()) == [
        "a1a1a1a1/argmax",
        "a1a1a1a1/threshold(weak=b, share=0.3)",
        "a1a1a1a1/threshold(weak=c, share=0.5)",
        "a1a1a1a1/abstain(margin=0.05)",
    ]
    assert common_llms(names) == "strong: a, default: a"
    assert short_systems([router_system(ID), "llm:a/b", names[0]]) == {
        router_system(ID): "a1a1a1a1", "llm:a/b": "llm:a/b", names[0]: "a1a1a1a1/argmax",
    }  # fmt: skip


def test_rows_call_routers_by_their_labels():
    route, rest = RouteSystem(ID, "argmax").name, ("d", "test", "all")
    rows = [
        (route, *rest, "quality:m", 1.0),
        (router_system(ID), *rest, "aiq:m", 1.0),
        ("llm:a", *rest, f"picked_share:{route}", 1.0),
        (router_system("b2"), *rest, "aiq:m", 1.0),
    ]
    shown = named(rows, {ID: "ZOOTER org/x"})
    assert [(row[0], row[4]) for row in shown] == [
        ("route:ZOOTER org/x/argmax", "quality:m"),
        ("router:ZOOTER org/x", "aiq:m"),
        ("llm:a", "picked_share:route:ZOOTER org/x/argmax"),
        ("router:b2", "aiq:m"),
    ]
