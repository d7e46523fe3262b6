"""A fuser on disk: a plain transformers directory, with the fuser's own options beside it.

fuser.json holds the format and the options; everything else is what transformers writes, so
that any tool which loads such models loads this one.
"""

import inspect
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from workbench.errors import BadModel, BadValue, UnknownName, WorkbenchError
from workbench.fusion.lora import merged
from workbench.fusion.parts import make_parts
from workbench.fusion.prompt import FusionPrompt
from workbench.fusion.seq2seq import longest_prompt
from workbench.fusion.warm_seq2seq import own_weights
from workbench.models.hub_files import checkpoint_file
from workbench.models.quiet import quiet

FORMAT = "llm-ensemble-workbench/fuser"
VERSION = 1
FILE = "fuser.json"
# What a saved fuser does not need: its weights are there, adapters merged into them.
_SPENT = ("model", "lora")


def save_fuser(fuser: Any, directory: Path) -> None:
    """Writes a built fuser into a directory, which is made."""
    directory.mkdir(parents=True, exist_ok=True)
    model = fuser.pretrained_model if fuser.lora is None else merged(fuser.pretrained_model)
    with quiet():
        model.save_pretrained(directory, state_dict=own_weights(model))
    fuser.tokenizer.save_pretrained(directory)
    options = {name: value for name, value in fuser.hparams.items() if name not in _SPENT}
    told = {"format": FORMAT, "version": VERSION, "options": options}
    (directory / FILE).write_text(json.dumps(told, indent=2) + "\n", "utf-8")


def load_fuser(kind: type[Any], name: str | Path, options: dict[str, Any]) -> Any:
    """The fuser in a directory or on the hub; options for one that has none of its own.

    Raises:
        BadModel: there is no such model, or it is damaged.
        BadValue, UnknownName: options for a saved fuser, or that cannot be used.
    """
    own = _read_options(name)
    if own is None:
        _check_options(kind, options)
        fuser = kind(str(name), **options)
    else:
        fuser = _with_own_options(kind, name, own)
        if options:
            raise BadValue("options", sorted(options), "none: a saved fuser has its own")
    model, tokenizer = make_parts(fuser.model, fuser.model_options, None, fuser.hparams["dtype"])
    if own is None and "prompt" not in options:
        fuser.prompt = usual_prompt(model, tokenizer, fuser.decoding.max_new_tokens)
        fuser.hparams["prompt"] = asdict(fuser.prompt)
    fuser.assemble(model, tokenizer)
    return fuser


def usual_prompt(model: Any, tokenizer: Any, answer: int) -> FusionPrompt:
    """Prompt of a model that does not say what it was trained with.

    Args:
        model, tokenizer: of which kind, and how many positions they have.
        answer: tokens that need a place too, of a causal model.
    """
    prompt = FusionPrompt(_usual_template(model, tokenizer))
    most = longest_prompt(model.config, answer)
    return prompt if most is None else replace(prompt, max_length=min(most, prompt.max_length))


def _usual_template(model: Any, tokenizer: Any) -> str:
    if model.config.is_encoder_decoder:
        known = tokenizer.convert_tokens_to_ids("<extra_id_0>")
        return "plain" if known in (None, tokenizer.unk_token_id) else "gen_fuser"
    return "chat" if tokenizer.chat_template else "plain"


def _check_options(kind: type[Any], options: dict[str, Any]) -> None:
    known = [name for name in inspect.signature(kind).parameters if name not in _SPENT]
    for name in options:
        if name not in known:
            raise UnknownName(f"option of a {kind.__name__} that is loaded", name, known)


def _with_own_options(kind: type[Any], name: str | Path, own: dict[str, Any]) -> Any:
    try:
        _check_options(kind, own)
        return kind(str(name), **own)
    except (TypeError, WorkbenchError) as error:
        raise BadModel(f"{Path(name) / FILE}: {error}") from error


def _read_options(name: str | Path) -> dict[str, Any] | None:
    """Options of a saved fuser; None for a model that is no fuser of this workbench."""
    try:
        file = checkpoint_file(name, FILE)
        content = json.loads(file.read_text("utf-8"))
    except (BadModel, FileNotFoundError):  # what is not there at all is told with the model
        return None
    except ValueError as error:
        raise BadModel(f"{Path(name) / FILE} is not JSON: {error}") from error
    told = content if isinstance(content, dict) else {}
    found = told.get("format"), told.get("version")
    if found != (FORMAT, VERSION) or not isinstance(told.get("options"), dict):
        raise BadModel(
            f"{Path(name) / FILE} is no saved fuser of this version: expected format '{FORMAT}' "
            f"version {VERSION} with options, found {found}"
        )
    return dict(told["options"])
