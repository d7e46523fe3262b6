"""Options that are groups of options, which checkpoints and files hold as plain values."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, TypeVar

from workbench.errors import BadValue, UnknownName
from workbench.fusion.parts import DTYPES
from workbench.fusion.tiny_seq2seq import TinySeq2Seq
from workbench.fusion.warm_seq2seq import WarmSeq2Seq

Group = TypeVar("Group")


def option(kind: type[Group], value: Group | Mapping[str, Any] | None) -> Group | None:
    """A group of options from plain values, if it is not one already.

    Raises:
        UnknownName: a key that is not known.
    """
    if not isinstance(value, Mapping):
        return value
    known = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    for name in value:
        if name not in known:
            raise UnknownName(f"option of {kind.__name__}", name, known)
    return kind(**value)


def model_option(
    model: str | TinySeq2Seq | WarmSeq2Seq | Mapping[str, Any],
) -> str | TinySeq2Seq | WarmSeq2Seq:
    """The option `model` of a fuser: one with an encoder is a warm start.

    Raises:
        UnknownName: a key that is not known.
    """
    if isinstance(model, Mapping):
        warm = "encoder" in model
        return option(WarmSeq2Seq, model) if warm else option(TinySeq2Seq, model)  # type: ignore[return-value]
    return model


def plain_options(groups: Mapping[str, Any]) -> dict[str, Any]:
    """Groups of options as plain values; what is no group stays."""
    return {n: asdict(v) if hasattr(v, "__dataclass_fields__") else v for n, v in groups.items()}


def check_learning(target_maxlength: int, label_smoothing: float, dtype: str) -> None:
    """Raises BadValue or UnknownName for an option of GenFuser that cannot be used."""
    if target_maxlength < 2:
        raise BadValue("target_maxlength", target_maxlength, "2 tokens or more")
    if not 0 <= label_smoothing < 1:
        raise BadValue("label_smoothing", label_smoothing, "a share, 0 <= label_smoothing < 1")
    if dtype not in DTYPES:
        raise UnknownName("dtype", dtype, DTYPES)
