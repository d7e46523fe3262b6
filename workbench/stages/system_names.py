"""What systems are called in the tables of the store, and in short where people read."""

from collections.abc import Iterable

from workbench.stages.fusion_names import FUSION, fusion_labels
from workbench.stages.rankers import short, short_scheme
from workbench.stages.route_names import ROUTE, ROUTER, route_labels

RANDOM, LONGEST, BEST_SINGLE, ORACLE = "Random", "Longest", "BestSingle", "Oracle"
CHEAPEST, ZERO_ROUTER = "Cheapest", "ZeroRouter"
PREFERENCE = "preference"


def ranker_system(ranker: str, scheme: str) -> str:
    """Name of the system 'this ranker with this scheme'."""
    return f"{ranker}/{scheme}"


def llm_system(llm: str) -> str:
    """Name of the system 'always this LLM'."""
    return f"llm:{llm}"


def preference_system(ranker: str) -> str:
    """Name of the system 'what this ranker prefers, pair by pair', before any scheme."""
    return f"{ranker}/{PREFERENCE}"


def measure_system(measure: str) -> str:
    """Name of the system 'the quality itself, by this measure'."""
    return f"quality[{measure}]"


def best_single_system(measure: str) -> str:
    """Name of BestSingle by this measure, where several measures stand beside each other."""
    return f"{BEST_SINGLE}[{measure}]"


def judge_system(judge: str) -> str:
    """Name of a judge as a system, which others are compared with."""
    return f"judge:{judge}"


def is_ranking(name: str) -> bool:
    """Whether a system is a ranker with a scheme or its preference; other names may hold '/'."""
    others = (llm_system(""), judge_system(""), FUSION, ROUTE, ROUTER)
    measures = ("quality[", f"{BEST_SINGLE}[")
    return "/" in name and not name.startswith((*others, *measures))


def short_system(name: str) -> str:
    """Ids cut to eight characters, and the settings that are usual left out."""
    return short_systems([name])[name]


def short_systems(names: Iterable[str]) -> dict[str, str]:
    """Short names of the systems of a table or plot; fusions and routes without what all share."""
    every = list(names)
    known = {name: _short_ranking(name) for name in every}
    return known | fusion_labels(every) | route_labels(every)


def _short_ranking(name: str) -> str:
    if not is_ranking(name):
        return name
    ranker, _, scheme = name.partition("/")
    return f"{short(ranker)}/{scheme if scheme == PREFERENCE else short_scheme(scheme)}"
