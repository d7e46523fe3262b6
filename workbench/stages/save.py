"""Save: a trained model out of the tracking store -> a directory that loads anywhere."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rich.text import Text

from workbench.errors import BadValue
from workbench.ranking.pair_ranker import PairRanker
from workbench.stages.chosen_fuser import fuser_of
from workbench.stages.chosen_ranker import ranker_of
from workbench.stages.chosen_router import router_of
from workbench.stages.trainings import trained_fuser, trained_ranker, trained_router
from workbench.store.store import Store
from workbench.tracking import Tracker


@dataclass
class Saved:
    """Which training's ranker, fuser or router (`kind`) went where."""

    kind: Literal["ranker", "fuser", "router"]
    run: str
    format: str
    path: Path

    def __rich__(self) -> Text:
        return Text(f"{self.kind} {self.run} saved in {self.path} ({self.format} format)")


def save(
    store: Path,
    to: Path,
    ranker: str | None = None,
    format: Literal["workbench", "PairRM-hf"] = "workbench",
    fuser: str | None = None,
    router: str | None = None,
) -> Saved:
    """Copies a trained ranker, fuser or router into a directory, which `compare --ranker
    DIRECTORY`, `fuse --fuser DIRECTORY` or `route --router DIRECTORY`, and `Blender`, load.

    Args:
        store: DuckDB file.
        to: directory to write; new, or empty.
        ranker: run id of a training, or its beginning; the only one by default.
        format: workbench for any ranker, and for a fuser, which Transformers loads too; PairRM-hf
            for a PairRanker on a DeBERTa-v2 or v3 encoder, which llm-blender loads too.
        fuser: in place of a ranker: run id of a fuser's training, or its beginning.
        router: the same of a router's.

    Raises:
        UnknownName, MissingInput: no such training.
        BadValue: more than one of them, a training of another kind, a directory that is not
            empty, or a ranker that PairRM-hf cannot express.
    """
    if to.exists() and not (to.is_dir() and not any(to.iterdir())):
        raise BadValue("to", str(to), "a directory that is new or empty")
    if sum(given is not None for given in (ranker, fuser, router)) > 1:
        raise BadValue("ranker, fuser and router", (ranker, fuser, router), "one of them")
    tracker = Tracker(Store(store).path)
    if fuser is not None or router is not None:
        kind: Literal["fuser", "router"] = "router" if fuser is None else "fuser"
        if format != "workbench":
            raise BadValue("format", format, f"workbench, for a {kind}")
        run = trained_fuser(tracker, fuser) if fuser else trained_router(tracker, router)
        model = fuser_of(tracker, run) if fuser else router_of(tracker, run)
        model.save_pretrained(to)
        return Saved(kind, run, format, to)
    run = trained_ranker(tracker, ranker)
    loaded = ranker_of(tracker, run)
    if format == "workbench":
        loaded.save_pretrained(to)
    elif isinstance(loaded, PairRanker):
        loaded.export_pairrm(to)
    else:
        raise BadValue("format", format, f"workbench, for a {type(loaded).__name__}")
    return Saved("ranker", run, format, to)
