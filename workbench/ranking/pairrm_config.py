"""The configuration of a PairRM checkpoint, of either format, checked."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub.errors import StrictDataclassError
from transformers import AutoConfig

from workbench.errors import BadModel
from workbench.models import saved
from workbench.models.hub_files import checkpoint_file
from workbench.models.markers import MARKERS
from workbench.ranking.layout import FRAME

PREFIX_IDS = ("source_prefix_id", "cand1_prefix_id", "cand2_prefix_id", "cand_prefix_id")
"""Keys of PairRM-hf for the ids of `models.markers.MARKERS`, in their order."""
HF_LENGTHS = {"source_maxlength": 1224, "candidate_maxlength": 412}
"""PairRM-hf does not tell its lengths; these are the ones that it was trained with."""
_OF_THE_RANKER = (*PREFIX_IDS, *HF_LENGTHS, "n_tasks", "drop_out", "measures")
_OF_THE_FILE = ("model_type", "architectures", "auto_map", "_name_or_path")


@dataclass(frozen=True)
class PairRMConfig:
    """What a checkpoint tells of itself.

    Attributes:
        file: config.json.
        is_hf: of the PairRM-hf format.
        encoder: the name of the model that the encoder comes from.
        backbone: the encoder's transformers configuration; in the PairRM format that of the base
            model, whose vocabulary lacks the markers.
        n_tasks: outputs of the head.
        drop_out: in the head.
        source_maxlength, candidate_maxlength: tokens of a segment, see `Layout`.
        measures: names of the heads.
        marker_ids: by marker, the key and the id that config.json gives it.
    """

    file: Path
    is_hf: bool
    encoder: str
    backbone: Any
    n_tasks: int
    drop_out: float
    source_maxlength: int
    candidate_maxlength: int
    measures: list[str]
    marker_ids: dict[str, tuple[str, int]]


def read_config(directory: Path, name: str, *, local_files_only: bool = False) -> PairRMConfig:
    """The configuration in a directory.

    Args:
        directory: of the checkpoint.
        name: by which it was asked for.
        local_files_only: take the base model's configuration from the hub's cache only.

    Raises:
        BadModel: a key is missing or cannot be used, or the encoder's configuration cannot be had.
    """
    file = directory / "config.json"
    config = saved.read_json(file)
    is_hf = config.get("ranker_type") != "pairranker"
    drop_out = _value(file, config, "drop_out", (int, float))
    if not 0 <= drop_out < 1:
        raise BadModel(f"{file}: drop_out = {drop_out!r}: expected a share, 0 <= drop_out < 1")
    lengths = {**HF_LENGTHS, **config} if is_hf else config
    n_tasks = _at_least(file, config, "n_tasks", 1)
    return PairRMConfig(
        file=file,
        is_hf=is_hf,
        encoder=str(config.get("_name_or_path") or name) if is_hf else _base(file, config),
        backbone=_backbone(directory, config, is_hf, local_files_only),
        n_tasks=n_tasks,
        drop_out=float(drop_out),
        source_maxlength=_at_least(file, lengths, "source_maxlength", FRAME + 1),
        candidate_maxlength=_at_least(file, lengths, "candidate_maxlength", FRAME + 1),
        measures=_measures(config, n_tasks),
        marker_ids=_marker_ids(file, config) if is_hf else {},
    )


def _backbone(directory: Path, config: dict[str, Any], is_hf: bool, local_files_only: bool) -> Any:
    file = directory / "config.json"
    if is_hf:
        values = {key: value for key, value in config.items() if key not in _OF_THE_RANKER}
    else:
        base, file = _base(file, config), directory / "backbone_config.json"
        if not file.is_file():
            file = checkpoint_file(base, "config.json", local_files_only=local_files_only)
        values = saved.read_json(file)
    model_type = _value(file, values, "model_type", (str,))
    values = {key: value for key, value in values.items() if key not in _OF_THE_FILE}
    try:
        return AutoConfig.for_model(model_type, **values)
    except (ValueError, TypeError, StrictDataclassError) as error:
        raise BadModel(f"{file} does not describe an encoder: {error}") from error


def _base(file: Path, config: dict[str, Any]) -> str:
    name: str = _value(file, config, "model_name", (str,))
    return name


def _measures(config: dict[str, Any], n_tasks: int) -> list[str]:
    named = config.get("measures")
    if isinstance(named, list) and len(named) == n_tasks and len(set(map(str, named))) == n_tasks:
        return [str(name) for name in named]
    return ["pairrm"] if n_tasks == 1 else [f"pairrm:{k}" for k in range(n_tasks)]


def _marker_ids(file: Path, config: dict[str, Any]) -> dict[str, tuple[str, int]]:
    # The reference never reads the last one, and not every checkpoint gives it.
    keys = [key for key in PREFIX_IDS if key != PREFIX_IDS[-1] or config.get(key) is not None]
    return {
        marker: (key, _at_least(file, config, key, 0))
        for marker, key in zip(MARKERS, keys, strict=False)
    }


def _at_least(file: Path, config: dict[str, Any], key: str, least: int) -> int:
    value: int = _value(file, config, key, (int,))
    if value < least:
        raise BadModel(f"{file}: {key} = {value!r}: expected at least {least}")
    return value


def _value(file: Path, config: dict[str, Any], key: str, kinds: tuple[type, ...]) -> Any:
    if key not in config:
        raise BadModel(f"{file} lacks the key '{key}' of a PairRM checkpoint")
    value = config[key]
    if not isinstance(value, kinds) or isinstance(value, bool):
        kind = " or ".join(kind.__name__ for kind in kinds)
        raise BadModel(f"{file}: {key} = {value!r}: expected a value of type {kind}")
    return value
