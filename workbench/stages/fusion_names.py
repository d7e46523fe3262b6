"""Names of fusion systems: all fusions that were made with the same settings are one system."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from workbench.fusion.decoding import Decoding
from workbench.stages.rankers import short, short_scheme

FUSION = "fusion:"
NONE = "none"  # stands for a ranker or scheme that a fusion does not name
_NAME = re.compile(
    FUSION + r"(?P<fuser>.*)/(?P<ranker>[^/]*)/(?P<scheme>[^/]*)/top_k=(?P<top_k>\d+)"
    r"(?:;order=(?P<candidate_order>[^;]*))?(?:;decoding=(?P<decoding>.*))?"
)


@dataclass(frozen=True)
class FusionSystem:
    """What the fusions of a system have in common: columns of `fusions`, as text where NULL."""

    fuser: str
    ranker: str
    scheme: str
    top_k: int
    candidate_order: str = ""
    decoding: str = ""

    @classmethod
    def parse(cls, name: str) -> "FusionSystem":
        """The system of that name; raises ValueError for what is no fusion's name."""
        found = _NAME.fullmatch(name)
        if found is None:
            raise ValueError(f"not the name of a fusion system: {name}")
        texts = found.groupdict(default="")
        return cls(**texts | {"top_k": int(texts["top_k"])})  # type: ignore[arg-type]

    @property
    def name(self) -> str:
        """`fusion:FUSER/RANKER/SCHEME/top_k=3;order=rank;decoding=greedy(…)`."""
        order = f";order={self.candidate_order}" if self.candidate_order else ""
        decoding = f";decoding={self.decoding}" if self.decoding else ""
        made_of = f"{self.ranker}/{self.scheme}/top_k={self.top_k}"
        return f"{FUSION}{self.fuser}/{made_of}{order}{decoding}"

    @property
    def random(self) -> bool:
        """The candidates were taken at random."""
        return self.scheme.startswith("random(")

    @property
    def ranking(self) -> str:
        """Ranker and scheme in short."""
        known = not self.random and self.scheme != NONE
        scheme = short_scheme(self.scheme) if known else self.scheme
        return f"{short(self.ranker)}/{scheme}"

    @property
    def settings(self) -> dict[str, str]:
        """Order and decoding in parts, without what is usual: `{"kind": "greedy"}`."""
        order = {"order": self.candidate_order} if self.candidate_order not in ("", "rank") else {}
        return order | _unusual(self.decoding)

    @property
    def place(self) -> tuple[Any, ...]:
        """What systems are sorted by where people read: those of random candidates last."""
        made_of = self.ranker, self.scheme, self.top_k
        return self.fuser, self.random, *made_of, self.candidate_order, self.decoding


def is_fusion(name: str) -> bool:
    """Whether a system is one of fusions."""
    return name.startswith(FUSION)


def fusers_of(names: Iterable[str]) -> set[str]:
    """The fusers of the fusions among these systems."""
    return {FusionSystem.parse(name).fuser for name in set(names) if is_fusion(name)}


def _unusual(decoding: str) -> dict[str, str]:
    """The kind of a decoding, and those of its settings that are not as usual."""
    if not decoding:
        return {}
    full = Decoding.parse(decoding)
    usual = vars(Decoding.parse(full.name))
    changed = {name: value for name, value in vars(full).items() if value != usual[name]}
    return {"kind": full.name} | {name: f"{name}={value}" for name, value in changed.items()}


def fusion_labels(names: Iterable[str]) -> dict[str, str]:
    """Short names of the fusions among these systems, without what all of them have in common.

    Such as `fusion of 3`, `fusion of random 3`, `fusion of 3, reversed`; with the fuser where
    there are several, and with the ranking where there are several. A system of top_k 0 stands
    for any K.
    """
    systems = {name: FusionSystem.parse(name) for name in names if is_fusion(name)}
    fusers = {system.fuser for system in systems.values()}
    rankings = {system.ranking for system in systems.values() if not system.random}
    seeds = {system.scheme for system in systems.values() if system.random}
    common = _common(systems.values())

    def label(system: FusionSystem) -> str:
        made = "fusion" if len(fusers) == 1 else short(system.fuser)
        drawn = (system.scheme if len(seeds) > 1 else "random") if system.random else ""
        by = f"by {system.ranking}" if len(rankings) > 1 and not system.random else ""
        k = str(system.top_k or "K")
        head = " ".join(word for word in (made, "of", drawn, k, by) if word)
        own = [text for kind, text in system.settings.items() if kind not in common]
        return ", ".join([head, *own])

    return {name: label(system) for name, system in systems.items()}


def common_settings(names: Iterable[str]) -> str:
    """What the labels of these fusions leave out, for a caption; '' where that is nothing."""
    systems = [FusionSystem.parse(name) for name in names if is_fusion(name)]
    fusers = {f"fuser {short(system.fuser)}" for system in systems}
    rankings = {f"candidates by {s.ranking}" for s in systems if not s.random}
    alike = [text for group in (fusers, rankings) if len(group) == 1 for text in group]
    return ", ".join([*alike, *_common(systems).values()])


def _common(systems: Collection[FusionSystem]) -> dict[str, str]:
    """The settings that all have."""
    kinds = [set(system.settings.items()) for system in systems]
    common = set.intersection(*kinds) if kinds else set()
    return {
        kind: text
        for system in systems
        for kind, text in system.settings.items()
        if (kind, text) in common
    }
