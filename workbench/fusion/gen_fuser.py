"""GenFuser: a language model reads the top candidates of a prompt and writes one answer.

(Jiang, Ren, Lin; ACL 2023; arXiv 2306.02561, section 4.)
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import torch
from torch import Tensor

from workbench.errors import BadModel, BadValue
from workbench.fusion import saved
from workbench.fusion.decoding import Decoding
from workbench.fusion.examples import FusionBatch
from workbench.fusion.generate import Generated, answer_tokens, generate
from workbench.fusion.lora import LoRA, with_lora
from workbench.fusion.options import check_learning, model_option, option, plain_options
from workbench.fusion.parts import make_parts
from workbench.fusion.prompt import FusionPrompt
from workbench.fusion.seq2seq import check_positions
from workbench.fusion.targets import answer_loss, shifted
from workbench.fusion.tiny_seq2seq import TinySeq2Seq
from workbench.fusion.training import check_sharding, log_validation, seed_step
from workbench.fusion.warm_seq2seq import WarmSeq2Seq
from workbench.models.encoder import EncoderOptions
from workbench.models.optimizer import check_optimizer, configured, matrices_of
from workbench.models.trainable import Trainable

_PROMPT, _DECODING = FusionPrompt(), Decoding()


class GenFuser(Trainable):
    """A fuser over any seq2seq or causal language model of transformers.

    Args:
        model: a hub id, a directory, an encoder to start from, or a tiny model from scratch.
        prompt: template and lengths of what it reads.
        decoding: how it writes, where nothing else is asked for.
        target_maxlength: most tokens of a reference in training.
        lora: trains adapters of a low rank instead of all weights; null trains all.
        label_smoothing: share of a target's probability spread over the vocabulary.
        predict_with_generate: writes and measures answers in validation; false with fsdp.
        dtype: of the weights; bfloat16 halves the memory of what adapters leave as it is.
        attention: "eager" or "sdpa"; null takes the model's own.
        dropout: inside the model; null takes the model's own.
        gradient_checkpointing: less memory in training for about a third more time.
        lr: learning rate of AdamW; the paper: 5e-5 for 3B parameters, 1e-4 for 0.8B.
        weight_decay: of all weights but biases and norms.
        warmup: share of the steps in which the rate rises.
        schedule: "linear", "cosine" or "constant" after it.

    Raises:
        BadValue, UnknownName: an option that cannot be used.
    """

    kind = "fuser"

    def __init__(
        self,
        model: str | TinySeq2Seq | WarmSeq2Seq,
        *,
        prompt: FusionPrompt = _PROMPT,
        decoding: Decoding = _DECODING,
        target_maxlength: int = 128,
        lora: LoRA | None = None,
        label_smoothing: float = 0.0,
        predict_with_generate: bool = True,
        dtype: Literal["float32", "bfloat16"] = "float32",
        attention: str | None = None,
        dropout: float | None = None,
        gradient_checkpointing: bool = False,
        lr: float = 5e-5,
        weight_decay: float = 0.01,
        warmup: float = 0.05,
        schedule: str = "linear",
    ) -> None:
        super().__init__()
        check_optimizer(lr, None, weight_decay, warmup, schedule)
        check_learning(target_maxlength, label_smoothing, dtype)
        self.model = model_option(model)
        self.prompt = option(FusionPrompt, prompt) or _PROMPT
        self.decoding = option(Decoding, decoding) or _DECODING
        self.lora = option(LoRA, lora)
        if self.lora is not None and not isinstance(self.model, str):
            raise BadValue("lora", lora, "null for a model with weights that are random at first")
        self.save_hyperparameters(ignore=list(self.nested))
        self.hparams.update(plain_options(self.nested))  # checkpoints hold plain values only
        written = ("validation/quality",) if predict_with_generate else ()
        self.monitors = (*written, "validation/loss")
        self.model_options = EncoderOptions(attention, dropout, gradient_checkpointing)
        self.strict_loading = self.lora is None  # checkpoints of adapters hold no more than these
        self.pretrained_model: Any = None
        self.tokenizer: Any = None
        self.start: int | None = None
        self.ends: list[int] = []

    @property
    def nested(self) -> dict[str, Any]:
        """Options that are groups of options."""
        return {name: getattr(self, name) for name in ("model", "prompt", "decoding", "lora")}

    @property
    def built(self) -> bool:
        """Whether the weights are there."""
        return self.tokenizer is not None

    def check_built(self) -> None:
        """Raises BadModel before `build`."""
        if not self.built:
            raise BadModel("this GenFuser has no weights yet: call build() or load them")

    def build(self, texts: Iterable[str] | None = None) -> Self:
        """Makes or loads model and tokenizer, once; a second call changes nothing.

        Args:
            texts: needed for a tiny model, whose vocabulary they make; else unused.

        Raises:
            BadModel: the model cannot be loaded, or its tokenizer does not go with the prompt.
            BadValue: no texts for a tiny model, or lengths beyond the model's positions.
        """
        if not self.built:
            h = self.hparams
            model, tokenizer = make_parts(self.model, self.model_options, texts, h["dtype"])
            answer = max(h["target_maxlength"], self.decoding.max_new_tokens)
            check_positions(model.config, self.prompt.max_length, answer)
            self.assemble(model, tokenizer)
        return self

    def assemble(self, model: Any, tokenizer: Any) -> None:
        """Takes a model and its tokenizer; adds the adapters that are to be trained."""
        self.prompt.check(tokenizer, top_k=1)
        self.start, self.ends = answer_tokens(model, tokenizer)
        self.pretrained_model = model if self.lora is None else with_lora(model, self.lora)
        self.tokenizer = tokenizer
        self.train()  # a loaded model comes in eval mode, and Lightning leaves modes alone

    @property
    def causal(self) -> bool:
        """Whether the model goes on with the prompt, rather than encoding it."""
        return self.start is None

    @property
    def pad(self) -> int:
        """Id of padding; it is masked, so that any will do where there is none."""
        pad = self.tokenizer.pad_token_id
        return int(self.ends[0] if pad is None else pad)

    def forward(self, batch: FusionBatch) -> Tensor:
        """Logits [B, T, V]; those of a causal model include its prompt's."""
        inputs = {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask}
        if self.start is not None:
            inputs["decoder_input_ids"] = shifted(batch.labels, self.start, self.pad)
        logits: Tensor = self.pretrained_model(**inputs, use_cache=False).logits
        return logits

    def loss(self, batch: FusionBatch) -> Tensor:
        """Mean cross-entropy of the reference's tokens; labels are smoothed in training."""
        smoothing = self.hparams["label_smoothing"] if self.training else 0.0
        return answer_loss(self(batch), batch.labels, self.causal, smoothing)

    def setup(self, stage: str) -> None:
        """Raises BadModel before `build`, BadValue where a sharded model would have to write."""
        self.check_built()
        self._seed, self._matrices = torch.initial_seed(), matrices_of(self)
        check_sharding(self)

    def on_train_batch_start(self, batch: FusionBatch, batch_idx: int) -> None:
        """Has one that goes on draw the same for dropout."""
        seed_step(self._seed, self.trainer)

    def training_step(self, batch: FusionBatch, batch_idx: int) -> Tensor:
        """The batch's loss."""
        loss = self.loss(batch)
        self.log("train/loss", loss, on_step=True, on_epoch=True, batch_size=len(batch.labels))
        return loss

    def validation_step(self, batch: FusionBatch, batch_idx: int) -> None:
        """See `log_validation`."""
        log_validation(self, batch)

    def configure_optimizers(self) -> Any:
        """AdamW, its rate set anew each step."""
        return configured(self, matrices=self._matrices)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Of a model with adapters keeps these alone; the rest is as it was loaded."""
        if self.lora is not None:
            state = checkpoint["state_dict"]
            checkpoint["state_dict"] = {n: v for n, v in state.items() if ".lora_" in n}

    def fuse(
        self,
        instructions: Sequence[str],
        inputs: Sequence[str],
        candidates: Sequence[Sequence[str]],
        *,
        decoding: Decoding | None = None,
        keys: Sequence[str] | None = None,
        tokens_per_batch: int = 16384,
        precision: str = "float32",
    ) -> Iterator[Generated]:
        """Fused answers of P prompts, batch after batch, longest prompts first.

        Args:
            instructions, inputs: [P] texts; "" where there is none.
            candidates: of each prompt, in the order to be shown.
            decoding: how they are written; None: as the fuser's own option says.
            keys: [P] names that sampling is seeded by.
            tokens_per_batch: budget of a batch; no answer depends on it.
            precision: "float32" or "bfloat16".

        Raises:
            BadModel: before `build`.
            BadValue: lists of different lengths, or an option that cannot be used.
        """
        self.check_built()
        decoding, tokenizer = decoding or self.decoding, self.tokenizer
        prompts = self.prompt.ids(tokenizer, instructions, inputs, candidates)
        copied = self.prompt.candidate_ids(tokenizer, candidates) if decoding.copy_ngram else None
        return generate(
            self.pretrained_model,
            tokenizer,
            prompts,
            decoding,
            sources=copied,
            keys=keys,
            tokens_per_batch=tokens_per_batch,
            precision=precision,
        )

    def save_pretrained(self, directory: str | Path) -> None:
        """Writes a plain transformers directory (adapters merged), and the options beside it."""
        self.check_built()
        saved.save_fuser(self, Path(directory))

    @classmethod
    def from_pretrained(cls, name: str | Path, **options: Any) -> Self:
        """A fuser from a directory or a hub id, in eval mode.

        A model without options of its own (`llm-blender/gen_fuser_3b`) takes `options`.

        Raises:
            BadModel: there is no such model, or it is damaged.
            BadValue: options for a saved fuser, which has its own.
        """
        fuser: Self = saved.load_fuser(cls, name, options)
        return fuser.eval()
