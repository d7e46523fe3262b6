"""What trained rankers and routers share: an encoder, its training, its files."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

from workbench.errors import BadModel, BadValue
from workbench.models import saved
from workbench.models.encoder import (
    EncoderOptions,
    TinyEncoder,
    check_positions,
    encoder_from_config,
)
from workbench.models.optimizer import check_optimizer, configured
from workbench.models.pretrained import make_encoder
from workbench.models.trainable import Trainable


class EncoderModel(Trainable):
    """An encoder with a head. The constructor only checks and keeps its options; `build` makes
    the weights, so that they come after seeding, and in training know the texts.

    A subclass gives `kind`, `max_length`, `assemble`, `forward` and the steps of training.

    Args:
        encoder: a hub id, a directory, or a tiny encoder to be trained from scratch; also a saved
            model of the same class, to be trained on.
        attention: "eager" or "sdpa"; null takes the encoder's own.
        dropout: inside the encoder; null takes the encoder's own. On a CPU 0 is faster than
            the usual 0.1.
        gradient_checkpointing: less memory in training for about a third more time.
        lr: learning rate of AdamW.
        head_lr: learning rate of what starts from random numbers, such as the head; null takes
            `lr`.
        weight_decay: of all weights but biases and norms.
        warmup: share of the steps in which the rate rises.
        schedule: "linear", "cosine" or "constant" after it.

    Raises:
        BadValue, UnknownName: an option that cannot be used.
    """

    head_names: tuple[str, ...] = ("head_layer.",)
    """Beginnings of the names of weights that start from random numbers."""
    markers = False
    """Whether the tokenizer gets PairRM's markers."""

    def __init__(
        self,
        encoder: str | TinyEncoder,
        *,
        attention: str | None = None,
        dropout: float | None = None,
        gradient_checkpointing: bool = False,
        lr: float = 1e-5,
        head_lr: float | None = None,
        weight_decay: float = 0.1,
        warmup: float = 0.05,
        schedule: str = "linear",
    ) -> None:
        super().__init__()
        if isinstance(encoder, Mapping):  # as checkpoints hold it: plain values only
            encoder = TinyEncoder.from_dict(encoder)
        check_optimizer(lr, head_lr, weight_decay, warmup, schedule)
        self.encoder = encoder
        self.encoder_options = EncoderOptions(attention, dropout, gradient_checkpointing)
        # All options, those of the subclasses too, as plain values.
        self.save_hyperparameters()
        if isinstance(encoder, TinyEncoder):
            self.hparams["encoder"] = dict(vars(encoder))
        self.pretrained_model: Any = None
        self.tokenizer: Any = None

    @property
    @abstractmethod
    def max_length(self) -> int:
        """Most tokens of a sequence."""

    def assemble(self, encoder: Any, tokenizer: Any) -> None:
        """Takes an encoder and its tokenizer, and adds a fresh head; extended by subclasses."""
        self.pretrained_model = encoder
        self.tokenizer = tokenizer
        self.train()  # a loaded encoder comes in eval mode, and Lightning leaves modes alone

    @property
    def built(self) -> bool:
        """Whether the weights are there."""
        return self.tokenizer is not None

    def check_built(self) -> None:
        """Raises BadModel before `build`."""
        if not self.built:
            name = type(self).__name__
            raise BadModel(f"this {name} has no weights yet: call build() or load them")

    def build(self, texts: Iterable[str] | None = None) -> Self:
        """Makes encoder, tokenizer and head, once; a second call changes nothing.

        Where `encoder` names a model that was saved, its weights are gone on with, head and all.

        Args:
            texts: needed for a tiny encoder, whose vocabulary they make; else unused.

        Raises:
            BadModel: the encoder cannot be loaded.
            BadValue: the sequences do not fit its positions, or no texts for a tiny encoder.
        """
        if not self.built and not self.taken_over():
            self.assemble(*self.make_parts(texts))
        return self

    def taken_over(self) -> bool:
        """Takes the weights of the saved model that `encoder` names; False where it names none.

        Raises:
            BadModel: it is of another class, or its weights do not fit the options.
            BadValue: what it was trained for differs, or the sequences do not fit its positions.
        """
        if not isinstance(self.encoder, str) or not Path(self.encoder).is_dir():
            return False
        directory = Path(self.encoder)
        if not saved.is_saved(directory, self.kind):
            return False
        saved.class_in(type(self), directory)
        self.check_taken_over(saved.read_config(directory, self.kind)[1])
        saved.load_into(self, directory)
        check_positions(self.pretrained_model.config, self.max_length)
        return True

    def check_taken_over(self, options: Mapping[str, Any]) -> None:
        """Raises BadValue where a saved model with these options was trained for something else."""

    def make_parts(self, texts: Iterable[str] | None) -> tuple[Any, Any]:
        """Encoder and tokenizer before any training."""
        return make_encoder(
            self.encoder, self.encoder_options, self.max_length, texts, markers=self.markers
        )

    def parts_from_config(self, config: Any) -> Any:
        """An encoder with random weights, into which saved ones are loaded."""
        return encoder_from_config(config, self.encoder_options)

    def configure_optimizers(self) -> Any:
        """AdamW, its rate set anew each step."""
        return configured(self, self.head_names)

    def save_pretrained(self, directory: str | Path) -> None:
        """Writes options, tokenizer and weights (safetensors); see `saved`."""
        self.check_built()
        saved.save_model(self, Path(directory))

    @classmethod
    def from_pretrained(cls, directory: str | Path, **options: Any) -> Self:
        """Reads what `save_pretrained` wrote, without any hub, in eval mode.

        Raises:
            BadModel: a file or weight is missing, unknown, of another shape or not finite, or
                it is a model of another class.
        """
        if options:
            raise BadValue("options", sorted(options), f"none: a saved {cls.kind} has its own")
        model: Self = saved.load_model(cls, Path(directory))
        return model.eval()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Puts the encoder's configuration and the tokenizer beside the weights."""
        checkpoint["model_files"] = saved.files_of(self)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Builds from the checkpoint alone; raises BadModel where built with other tokens."""
        saved.build_from_files(self, checkpoint["model_files"])
