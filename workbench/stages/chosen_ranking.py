"""Which ranking a stage builds on: one of the store, or a random one to compare it with."""

import re
from collections import defaultdict
from dataclasses import dataclass

from workbench.aggregation import Scheme
from workbench.aggregation.seeds import check_seed
from workbench.errors import AmbiguousName, MissingInput, UnknownName
from workbench.stages.checkpoints import configuration_id
from workbench.store.store import Store

RANDOM = "random"
RANDOM_ID = configuration_id({"ranking": RANDOM})
"""Id of the ranker that orders the candidates of each prompt at random."""


@dataclass(frozen=True)
class ChosenRanking:
    """A ranker with a scheme.

    Attributes:
        ranker: its id in the store.
        scheme: canonical text; of the random ranker `random(seed=0)`.
        seed: of the random ranker; None for one of the store.
    """

    ranker: str
    scheme: str
    seed: int | None = None


def chosen_ranking(store: Store, ranker: str | None, scheme: str, seed: int) -> ChosenRanking:
    """The ranking that a ranker and a scheme stand for.

    Args:
        store: holds the rankings.
        ranker: its id, or the beginning of it; "random"; None: the only one with rankings.
        scheme: as `aggregate` reads it; a bare name whose usual settings are not ranked means the
            only ranked settings of that name. Does not matter to the random ranker.
        seed: of the random ranker.

    Raises:
        UnknownName, AmbiguousName: no ranking of such a ranker or scheme, or several.
        MissingInput: None, and there is no ranker with rankings, or more than one.
        BadValue: a scheme that cannot be read, or a seed that is none.
    """
    if ranker == RANDOM:
        check_seed(seed)
        return ChosenRanking(RANDOM_ID, f"{RANDOM}(seed={seed})", seed)
    Scheme.parse(scheme)
    ranked: dict[str, set[str]] = defaultdict(set)
    for row in store.query("select distinct ranker, scheme from rankings").to_pylist():
        ranked[row["ranker"]].add(row["scheme"])
    found = _ranker(ranker, sorted(ranked))
    return ChosenRanking(found, _scheme(scheme, ranked[found]))


def _ranker(given: str | None, known: list[str]) -> str:
    if not known:
        raise MissingInput(
            "the store holds no rankings: run `workbench compare` and `workbench aggregate` first, "
            "or take candidates at random with --ranker random"
        )
    found = [name for name in known if name.startswith(given or "")]
    if len(found) == 1:
        return found[0]
    if given is None:
        told = ", ".join([*known, RANDOM])
        raise MissingInput(f"more than one ranker has rankings: choose with --ranker: {told}")
    if found:
        raise AmbiguousName("ranker with rankings", given, found)
    raise UnknownName("ranker with rankings", given, [*known, RANDOM])


def _scheme(text: str, ranked: set[str]) -> str:
    usual = str(Scheme.parse(text))
    if usual in ranked:
        return usual
    same = sorted(name for name in ranked if re.split("[(;]", name)[0] == text)
    if len(same) > 1:
        raise AmbiguousName("ranked scheme", text, same)
    if not same:
        raise UnknownName("ranked scheme", text, ranked)
    return same[0]
