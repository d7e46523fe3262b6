"""Comparing: the part of Blender's face that a ranker is behind."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from workbench.aggregation import Scheme, prompt_keys, ranks
from workbench.errors import BadValue, UnknownName
from workbench.face import Face, loaded
from workbench.ranking.conversations import Conversation, conversation_pair
from workbench.ranking.loading import load_ranker
from workbench.ranking.ranker import Ranker
from workbench.ranking.text_lists import check_answered, padded_lists, sources_of, text_list

MODES = ("[A,B]", "[B,A]", "[A,B]+[B,A]")


class Comparing(Face):
    """What a ranker does for Blender: ranks lists of candidates, and compares two at a time."""

    _ranker: Any = None

    def load_ranker(self, ranker: Ranker | str | Path) -> Self:
        """Takes another ranker, or loads one from a directory or the hub.

        Raises:
            BadModel: the ranker cannot be loaded, or has to be trained first.
            BadValue: it is no ranker.
        """
        ready = ranker.prepare() if isinstance(ranker, Ranker) else ranker
        self._ranker = self._taken("ranker", ready, Ranker, load_ranker)
        return self

    @property
    def ranker(self) -> Any:
        """The ranker; raises MissingInput where none is loaded."""
        return loaded(self._ranker, "ranker", "llm-blender/PairRM")

    def rank(
        self,
        inputs: Sequence[str],
        candidates: Sequence[Sequence[str]],
        instructions: Sequence[str] | None = None,
        return_scores: bool = False,
        scheme: str = "max_logits",
    ) -> np.ndarray:
        """Ranks [Q, N] of the candidates of Q prompts: 1 is best, ties share the smaller rank.

        Lists may differ in length: N is the longest, and where a shorter one has no candidate
        its rank is 0 (its score −inf).

        Args:
            inputs: Q texts.
            candidates: Q lists of texts.
            instructions: Q texts that go before the inputs, with a line break between.
            return_scores: gives the scheme's scores [Q, N] instead, higher is better; those of
                max_logits are divided by the number of candidates, as llm-blender gives them.
            scheme: how pair logits become a ranking, with order mode and schedule, such as
                "bradley_terry", "max_logits;order=random" or "knockout".

        Raises:
            MissingInput: no ranker is loaded.
            UnknownName, BadValue: a scheme that there is not, or lists of different lengths.
        """
        parsed = Scheme.parse(scheme)
        _ = self.ranker  # without one nothing else matters
        sources = sources_of(inputs, instructions)
        texts, mask = padded_lists(candidates, len(sources))
        prompts = np.array(sources, object)

        def compare(q: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
            return self._logits(
                *(t.tolist() for t in (prompts[q], texts[q, left], texts[q, right]))
            )

        scores = parsed.rank(compare, mask, prompt_keys(sources)).scores
        if not return_scores:
            return ranks(scores, mask)
        return scores / _counts(mask) if parsed.name == "max_logits" else scores

    def compare(
        self,
        inputs: Sequence[str],
        candidates_A: Sequence[str],
        candidates_B: Sequence[str],
        instructions: Sequence[str] | None = None,
        return_logits: bool = False,
        mode: str = "[A,B]+[B,A]",
    ) -> np.ndarray:
        """Whether A is better than B, [Q] bool, for Q prompts.

        Args:
            inputs: Q texts.
            candidates_A, candidates_B: Q texts each.
            instructions: Q texts that go before the inputs.
            return_logits: gives the logits [Q] float32 instead, > 0: A is better.
            mode: "[A,B]": A is shown left, its logit as it is; "[B,A]": B is shown left, and the
                logit's sign turned; "[A,B]+[B,A]": logit(A, B) − logit(B, A).

        Raises:
            MissingInput: no ranker is loaded.
            UnknownName, BadValue: another mode, or lists of different lengths.
        """
        if mode not in MODES:
            raise UnknownName("mode", mode, MODES)
        _ = self.ranker  # without one nothing else matters
        sources = sources_of(inputs, instructions)
        a, b = text_list("candidates_A", candidates_A), text_list("candidates_B", candidates_B)
        n = len(sources)
        for name, given in (("candidates_A", a), ("candidates_B", b)):
            if len(given) != n:
                raise BadValue(f"number of {name}", len(given), f"{n}, as of inputs")
        # Both orders in one call, so that they share batches.
        shown = {"[A,B]": (a, b), "[B,A]": (b, a), "[A,B]+[B,A]": (a + b, b + a)}[mode]
        logits = self._logits(sources * (len(shown[0]) // max(n, 1)), *shown)
        if mode == "[B,A]":
            logits = -logits
        elif mode == "[A,B]+[B,A]":
            logits = logits[:n] - logits[n:]
        return logits if return_logits else logits > 0

    def compare_conversations(
        self,
        conversations_a: Sequence[Conversation],
        conversations_b: Sequence[Conversation],
        return_logits: bool = False,
        mode: str = "[A,B]+[B,A]",
    ) -> np.ndarray:
        """Whether the assistant of A answers better than that of B, [Q] bool, in conversations.

        How a conversation is shown to the ranker: `ranking.conversations`.

        Args:
            conversations_a, conversations_b: Q lists of turns `{"role": …, "content": …}`, user
                and assistant by turns, with the same user turns in A and B.
            return_logits, mode: as of `compare`.

        Raises:
            MissingInput: no ranker is loaded.
            BadValue: turns out of order, or other user turns in A than in B.
        """
        if len(conversations_a) != len(conversations_b):
            counts = (len(conversations_a), len(conversations_b))
            raise BadValue("numbers of conversations", counts, "as many of A as of B")
        both = zip(conversations_a, conversations_b, strict=True)
        pairs = [conversation_pair(f"conversation {row}", a, b) for row, (a, b) in enumerate(both)]
        prompts, left, right = ([pair[k] for pair in pairs] for k in range(3))
        return self.compare(prompts, left, right, return_logits=return_logits, mode=mode)

    def best_of_n(
        self,
        inputs: Sequence[str],
        candidates: Sequence[Sequence[str]],
        instructions: Sequence[str] | None = None,
        scheme: str = "max_logits",
    ) -> list[str]:
        """The best candidate of each prompt; of equals the first. Arguments as of `rank`.

        Raises:
            BadValue: a prompt without a candidate, and what `rank` raises.
        """
        check_answered(candidates)
        scores = self.rank(inputs, candidates, instructions, True, scheme)
        picks = scores.argmax(axis=1) if scores.size else []
        return [answers[int(n)] for answers, n in zip(candidates, picks, strict=True)]

    def _logits(self, *pairs: list[str]) -> np.ndarray:
        """Logits [P] float32 of prompts, left and right candidates."""
        with self._bar("compare", len(pairs[0]), "pairs") as advance:
            found = self.ranker.compare(*pairs, progress=advance, **self.options)
        return np.asarray(found, np.float32)


def _counts(mask: np.ndarray) -> np.ndarray:
    """[Q, 1] number of candidates of each prompt, at least 1."""
    return np.maximum(mask.sum(axis=1, keepdims=True), 1)
