"""What a fuser reads: instruction, input and the candidates, in a template, within a length."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workbench.catalog import Catalog
from workbench.errors import BadValue
from workbench.fusion.chat import chat
from workbench.fusion.pieces import Asked, Limits
from workbench.fusion.templates import Template, gen_fuser, plain
from workbench.fusion.tokenised import plain_texts, special_ids, token_ids, without_special

TEMPLATES: Catalog[Template] = Catalog("template of a fusion prompt")
TEMPLATES.add("gen_fuser")(gen_fuser)
TEMPLATES.add("plain")(plain)
TEMPLATES.add("chat")(chat)


@dataclass(frozen=True)
class FusionPrompt:
    """How prompts for a fuser are written.

    Where the whole is too long the input is cut first, then the candidates, evenly, and the
    instruction only where nothing else is left. The template's own words, its closing sentence
    among them, always stay. No prompt depends on which others there are.

    Attributes:
        template: "gen_fuser", the released model's (T5's family); "plain", the texts between
            separators, for small models; "chat", a causal model's chat template.
        instruction_maxlength, input_maxlength: most tokens of these texts; None: no limit of
            their own.
        candidate_maxlength: most tokens of a candidate; None: no limit.
        max_length: most tokens of the whole.
        show_ranks: whether candidates are numbered in the order in which they are given.
    """

    template: str = "gen_fuser"
    instruction_maxlength: int | None = None
    input_maxlength: int | None = None
    candidate_maxlength: int | None = 128
    max_length: int = 1024
    show_ranks: bool = True

    def __post_init__(self) -> None:
        TEMPLATES[self.template]
        limits = {
            "instruction_maxlength": self.instruction_maxlength,
            "input_maxlength": self.input_maxlength,
            "candidate_maxlength": self.candidate_maxlength,
        }
        for name, value in limits.items():
            if value is not None and value < 1:
                raise BadValue(name, value, "a positive number of tokens, or null")
        if self.max_length < 1:
            raise BadValue("max_length", self.max_length, "a positive number of tokens")

    @property
    def limits(self) -> Limits:
        """All lengths."""
        own = (self.instruction_maxlength, self.input_maxlength, self.candidate_maxlength)
        return Limits(*own, self.max_length)

    def ids(
        self,
        tokenizer: Any,
        instructions: Sequence[str],
        inputs: Sequence[str],
        candidates: Sequence[Sequence[str]],
    ) -> list[list[int]]:
        """Token ids of P prompts, each at most `max_length`.

        Args:
            tokenizer: the fuser's.
            instructions, inputs: [P]; "" where there is none.
            candidates: of each prompt, in the order to be shown; how many may differ.

        Raises:
            BadValue: lists of different lengths, or template words longer than `max_length`.
            BadModel: the tokenizer does not go with the template.
        """
        counts = (len(instructions), len(inputs), len(candidates))
        if len(set(counts)) > 1:
            raise BadValue("lengths of instructions, inputs and candidates", counts, "one length")
        asked = [Asked(*one) for one in zip(instructions, inputs, candidates, strict=True)]
        return TEMPLATES[self.template](tokenizer, asked, self.limits, self.show_ranks)

    def check(self, tokenizer: Any, top_k: int) -> None:
        """Raises BadModel or BadValue as `ids` would on prompts with `top_k` candidates."""
        self.ids(tokenizer, ["one"], ["two"], [["three"] * top_k])

    def candidate_ids(
        self, tokenizer: Any, candidates: Sequence[Sequence[str]]
    ) -> list[list[list[int]]]:
        """Token ids of each candidate as an answer of its own, as long as it is shown at most.

        A model that copies writes these; see `Decoding.copy_ngram`.
        """
        plain_text = plain_texts(tokenizer, (c for some in candidates for c in some))
        ids = token_ids(tokenizer, plain_text.values())
        special = special_ids(tokenizer)
        shown = {
            text: list(without_special(ids[own], 0, special))[: self.candidate_maxlength]
            for text, own in plain_text.items()
        }
        return [[shown[text] for text in some] for some in candidates]
