"""Reading a tokenizer as its files say.

transformers 5 rebuilds a DeBERTa-v2 tokenizer from its vocabulary alone and leaves out the
character map (`nmt_nfkc`) that it was trained with: "…", "’", full-width letters and no-break
spaces become unknown. Here they stay what they were for the encoder's own training.
"""

from pathlib import Path
from typing import Any

from sentencepiece import sentencepiece_model_pb2
from tokenizers import Regex, Tokenizer, normalizers
from transformers import AutoTokenizer, DebertaV2Tokenizer, PreTrainedTokenizerFast

from workbench.errors import BadModel


def read_tokenizer(name: str | Path, *, local_files_only: bool = False) -> Any:
    """A tokenizer from a directory or a hub id, with the normaliser of its own files.

    Raises:
        BadModel: there is none, or its files cannot be read.
    """
    local = local_files_only or Path(name).is_dir()
    try:
        if (Path(name) / "tokenizer.json").is_file():
            return PreTrainedTokenizerFast.from_pretrained(name, local_files_only=local)
        tokenizer = AutoTokenizer.from_pretrained(
            name, local_files_only=local, trust_remote_code=False
        )
        if type(tokenizer) is not DebertaV2Tokenizer:
            return tokenizer
        if tokenizer.vocab_file and Path(tokenizer.vocab_file).is_file():
            return _with_character_map(tokenizer)
        return PreTrainedTokenizerFast.from_pretrained(name, local_files_only=local)
    except Exception as error:  # the Rust library raises bare ones on a damaged file
        raise BadModel(f"cannot read a tokenizer from '{name}': {error}") from error


def _with_character_map(tokenizer: DebertaV2Tokenizer) -> Any:
    # What the converter of transformers 4 made of a SentencePiece model.
    model = sentencepiece_model_pb2.ModelProto()  # type: ignore[attr-defined]
    model.ParseFromString(Path(tokenizer.vocab_file).read_bytes())
    steps: list[Any] = [normalizers.Lowercase()] if tokenizer.do_lower_case else []
    steps.append(normalizers.Strip())
    if model.normalizer_spec.precompiled_charsmap:
        steps.append(normalizers.Precompiled(model.normalizer_spec.precompiled_charsmap))
    steps.append(normalizers.Replace(Regex(" {2,}"), " "))
    backend = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    backend.normalizer = normalizers.Sequence(steps)
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        model_max_length=tokenizer.model_max_length,
        **tokenizer.special_tokens_map,
    )
