"""Writing a PairRanker as a checkpoint of the PairRM-hf format.

Other programs load it with llm-blender's `DebertaV2PairRM.from_pretrained` and transformers'
`AutoTokenizer` (4 and 5), this one with `load_pairrm`.
"""

from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from workbench.errors import BadValue
from workbench.models import saved
from workbench.ranking.pairrm_config import PREFIX_IDS

_FIXED = {
    "segment_embeddings": (False, "False: PairRM has no embeddings of segments"),
    "pooling": ("marker", "'marker': PairRM reads the markers' states"),
    "elide": (False, "False: PairRM cuts long texts at their end"),
}
_ENCODER = "deberta-v2"  # DeBERTa-v3 is of this type too
_OF_THIS_MACHINE = ("is_local", "local_files_only", "backend", "name_or_path")


def export_pairrm(ranker: Any, directory: str | Path) -> None:
    """Writes a built PairRanker as config.json, tokenizer files and model.safetensors.

    Its lengths and the names of its measures are written beside what the format knows; options of
    training are not.

    Raises:
        BadModel: before `build`, or where weights are not finite.
        BadValue: an option of the ranker that the format cannot express.
    """
    directory = Path(directory)
    layout = ranker.layout
    _check(ranker)
    state = ranker.state_dict()
    weights = {name: value.detach().cpu().float().contiguous() for name, value in state.items()}
    saved.check_weights(weights, state, directory / "model.safetensors")
    directory.mkdir(parents=True, exist_ok=True)
    layout.tokenizer.save_pretrained(directory)
    _make_readable(directory / "tokenizer_config.json")
    saved.write_json(directory / "config.json", _config(ranker))
    # transformers 4 takes no file that does not name its framework.
    save_file(weights, directory / "model.safetensors", metadata={"format": "pt"})


def _check(ranker: Any) -> None:
    for option, (value, expected) in _FIXED.items():
        if ranker.hparams[option] != value:
            raise BadValue(option, ranker.hparams[option], f"{expected}, to be exported")
    found = ranker.pretrained_model.config.model_type
    if found != _ENCODER:
        raise BadValue("encoder", found, f"one of type '{_ENCODER}', as all of PairRM-hf")


def _config(ranker: Any) -> dict[str, Any]:
    h, layout = ranker.hparams, ranker.layout
    ids = dict(zip(PREFIX_IDS, layout.marker_ids.tolist(), strict=True))
    return {
        **ranker.pretrained_model.config.to_dict(),
        **ids,
        "_name_or_path": ranker.encoder,
        "architectures": ["DebertaV2PairRM"],
        "torch_dtype": "float32",  # transformers 4 knows "dtype" by this name
        "n_tasks": len(ranker.measures),
        "drop_out": h["head_dropout"],
        "cls_token_id": layout.cls,
        "sep_token_id": layout.sep,
        "pad_token_id": layout.pad,
        "source_maxlength": h["source_maxlength"],
        "candidate_maxlength": h["candidate_maxlength"],
        "measures": list(ranker.measures),
    }


def _make_readable(file: Path) -> None:
    # Under any other name one of the two transformers versions fails, or reads tokenizer.json
    # without its normaliser (see `tokenizer_files`).
    config = saved.read_json(file)
    config = {key: value for key, value in config.items() if key not in _OF_THIS_MACHINE}
    saved.write_json(file, {**config, "tokenizer_class": "PreTrainedTokenizerFast"})
