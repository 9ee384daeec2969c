"""Configuration to objects. The only file that instantiates."""

import inspect
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from hydra.utils import instantiate

from descent.batching import Batches, Timeline
from descent.display import loading
from descent.errors import InputError
from descent.from_scratch import objectives, optimizers
from descent.from_scratch.objectives import Objective
from descent.problems.base import Problem
from descent.recording import Engine, Recorder, Sink
from descent.records.curve import Row
from descent.run import devices
from descent.schedules import require_horizon, require_ratio

if TYPE_CHECKING:
    import lightning.pytorch as pl

Settings = dict[str, Any]

DTYPES = {32: torch.float32, 64: torch.float64, "bf16": torch.float32}
PRECISIONS = {32: "32-true", 64: "64-true", "bf16": "bf16-mixed"}
# What a problem's yaml says to the rest of the house, not to the problem itself.
BENCHMARK_KEYS = ("epochs", "batch_size", "micro_size", "record_examples", "metric", "target", "loss_scale", "threads")


def problem(settings: Settings) -> Problem:
    """Make the problem: its data, and a model with the seed's initial weights."""
    own = {key: value for key, value in settings["problem"].items() if key not in BENCHMARK_KEYS}
    made = _call("problem", own, seed=settings["seed"], dtype=DTYPES[settings["precision"]])
    assert isinstance(made, Problem)
    return made


def batches(settings: Settings, examples: int) -> Batches:
    """Make the batch mode for N training examples."""
    made = _call("batch", settings["batch"], examples=examples, seed=settings["seed"])
    assert isinstance(made, Batches)
    return made


def optimizer(settings: Settings, device: str) -> Callable[[Any], torch.optim.Optimizer]:
    """Return what makes the optimizer from parameters on `device`, cpu or cuda; it can be sent to another process."""
    arguments = {key: value for key, value in settings["optimizer"].items() if key != "full_batch"}
    if isinstance(arguments.get("fused"), list):
        arguments["fused"] = device in arguments["fused"]

    return partial(_optimizer, arguments)


def _optimizer(arguments: Settings, params: Any) -> torch.optim.Optimizer:
    made = _call("optimizer", arguments, params=params)
    assert isinstance(made, torch.optim.Optimizer)
    return made


def schedule(settings: Settings) -> Callable[..., float]:
    """Make the schedule, (step, horizon, history) -> factor."""
    made = _partial("schedule", settings["schedule"])
    require_ratio(made)
    if settings["epochs"] is None and settings["max_steps"] is None:
        require_horizon(made, settings["names"]["schedule"])
    return made


def engine(settings: Settings, device: str, problem: Problem, batches: Batches, timeline: Timeline, recorder: Recorder) -> Engine:
    """Make what computes the run; it refuses bad settings before anything is written."""
    factor, layers = schedule(settings), settings["records"]["layers"]
    if layers and all(p.ndim < 2 for p in problem.parameters()):
        raise InputError("records.layers", "true", f"has no effect: {settings['names']['problem']} has no layers")
    if settings["engine"] == "numpy":
        from descent.numpy_engine import NumpyEngine

        if devices(settings) > 1:
            raise InputError("trainer.devices", devices(settings), "engine=numpy runs on one")
        for key in settings["trainer"].keys() - {"accelerator", "devices"}:
            raise InputError(f"trainer.{key}", settings["trainer"][key], "has no effect with engine=numpy")
        hand_written = objective(settings, problem), numpy_optimizer(settings)
        threads, clip_norm = settings["problem"]["threads"], settings["clip_norm"]
        return NumpyEngine(problem, *hand_written, factor, batches, timeline, recorder, threads, clip_norm, layers)
    with loading("Lightning"):
        from descent.lightning_engine import LightningEngine
        from descent.loader import BlockLoader
        from descent.module import DescentModule

    make_optimizer = optimizer(settings, device)
    trial = make_optimizer(problem.parameters())
    _splits(settings, batches, trial)
    _clips(settings, trial)
    module = DescentModule(problem, make_optimizer, factor, timeline.horizon, settings["clip_norm"], layers)
    loader = partial(BlockLoader, problem, batches, timeline)
    threads = max(1, settings["problem"]["threads"] // devices(settings))
    return LightningEngine(module, loader, recorder, partial(trainer, settings, device), device, threads)


def _splits(settings: Settings, batches: Batches, optimizer: torch.optim.Optimizer) -> None:
    """Make sure that every step can be split over the devices.

    Raises:
        InputError: there are several, and one would have no example, or the optimizer evaluates the loss as it likes.
    """
    from descent.module import needs_closure

    wanted = devices(settings)
    if wanted == 1:
        return
    if not isinstance(settings["trainer"].get("strategy"), dict):
        raise InputError("trainer.devices", wanted, "several devices share a run only with trainer=ddp")
    if needs_closure(optimizer):
        name = settings["names"]["optimizer"]
        raise InputError("optimizer", name, f"its search needs the whole loss, which {wanted} devices do not have")
    last = (batches.examples_per_epoch - 1) % batches.size + 1  # the size of an epoch's last batch
    if batches.size < wanted:
        raise InputError("trainer.devices", wanted, f"a batch of {batches.size} cannot be split over more than {batches.size}")
    if last < wanted:
        remedy = "Use batch.drop_last=true or another batch.size."
        raise InputError("trainer.devices", wanted, f"the last batch of an epoch has {last} examples only", remedy)


def _clips(settings: Settings, optimizer: torch.optim.Optimizer) -> None:
    """Make sure that the gradient can be clipped, where that is asked for.

    Raises:
        InputError: the optimizer compares gradients with losses, and so needs the true ones.
    """
    from descent.module import needs_closure

    if settings["clip_norm"] is not None and needs_closure(optimizer):
        name = settings["names"]["optimizer"]
        raise InputError("clip_norm", settings["clip_norm"], f"the line search of {name} needs the true gradient", "Use null.")


def objective(settings: Settings, problem: Problem) -> Objective:
    """Make what the NumPy engine minimises: the problem's loss, with a gradient by hand.

    Raises:
        InputError: no one has written that gradient.
    """
    found = problem.by_hand()
    if found is None:
        raise InputError(
            "problem",
            settings["names"]["problem"],
            "engine=numpy has no hand-written gradient of it; it has linear and logistic regression, softmax regression and "
            "mlps, the quadratic and the 2-D functions",
            "Use engine=torch.",
        )
    name, arguments = found
    made = _call("problem", {"_target_": f"{objectives.__name__}.{name}", **arguments})
    assert isinstance(made, Objective)
    return made


def numpy_optimizer(settings: Settings) -> optimizers.Optimizer:
    """Make our own form of the torch optimizer that the settings name.

    Raises:
        InputError: no one has written it, or an argument that it does not have.
    """
    given = {key: value for key, value in settings["optimizer"].items() if key != "full_batch"}
    fused = given.pop("fused", None)
    if isinstance(fused, bool):
        raise InputError("optimizer.fused", fused, "has no effect with engine=numpy")
    package, _, torchs = given.pop("_target_").rpartition(".")
    name, arguments = optimizers.like_torch(torchs, given)
    if package != "torch.optim" or name not in optimizers.OPTIMIZERS:
        has = ", ".join(made.lower() for made in optimizers.OPTIMIZERS)
        raise InputError(
            "optimizer", settings["names"]["optimizer"], f"engine=numpy has no such optimizer; it has {has}", "Use engine=torch."
        )
    made = _call("optimizer", {"_target_": f"{optimizers.__name__}.{name}", **arguments})
    assert isinstance(made, optimizers.Optimizer)
    return made


def sinks(settings: Settings, folder: Path, hyperparameters: Settings, rows: list[Row]) -> list[Sink]:
    """Make what records go to besides curve.csv."""
    run = {"folder": folder, "hyperparameters": hyperparameters, "rows": rows}
    return [_call(f"logger.{name}", logger, **run) for name, logger in settings["logger"].items()]


def device(settings: Settings, elsewhere: str | None = None) -> str:
    """Return ``cuda`` or ``cpu``, what the run is computed on: on this machine or, where ``auto`` means `elsewhere`, on another.

    Raises:
        InputError: a GPU is asked for and there is none.
    """
    wanted = settings["trainer"]["accelerator"]
    if wanted not in ("auto", "cpu", "gpu"):
        raise InputError("trainer.accelerator", wanted, "must be one of auto, cpu, gpu")
    if settings["engine"] == "numpy" and wanted == "gpu":
        raise InputError("trainer", "gpu", "engine=numpy runs on the CPU", "Use trainer=cpu or engine=torch.")
    if settings["engine"] == "numpy" or wanted == "cpu":
        return "cpu"
    if elsewhere:
        return "cuda" if "gpu" in (wanted, elsewhere) else "cpu"
    if torch.cuda.is_available():
        return "cuda"
    if wanted == "gpu":
        raise InputError("trainer", "gpu", "torch finds no CUDA device here", "Use trainer=cpu or trainer=auto.")
    return "cpu"


def trainer(settings: Settings, device: str, callbacks: "list[pl.Callback]") -> "pl.Trainer":
    """Make Lightning's Trainer, of which one epoch is the whole run.

    Raises:
        InputError: an argument that Lightning refuses, or that descent decides.
    """
    import lightning.pytorch as pl  # ten seconds, not before there is something to train
    from lightning.fabric.utilities.exceptions import MisconfigurationException

    ours: Settings = {
        "max_epochs": 1,
        "precision": PRECISIONS[settings["precision"]],
        "callbacks": callbacks,
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    given = {**settings["trainer"], "accelerator": "gpu" if device == "cuda" else "cpu"}
    if isinstance(given.get("strategy"), dict):
        given["strategy"] = instantiate({**given["strategy"], "_convert_": "all"})
    for name, value in given.items():
        if name in (*ours, "max_steps", "max_time"):
            raise InputError(
                f"trainer.{name}", value, "is not Lightning's to decide here", "See epochs, max_steps, precision, logger."
            )
    try:
        return pl.Trainer(**given, **ours)
    except (MisconfigurationException, TypeError, ValueError) as error:
        raise InputError("trainer", settings["trainer"], str(error).strip().splitlines()[0].rstrip(".")) from error


def _partial(group: str, config: Settings, given: tuple[str, ...] = ()) -> partial[Any]:
    """Return the target of `config` with its arguments; `given` arguments come later.

    Lists and mappings reach the target as Python's own (``_convert_``): optimizers would keep OmegaConf's in their state,
    which a checkpoint that is read with ``weights_only`` refuses. The result is a plain partial, as Hydra's own
    (_DeferredTarget) checks its target anew at each call, 0.1 ms that a schedule would pay each step.

    Raises:
        InputError: an argument that the target does not have.
    """
    deferred = instantiate({**config, "_convert_": "all", "_partial_": True})
    allowed = [name for name in _arguments(deferred.func) if name not in given]
    for key, value in deferred.keywords.items():
        if key not in allowed:
            raise InputError(f"{group}.{key}", value, f"{config['_target_']} has no such setting; it has {', '.join(allowed)}")
    return partial(deferred.func, **deferred.keywords)


def _arguments(target: Callable[..., Any]) -> list[str]:
    """Return the names of the target's arguments, with those that its ``**`` hands on to a base class."""
    names: list[str] = []
    for owner in target.__mro__ if isinstance(target, type) else (target,):
        if isinstance(owner, type) and "__init__" not in vars(owner):
            continue
        parameters = inspect.signature(owner).parameters.values()
        names += [
            parameter.name for parameter in parameters if parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
        ]
        if all(parameter.kind is not parameter.VAR_KEYWORD for parameter in parameters):
            break
    return list(dict.fromkeys(names))


def _call(group: str, config: Settings, **arguments: Any) -> Any:
    """Instantiate `config` with further `arguments`; a value that the target refuses becomes one line.

    Raises:
        InputError: what the target says against its arguments.
    """
    made = _partial(group, config, tuple(arguments))
    try:
        return made(**arguments)
    except InputError:
        raise
    except (TypeError, ValueError, IndexError, RuntimeError) as error:
        raise InputError(group, made.func.__name__, str(error).strip().splitlines()[0].rstrip(".")) from error
