"""A model's next tokens, step by step, for rows of a batch that branch and end."""

import inspect
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers.modeling_outputs import BaseModelOutput


class Steps:
    """Runs an encoder–decoder or a causal model over answers that grow by a token a step.

    Prompts are read once, whatever the number of beams, and keys and values are kept. An
    encoder's are alike for all beams of a prompt and are never moved while these branch.

    Args:
        model: in eval mode, on its device.
        prompts: token ids, none empty.
        pad: any id; padding is masked.
        start: the decoder's first token; None for a causal model.

    Attributes:
        logits: [R, V] float32 of the next token; at first one row a prompt.
    """

    def __init__(
        self, model: Any, prompts: Sequence[Sequence[int]], pad: int, start: int | None
    ) -> None:
        self.model, self.start = model, start
        self.cache: Any = None
        self.logits: Tensor
        ids, mask = padded(prompts, pad, left=start is None)
        ids, self.mask = ids.to(model.device), mask.to(model.device)
        if start is None:
            accepted = inspect.signature(model.forward).parameters
            self._places = "position_ids" in accepted
            # The logits of all other places would be the largest array of all.
            last = {"logits_to_keep": 1} if "logits_to_keep" in accepted else {}
            places = (self.mask.cumsum(dim=1) - 1).clamp(min=0)
            self._run({"input_ids": ids, **self._at(places), **last})
        else:
            hidden = model.get_encoder()(input_ids=ids, attention_mask=self.mask).last_hidden_state
            begin = torch.full((len(ids), 1), start, device=ids.device)
            self._run({"decoder_input_ids": begin, "encoder_outputs": BaseModelOutput(hidden)})
            # From now on its keys and values are read; of itself only the shape is.
            self._hidden = hidden[:1].clone()

    def widen(self, beams: int) -> None:
        """Each row becomes `beams` rows in a row."""
        self.cache.batch_repeat_interleave(beams)
        self.mask = self.mask.repeat_interleave(beams, dim=0)
        self.logits = self.logits.repeat_interleave(beams, dim=0)

    def go_on(self, tokens: Tensor) -> None:
        """Reads one token [R] a row."""
        ids = tokens[:, None]
        if self.start is not None:
            hidden = self._hidden.expand(len(ids), -1, -1)
            self._run({"decoder_input_ids": ids, "encoder_outputs": BaseModelOutput(hidden)})
            return
        self.mask = torch.cat([self.mask, torch.ones_like(ids)], dim=1)
        self._run({"input_ids": ids, **self._at(self.mask.sum(dim=1, keepdim=True) - 1)})

    def branch(self, rows: Tensor) -> None:
        """Row r goes on from what was row `rows[r]`, of the same prompt."""
        own = self.cache.self_attention_cache if self.start is not None else self.cache
        own.reorder_cache(rows)
        if self.start is None:
            self.mask = self.mask[rows]

    def keep(self, rows: Tensor) -> None:
        """Only these rows go on."""
        self.cache.batch_select_indices(rows)
        self.mask = self.mask[rows]

    def _at(self, places: Tensor) -> dict[str, Tensor]:
        return {"position_ids": places} if self._places else {}

    def _run(self, inputs: dict[str, Any]) -> None:
        inputs |= {"past_key_values": self.cache, "attention_mask": self.mask}
        told = self.model(**inputs, use_cache=True, return_dict=True)
        self.cache = told.past_key_values
        self.logits = told.logits[:, -1].float()


def padded(prompts: Sequence[Sequence[int]], pad: int, *, left: bool) -> tuple[Tensor, Tensor]:
    """Ids and attention mask [P, T] int64, padded on one side.

    >>> padded([[5, 6], [7]], 0, left=True)[0].tolist()
    [[5, 6], [0, 7]]
    """
    width = max(map(len, prompts))
    ids = torch.full((len(prompts), width), pad)
    mask = torch.zeros_like(ids)
    for row, prompt in enumerate(prompts):
        place = slice(width - len(prompt), None) if left else slice(len(prompt))
        ids[row, place] = torch.as_tensor(prompt, dtype=torch.int64)
        mask[row, place] = 1
    return ids, mask
