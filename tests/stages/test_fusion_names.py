import re
from dataclasses import replace

import pytest

from workbench.fusion.decoding import Decoding
from workbench.stages.chosen_ranking import ChosenRanking, chosen_ranking
from workbench.stages.fusion_names import (
    FusionSystem,
    common_settings,
    fusers_of,
    fusion_labels,
    is_fusion,
)
from workbench.stages.ranker_names import named
from workbench.stages.system_names import is_ranking, short_system, short_systems

FUSER, RANKER, OTHER = "a1" * 16, "b2" * 16, "c3" * 16
SCHEME = "max_logits;order=both;schedule=all"
BASE = FusionSystem(FUSER, RANKER, SCHEME, 3, "rank", str(Decoding(beams=1, max_new_tokens=16)))
BORDA = replace(BASE, scheme="borda;order=both;schedule=all")
RANDOM = replace(BASE, ranker="d4" * 16, scheme="random(seed=0)")


def labels(*systems):
    return list(fusion_labels(system.name for system in systems).values())


@pytest.mark.parametrize(
    "system",
    [
        BASE,
        RANDOM,
        FusionSystem("some/fuser", "none", "none", 1),
        replace(BASE, candidate_order="shuffled(seed=3)", decoding=""),
        replace(BASE, candidate_order="", decoding="my;own/decoding=3"),
    ],
)
def test_a_name_holds_all_that_makes_a_system(system):
    assert FusionSystem.parse(system.name) == system
    assert is_fusion(system.name)
    assert not is_ranking(system.name)


def test_other_names_are_none_of_fusions():
    for name in (f"{RANKER}/{SCHEME}", "llm:a/b", "Random"):
        assert not is_fusion(name)
        with pytest.raises(ValueError, match=re.escape(name)):
            FusionSystem.parse(name)


def test_labels_tell_what_differs_and_captions_what_does_not():
    beam = replace(BASE, decoding=str(Decoding(beams=4, max_new_tokens=16)))
    turned = replace(BASE, candidate_order="reversed")
    assert labels(BASE) == ["fusion of 3"]
    assert labels(BASE, replace(BASE, top_k=1), RANDOM) == [
        "fusion of 3",
        "fusion of 1",
        "fusion of random 3",
    ]
    assert labels(BASE, beam, turned) == [
        "fusion of 3, greedy",
        "fusion of 3, beam",
        "fusion of 3, reversed, greedy",
    ]
    assert labels(BASE, BORDA) == [
        "fusion of 3 by b2b2b2b2/max_logits",
        "fusion of 3 by b2b2b2b2/borda",
    ]
    assert labels(BASE, replace(BASE, fuser=OTHER)) == ["a1a1a1a1 of 3", "c3c3c3c3 of 3"]
    assert labels(RANDOM, replace(RANDOM, scheme="random(seed=1)")) == [
        "fusion of random(seed=0) 3",
        "fusion of random(seed=1) 3",
    ]
    assert labels(replace(BASE, top_k=0)) == ["fusion of K"]
    told = common_settings([BASE.name, beam.name, RANDOM.name])
    assert told == "fuser a1a1a1a1, candidates by b2b2b2b2/max_logits, max_new_tokens=16"
    assert common_settings([BASE.name, replace(BORDA, fuser=OTHER, decoding="").name]) == ""


def test_short_names_of_rankings_and_fusions_stand_beside_each_other():
    ranking = f"{RANKER}/{SCHEME}"
    assert short_systems([ranking, BASE.name, "llm:a/b"]) == {
        ranking: "b2b2b2b2/max_logits",
        BASE.name: "fusion of 3",
        "llm:a/b": "llm:a/b",
    }
    assert short_system(BASE.name) == "fusion of 3"


def test_fusers_and_their_rankers_are_called_by_their_labels():
    row = (BASE.name, "d", "test", "all", "quality:m", 1.0, 0.5, 1.5, 9)
    [found] = named([row], {FUSER: "GenFuser", RANKER: "PairRanker", OTHER: "x"})
    assert FusionSystem.parse(found[0]) == replace(BASE, fuser="GenFuser", ranker="PairRanker")
    assert found[1:] == row[1:]
    assert fusers_of([BASE.name, "Random", f"{RANKER}/{SCHEME}"]) == {FUSER}


def test_the_stage_that_fuses_calls_chance_as_it_is_read_here():
    chance = chosen_ranking(None, "random", "", 7)  # type: ignore[arg-type]
    assert isinstance(chance, ChosenRanking)
    assert replace(BASE, ranker=chance.ranker, scheme=chance.scheme).random
