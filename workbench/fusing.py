"""Fusing: the part of Blender's face that a fuser is behind."""

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Self

from workbench.errors import UnknownName
from workbench.face import Face, loaded
from workbench.fusion.able import check_able
from workbench.fusion.decoding import Decoding
from workbench.fusion.gen_fuser import GenFuser
from workbench.fusion.loading import load_fuser
from workbench.ranking.text_lists import candidate_lists, check_answered, sources_of


class Fusing(Face):
    """What a fuser does for Blender: writes one answer from several."""

    _fuser: Any = None

    def load_fuser(self, fuser: GenFuser | str | Path) -> Self:
        """Takes another fuser, or loads one from a directory or the hub.

        Raises:
            BadModel: the fuser cannot be loaded, or has no weights yet.
            BadValue: it is no fuser.
        """
        if isinstance(fuser, GenFuser):
            fuser.check_built()
        self._fuser = self._taken("fuser", fuser, GenFuser, load_fuser)
        return self

    @property
    def fuser(self) -> Any:
        """The fuser; raises MissingInput where none is loaded."""
        return loaded(self._fuser, "fuser", "llm-blender/gen_fuser_3b")

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
                or temperature=0.7, beams=1; without any, as the fuser was trained to write.

        Raises:
            MissingInput: no fuser is loaded.
            BadValue: a prompt without a candidate, lists of different lengths, or a setting that
                cannot be used.
            BadModel: the fuser cannot be shown so many candidates.
            UnknownName: a setting that there is not.
        """
        fuser = self.fuser
        settings = decoding_of(fuser, decoding)
        sources = sources_of(inputs, instructions)
        lists = candidate_lists(candidates, len(sources))
        check_answered(lists)
        check_able(fuser, max(map(len, lists), default=1), settings)
        before = [""] * len(sources) if instructions is None else list(instructions)
        fused = [""] * len(sources)
        with self._bar("fuse", len(sources), "prompts") as advance:
            # A prompt's own draws hang on its text, not on its place in the list.
            for made in fuser.fuse(
                before, list(inputs), lists, decoding=settings, keys=sources, **self.options
            ):
                for place, text in zip(made.index, made.texts, strict=True):
                    fused[int(place)] = text
                advance(len(made.texts))
        return fused


def decoding_of(fuser: GenFuser, given: dict[str, Any]) -> Decoding:
    """A decoding by its settings, without any the fuser's own; raises UnknownName and BadValue."""
    known = [field.name for field in fields(Decoding)]
    for name in given:
        if name not in known:
            raise UnknownName("setting of a decoding", name, known)
    return Decoding(**given) if given else fuser.decoding
