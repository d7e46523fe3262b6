"""Any ranker on disk or on the hub, by what its files say it is."""

from pathlib import Path

from workbench.errors import BadModel
from workbench.models import saved
from workbench.models.hub_files import checkpoint_directory
from workbench.ranking.pair_ranker import PairRanker
from workbench.ranking.pairrm import is_pairrm
from workbench.ranking.trained_ranker import TrainedRanker


def load_ranker(name: str | Path) -> TrainedRanker:
    """The ranker in a directory or of a hub id, in eval mode.

    It is a ranker of this workbench, of any class, or a PairRM checkpoint.

    Raises:
        BadModel: there is no such directory or model, it is neither of these, or a file or
            weight is missing, unknown, of another shape or not finite.
    """
    directory = checkpoint_directory(name)
    if is_pairrm(directory):
        return PairRanker.from_pretrained(name)
    if not saved.is_saved(directory, "ranker"):
        raise BadModel(
            f"'{name}' holds no ranker: expected a config.json that save_pretrained has written, "
            "or one of a PairRM or PairRM-hf checkpoint"
        )
    return TrainedRanker.from_pretrained(directory)
