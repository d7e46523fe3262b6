"""Train: examples from the store -> a ranker, fuser or router, kept with its MLflow run."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from rich.table import Table

from workbench import terminal
from workbench.errors import BadValue, UnknownName
from workbench.fusion.data import FusionData
from workbench.fusion.gen_fuser import GenFuser
from workbench.models.allocator import keep_memory
from workbench.models.trainable import Fitted, Learner, Trainable, TrainingData, is_sharded
from workbench.ranking.data import PairData
from workbench.ranking.list_data import ListData
from workbench.ranking.pair_ranker import PairRanker
from workbench.ranking.reward_model import RewardModel
from workbench.ranking.simcls import SimCLS
from workbench.ranking.summa_reranker import SummaReranker
from workbench.routing.data import RouterData
from workbench.routing.routers import ROUTERS
from workbench.stages.chosen_ranking import chosen_ranking
from workbench.stages.engine import fit, make_engine
from workbench.stages.forget import drop_work
from workbench.stages.identity import identity
from workbench.store.labels import set_label
from workbench.store.store import Store
from workbench.tracking import Run, Tracker, work_folder

# Imported so that the command line knows them by their names.
MODELS = (PairRanker, SummaReranker, SimCLS, RewardModel, GenFuser, *ROUTERS)
DATA = (PairData, ListData, FusionData, RouterData)
_LOWER_IS_BETTER = ("validation/loss",)
# No weights enter them: what the best checkpoint is to be held against.
_LINES = ("validation/best_single", "validation/oracle")


@dataclass
class Trained:
    """The run id that names the model from now on, and its best validation figures.

    Attributes:
        run: id of the run.
        kind: "ranker", "fuser" or "router".
        metrics: figure -> value at the best checkpoint.
        new: whether it was trained now.
    """

    run: str
    kind: str
    metrics: dict[str, float]
    new: bool

    @property
    def ranker(self) -> str | None:
        """The run id, of a ranker."""
        return self.run if self.kind == "ranker" else None

    @property
    def fuser(self) -> str | None:
        """The run id, of a fuser."""
        return self.run if self.kind == "fuser" else None

    @property
    def router(self) -> str | None:
        """The run id, of a router."""
        return self.run if self.kind == "router" else None

    def __rich__(self) -> Table:
        title = f"train: {self.kind} {self.run}" + ("" if self.new else " (trained before)")
        rows = [(name, float(value)) for name, value in self.metrics.items()]
        return terminal.table(title, ("at the best checkpoint", "value"), rows)


def train(
    store: Path,
    model: Learner,
    data: TrainingData,
    trainer: dict[str, Any] | None = None,
    monitor: Literal[
        "validation/quality", "validation/pairwise_accuracy", "validation/loss"
    ] = "validation/quality",
    patience: int | None = 3,
    checkpoint_minutes: float = 10.0,
    seed: int = 0,
) -> Trained:
    """Trains a ranker, fuser or router on the split `train`; `validation` chooses the checkpoint.

    Started again after a kill it goes on from its last checkpoint; once finished, it does not
    train again. A router that is fitted in one go, without the Trainer, has no checkpoints, and
    the options of these and of the Trainer do not touch it.

    Args:
        store: DuckDB file.
        model: the ranker, fuser or router, by class_path and init_args.
        data: what it sees of the store, by class_path and init_args.
        trainer: options of the Lightning Trainer: max_epochs, accelerator, devices, precision …
        monitor: figure that chooses the checkpoint and stops early.
        patience: validations without improvement before stopping; null never stops early.
        checkpoint_minutes: minutes between checkpoints within an epoch.
        seed: of weights and dropout; the data has its own.

    Raises:
        BadValue, UnknownName: an option that cannot be used, before any work.
        MissingInput: the store lacks prompts, qualities or rankings to train on.
    """
    if isinstance(model, Trainable) and monitor not in model.monitors:
        raise UnknownName(f"monitor of a {type(model).__name__}", monitor, model.monitors)
    if patience is not None and patience < 1:
        raise BadValue("patience", patience, "a positive number, or null")
    opened = Store(store)
    _check(opened, model, data)
    tracker = Tracker(opened.path)
    config = identity(model, data, trainer or {}) | {"seed": seed}
    if isinstance(model, Trainable):
        config |= {"monitor": monitor, "patience": patience}
    with tracker.run("train", config, data.seen(model), seed=seed) as run:
        if run.finished and (figures := _finished(tracker, run)) is not None:
            return Trained(run.id, model.kind, figures, new=False)
        if run.finished:  # new weights: what the lost model has made is no longer its own
            drop_work(opened, run.id)
        run.log_params({"kind": model.kind})
        if not (run.resumed or run.finished):
            everything = {"model": dict(model.hparams), "data": dict(data.hparams)}
            run.log_params({"all": everything | {"trainer": trainer or {}}})
        checkpoints = work_folder(opened.path) / f"train-{run.key}"
        label = f"{type(model).__name__} {data.told}".strip()
        pl.seed_everything(seed, verbose=False)
        keep_memory()
        if isinstance(model, Fitted):
            figures = model.fit(data)
            _log_model(model, run, checkpoints, figures)
            set_label(opened, run.id, label)
            return Trained(run.id, model.kind, figures, new=True)
        assert isinstance(model, Trainable)
        model.build(data.training_texts())
        best = _best_checkpoint(checkpoints, monitor)
        engine = make_engine(tracker, run, trainer or {}, best, patience, checkpoint_minutes)
        last = checkpoints / "last.ckpt"
        if last.exists():
            terminal.say(f"going on from {last}")
        fit(engine, model, data, last if last.exists() else None)
        if not best.best_model_path:  # ended before its first validation
            engine.validate(model, datamodule=data, verbose=False)
        figures = _keep(engine, model, data, run, best, checkpoints)
        if engine.is_global_zero:
            set_label(opened, run.id, label)
    return Trained(run.id, model.kind, figures, new=True)


def _best_checkpoint(folder: Path, monitor: str) -> ModelCheckpoint:
    mode = "min" if monitor in _LOWER_IS_BETTER else "max"
    return ModelCheckpoint(
        folder, monitor=monitor, mode=mode, filename="best", enable_version_counter=False
    )


def _check(store: Store, model: Learner, data: TrainingData) -> None:
    """Raises what does not fit before any work, and connects the data to the store."""
    if not hasattr(type(model), data.needs):
        fitting = [kind.__name__ for kind in DATA if hasattr(type(model), kind.needs)]
        whose = f"of a {type(model).__name__}"
        raise BadValue(f"data {whose}", type(data).__name__, " or ".join(fitting) or "other data")
    data.connect(store)
    if data.reads_rankings:
        h: Any = data.hparams
        ranking = chosen_ranking(store, h["ranker"], h["scheme"], h["seed"])
        data.take_ranking(ranking.ranker, ranking.scheme)  # type: ignore[attr-defined]
    data.check(model)


def _finished(tracker: Tracker, run: Run) -> dict[str, float] | None:
    """Best figures of a finished training; None where its model has been removed since.

    An artifact store that cannot be reached raises: it is no reason to train again.
    """
    if not tracker.client.list_artifacts(run.id, "model"):
        terminal.say(f"run {run.id} has lost its model: trains again")
        return None
    metrics = tracker.client.get_run(run.id).data.metrics
    return {k.removeprefix("best/"): v for k, v in metrics.items() if k.startswith("best/")}


def _keep(
    engine: pl.Trainer,
    model: Trainable,
    data: TrainingData,
    run: Run,
    best: ModelCheckpoint,
    checkpoints: Path,
) -> dict[str, float]:
    """Logs the best checkpoint's weights as the run's model; then the checkpoints may go."""
    figures = {name: float(value) for name, value in engine.callback_metrics.items()}
    file, sharded = best.best_model_path, is_sharded(engine)
    if file:
        score = best.best_model_score
        lines = {name: figures[name] for name in _LINES if name in figures}
        figures = {str(best.monitor): float("nan" if score is None else score)} | lines
    elif sharded:
        file = str(checkpoints / "last.ckpt")
    if engine.is_global_zero:
        if file:
            state = torch.load(file, map_location="cpu", weights_only=True)
            if sharded:  # the model here holds a part of the weights
                model = type(model)(**model.hparams).build(data.training_texts())
            model.load_state_dict(state["state_dict"], strict=model.strict_loading)
            figures["epoch"] = float(state["epoch"])
        _log_model(model, run, checkpoints, figures)
    return figures


def _log_model(model: Learner, run: Run, checkpoints: Path, figures: dict[str, float]) -> None:
    """Logs a trained model as the run's, and its figures; then the checkpoints may go."""
    folder = checkpoints / "model"
    model.save_pretrained(folder)
    run.log_folder(folder, "model")
    run.log_metrics({f"best/{name}": value for name, value in figures.items()})
    shutil.rmtree(checkpoints)
