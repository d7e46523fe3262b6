"""The Lightning Trainer of a training: what it logs, which checkpoints it keeps, how it stops."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import mlflow
import pytorch_lightning as pl
from pytorch_lightning.callbacks import (
    Callback,
    EarlyStopping,
    LearningRateMonitor,
    ModelCheckpoint,
    RichProgressBar,
)
from pytorch_lightning.loggers import MLFlowLogger
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from workbench.errors import BadValue
from workbench.interrupts import CtrlC, put_off
from workbench.tracking import Run, Tracker

# Set here, because resuming, tracking and the batches' token budget depend on them.
OWN_TRAINER_OPTIONS = (
    "logger", "callbacks", "plugins", "profiler", "default_root_dir", "barebones",
    "enable_checkpointing", "enable_autolog_hparams", "model_registry",
    "reload_dataloaders_every_n_epochs", "use_distributed_sampler", "num_sanity_val_steps",
)  # fmt: skip


def make_engine(
    tracker: Tracker,
    run: Run,
    options: dict[str, Any],
    best: ModelCheckpoint,
    patience: int | None,
    checkpoint_minutes: float,
) -> pl.Trainer:
    """A Trainer that logs to a run, keeps `best` and the last checkpoint, and stops early.

    Raises:
        BadValue: options that do not go together, or not with this machine.
    """
    last = ModelCheckpoint(
        best.dirpath,
        filename="last",
        train_time_interval=timedelta(minutes=checkpoint_minutes),
        enable_version_counter=False,
    )
    callbacks: list[Callback] = [
        best,
        last,
        _LastOfEpoch(Path(str(best.dirpath)) / "last.ckpt"),
        LearningRateMonitor("step"),
    ]
    if options.get("enable_progress_bar") is not False:
        callbacks.append(RichProgressBar(leave=True))
    if patience is not None:
        # Not strict: max_steps or max_time may end a training before its first validation.
        stop = EarlyStopping(str(best.monitor), mode=best.mode, patience=patience, strict=False)
        callbacks.append(stop)
    devices = options.get("devices")
    if isinstance(devices, str) and devices.isdigit():
        # As a dotted option it comes as text, of which Lightning takes only "auto" and lists.
        options = options | {"devices": int(devices)}
    try:
        return pl.Trainer(
            **options,
            logger=MLFlowLogger(tracking_uri=tracker.uri, run_id=run.id),
            callbacks=callbacks,
            enable_autolog_hparams=False,
            reload_dataloaders_every_n_epochs=1,
            use_distributed_sampler=False,
            num_sanity_val_steps=0,
            default_root_dir=best.dirpath,
        )
    except (MisconfigurationException, ValueError, TypeError, ImportError) as error:
        raise BadValue("trainer", options, f"options that fit this machine: {error}") from error


def fit(
    engine: pl.Trainer, model: pl.LightningModule, data: pl.LightningDataModule, last: Path | None
) -> None:
    """Trains, from the checkpoint `last` where there is one.

    Raises:
        KeyboardInterrupt: Ctrl-C.
    """
    before = os.environ.get("MLFLOW_TRACKING_URI")
    try:
        # Lightning answers Ctrl-C by ending the process, and leaves further ones ignored.
        with put_off() as ctrl_c:
            engine.callbacks.insert(0, _BetweenBatches(ctrl_c))  # type: ignore[attr-defined]
            engine.fit(model, datamodule=data, ckpt_path=last, weights_only=True)
    except SystemExit:
        if not engine.interrupted:
            raise
        raise KeyboardInterrupt from None
    finally:
        # Lightning's logger sets it for the whole process, in which another store has its own.
        mlflow.set_tracking_uri(before)  # type: ignore[arg-type]


class _BetweenBatches(Callback):
    """Lets Ctrl-C in where nothing is being written."""

    def __init__(self, ctrl_c: CtrlC) -> None:
        self.ctrl_c = ctrl_c

    def on_train_batch_end(self, *args: Any) -> None:
        self.ctrl_c.check()

    def on_validation_batch_end(self, *args: Any) -> None:
        self.ctrl_c.check()


class _LastOfEpoch(Callback):
    """Keeps the state after each epoch: what a training that was killed goes on from."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        trainer.save_checkpoint(self.file, weights_only=False)  # optimizer and place too
