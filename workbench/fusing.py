"""Fusing: the part of Blender's face that a fuser is behind."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import fields
from pathlib import Path
from typing import Any, Self

import torch

from workbench import terminal
from workbench.errors import BadValue, MissingInput, UnknownName
from workbench.fusion.decoding import Decoding
from workbench.fusion.gen_fuser import GenFuser
from workbench.fusion.loading import load_fuser
from workbench.ranking.text_lists import candidate_lists, check_answered, sources_of


class Fusing:
    """What a fuser does for Blender: writes one answer from several.

    Attributes:
        device, options: where and how the fuser runs.
        progress: whether a bar is shown.
    """

    device: torch.device
    options: dict[str, Any]
    progress: bool
    _fuser: Any = None

    def load_fuser(self, fuser: GenFuser | str | Path) -> Self:
        """Takes another fuser, or loads one from a directory or the hub.

        Raises:
            BadModel: the fuser cannot be loaded.
            BadValue: it is no fuser.
        """
        if not isinstance(fuser, GenFuser | str | Path):
            raise BadValue("fuser", fuser, "a fuser, a directory or a hub id")
        loaded = fuser if isinstance(fuser, GenFuser) else load_fuser(fuser)
        self._fuser = loaded.to(self.device)
        return self

    @property
    def fuser(self) -> Any:
        """The fuser; raises MissingInput where none is loaded."""
        if self._fuser is None:
            raise MissingInput(
                "no fuser is loaded: Blender(fuser=…) or load_fuser(…) takes a fuser, a "
                "directory, or a hub id such as llm-blender/gen_fuser_3b"
            )
        return self._fuser

    def fuse(
        self,
        inputs: Sequence[str],
        candidates: Sequence[Sequence[str]],
        instructions: Sequence[str] | None = None,
        **decoding: Any,
    ) -> list[str]:
        """One answer for each of Q prompts, written from all of its candidates.

        Args:
            inputs: Q texts.
            candidates: Q lists of texts, each in the order in which the fuser is to see them,
                usually the best first; they may differ in length.
            instructions: Q texts that go before the inputs.
            decoding: settings of `fusion.decoding.Decoding`, such as beams=4, max_new_tokens=128
                or temperature=0.7, beams=1.

        Raises:
            MissingInput: no fuser is loaded.
            BadValue: a prompt without a candidate, lists of different lengths, or a setting that
                cannot be used.
            UnknownName: a setting that there is not.
        """
        settings = decoding_of(decoding)
        fuser = self.fuser
        sources = sources_of(inputs, instructions)
        lists = candidate_lists(candidates, len(sources))
        check_answered(lists)
        before = [""] * len(sources) if instructions is None else list(instructions)
        fused = [""] * len(sources)
        with self._bar(len(sources)) as advance:
            # A prompt's own draws hang on its text, not on its place in the list.
            for made in fuser.fuse(
                before, list(inputs), lists, decoding=settings, keys=sources, **self.options
            ):
                for place, text in zip(made.index, made.texts, strict=True):
                    fused[int(place)] = text
                advance(len(made.texts))
        return fused

    def _bar(self, total: int) -> AbstractContextManager[Any]:
        if not self.progress:
            return nullcontext(lambda steps: None)
        return terminal.progress("fuse", total, "prompts")


def decoding_of(given: dict[str, Any]) -> Decoding:
    """A decoding by its settings; raises UnknownName and BadValue."""
    known = [field.name for field in fields(Decoding)]
    for name in given:
        if name not in known:
            raise UnknownName("setting of a decoding", name, known)
    return Decoding(**given)
