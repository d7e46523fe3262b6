"""Save: a trained ranker out of the tracking store -> a directory that loads anywhere."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rich.text import Text

from workbench.errors import BadValue
from workbench.ranking.loading import load_ranker
from workbench.ranking.pair_ranker import PairRanker
from workbench.stages.trainings import trained_ranker
from workbench.store.store import Store
from workbench.tracking import Tracker


@dataclass
class Saved:
    """Which ranker went where."""

    ranker: str
    format: str
    path: Path

    def __rich__(self) -> Text:
        return Text(f"ranker {self.ranker} saved in {self.path} ({self.format} format)")


def save(
    store: Path,
    to: Path,
    ranker: str | None = None,
    format: Literal["workbench", "PairRM-hf"] = "workbench",
) -> Saved:
    """Copies a trained ranker into a directory, which `compare --ranker DIRECTORY` and
    `Blender(DIRECTORY)` load.

    Args:
        store: DuckDB file.
        to: directory to write; new, or empty.
        ranker: run id of a training, or its beginning; the only one by default.
        format: workbench for any ranker; PairRM-hf for a PairRanker on a DeBERTa-v2 or v3
            encoder, which llm-blender loads too.

    Raises:
        UnknownName, MissingInput: no such training.
        BadValue: a directory that is not empty, or a ranker that PairRM-hf cannot express.
    """
    if to.exists() and not (to.is_dir() and not any(to.iterdir())):
        raise BadValue("to", str(to), "a directory that is new or empty")
    tracker = Tracker(Store(store).path)
    run = trained_ranker(tracker, ranker)
    with tempfile.TemporaryDirectory() as folder:
        loaded = load_ranker(tracker.artifact(run, "model", Path(folder)))
        if format == "workbench":
            loaded.save_pretrained(to)
        elif isinstance(loaded, PairRanker):
            loaded.export_pairrm(to)
        else:
            raise BadValue("format", format, f"workbench, for a {type(loaded).__name__}")
    return Saved(run, format, to)
