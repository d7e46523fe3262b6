"""Which ranker and fuser the stages of an experiment hand on."""

from types import SimpleNamespace

import pytest

from workbench.experiment import Step, run


def stages(*steps):
    """Runs steps (verb, arguments, result); gives what each was called with, in order."""
    seen = []

    def function_of(verb, result):
        def both(ranker=None, fuser=None):
            seen.append((verb, ranker, fuser))
            return SimpleNamespace(**result)

        def routing(router=None):
            seen.append((verb, router))
            return SimpleNamespace(**result)

        return routing if verb == "route" else both

    run([Step(verb, verb, function_of(verb, result), given) for verb, given, result in steps])
    return seen


RANKER = ("train", {}, {"ranker": "r", "fuser": None})
FUSER = ("train", {}, {"ranker": None, "fuser": "f"})


@pytest.mark.parametrize(
    ("step", "called"),
    [
        (("fuse", {}, {}), ("r", "f")),
        (("fuse", {"ranker": "random"}, {}), ("random", "f")),
        (("tune", {"fuser": "other"}, {}), ("r", "other")),
        (("evaluate", {}, {}), ("r", None)),  # of all fusers
        (("judge", {}, {}), ("r", None)),  # there may be no fusion yet
        (("save", {}, {}), ("r", None)),
        (("save", {"fuser": "f"}, {}), (None, "f")),
    ],
)
def test_a_stage_takes_what_was_trained_before_it(step, called):
    assert stages(RANKER, FUSER, step)[-1] == (step[0], *called)


def test_a_fuser_from_a_directory_is_not_handed_on():
    """What the store knows it by is no name that it could be loaded by."""
    elsewhere = ("fuse", {"fuser": "./tiny"}, {"fuser": "0" * 32})
    assert stages(FUSER, elsewhere, ("fuse", {}, {}))[-1] == ("fuse", None, "f")
    assert stages(elsewhere, ("tune", {}, {}))[-1] == ("tune", None, None)
    named = ("fuse", {"fuser": "0a1b"}, {"fuser": "0a1b2c"})
    assert stages(FUSER, named, ("tune", {}, {}))[-1] == ("tune", None, "0a1b2c")


def test_several_rankers_are_evaluated_together():
    other = ("compare", {"ranker": "./pairrm"}, {"ranker": "hash"})
    called = stages(RANKER, other, ("aggregate", {}, {}), ("evaluate", {}, {}))
    assert called[-2:] == [("aggregate", "hash", None), ("evaluate", None, None)]


def test_routes_are_made_by_the_router_that_was_trained_last():
    first, second = (("train", {}, {"router": name}) for name in ("one", "two"))
    called = stages(first, ("route", {}, {"router": "one"}), second, ("route", {}, {}))
    assert [call[1] for call in called if call[0] == "route"] == ["one", "two"]
    assert stages(first, ("route", {"router": "named"}, {}))[-1] == ("route", "named")


def test_a_router_is_saved_without_the_ranker_that_was_trained_before():
    seen = []

    def train():
        return SimpleNamespace(ranker="r")

    def save(ranker=None, fuser=None, router=None):
        seen.append((ranker, fuser, router))

    run([Step("train", "train", train, {}), Step("save", "save", save, {"router": "known"})])
    assert seen == [(None, None, "known")]
