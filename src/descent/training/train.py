"""Train one run in its folder: start or continue it, record it, judge it."""

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch

from descent import stopping
from descent.batching import Batches
from descent.config import yamls
from descent.config.identity import label, setting
from descent.config.schema import RunConfig
from descent.config.targets import factory
from descent.config.tuned import differences
from descent.outside import output, remove, write_text
from descent.problems.base import Problem
from descent.records import judging as verdict
from descent.records import result as results
from descent.records.curve import Curve, read
from descent.records.environment import environment
from descent.records.finished import Unsound, digests, sound
from descent.records.folders import is_run_file
from descent.records.lock import LOCK, lock
from descent.records.result import Asked, Hyperparameters, Result
from descent.training import build, requirements
from descent.training.engine import Engine
from descent.training.observer import Observer
from descent.training.recorder import Recorder
from descent.training.rehearsal import try_optimizer

Identity = dict[str, Any]
log = logging.getLogger(__name__)


def train(config: RunConfig, identity: Identity, key: str, folder: Path, observer: Observer) -> Result:
    """Train a run in `folder`, from its last checkpoint where there is one, and write its result.

    Args:
        config: the run's settings, resolved.
        identity: the settings that determine its result.
        key: its id.
        folder: for the files of the run.
        observer: notified of the progress.

    Raises:
        InputError: a setting that cannot work; nothing was written.
        Busy: another process is training this run.
        Stopped: by a signal, after a checkpoint.
    """
    torch.set_num_threads(config.problem.threads)
    try_optimizer(config)
    problem = build.problem(config)
    requirements.judged(config, problem)
    batches = build.batches(config, problem.examples)
    timeline = build.timeline(config, batches)
    curve, checkpoint = Curve(folder / "curve.csv"), folder / "last.ckpt"
    recorder = Recorder(
        problem,
        batches,
        timeline,
        curve,
        checkpoint,
        examples=config.records.examples,
        chunk=config.problem.micro_size,
        sharpness=config.records.sharpness,
        loss_scale=config.problem.loss_scale,
        max_seconds=config.max_seconds,
        observer=observer,
        open_sinks=partial(build.sinks, config, folder, hyperparameters(config)),
        devices=config.trainer.count,
    )
    requirements.require_engine(config, problem, batches)
    engine = build.engine(config, identity["device"], problem, batches, timeline, recorder)
    observer.size(problem.examples, sum(weights.numel() for weights in problem.parameters()), str(identity["device"]))
    for text in cautions(config, problem, batches):
        log.warning(text)

    with output("output_dir", config.output_dir), _held(folder), stopping.deferred():
        engine.position.data_checksum, engine.position.run = problem.checksum, key
        notes = []
        try:
            if result := sound(folder, key):  # another process finished it since we looked
                return result
        except Unsound as error:
            notes.append(str(error))
            remove(folder / "result.json")
        notes += _clear(folder) + _resume(engine, checkpoint, curve)
        for why in notes:
            log.warning(f"{folder / why}; the run is trained again.")
        write_text(folder / "config.yaml", yamls.text(config.settings()))
        _fit(engine, recorder)
        result = _result(config, identity, key, problem, batches.size, curve, engine, notes)
        results.write(folder / "result.json", result)
        remove(folder / "error.txt")  # of an earlier attempt
        return result


def _fit(engine: Engine, recorder: Recorder) -> None:
    """Train to the end of the budget.

    Raises:
        Stopped: by a signal, after a checkpoint.
    """
    if engine.position.ended:  # killed between its last step and its result
        recorder.observer.note("Training had ended; writing the result.")
        for sink in recorder.open_sinks(recorder.curve.rows):
            sink.close()
        return
    if engine.position.step:
        recorder.observer.note(f"Continuing at step {engine.position.step:,}.")
    engine.fit()
    if not engine.position.ended:
        raise stopping.Stopped(stopping.asked() or signal.SIGINT, f"at step {engine.position.step:,}")


def cautions(config: RunConfig, problem: Problem, batches: Batches) -> list[str]:
    """Return warnings about settings that work, but maybe not as expected."""
    names = config.names
    texts = []
    if config.optimizer.full_batch and batches.size < batches.examples:
        texts.append(f"{names.optimizer} is meant for exact gradients; with batch={names.batch} they are noisy. Use batch=full.")
    without_effect = getattr(factory("optimizer", config.optimizer.factory), "without_effect", None)
    if without_effect is not None and (why := without_effect(problem.parameters())):
        texts.append(f"problem={names.problem}: {why}.")
    if told := differences(config):
        texts.append(f"{told}.")
    return texts


def hyperparameters(config: RunConfig) -> Hyperparameters:
    """Return the hyperparameters of TensorBoard's HPARAMS tab: one flat mapping of plain values."""
    chosen: Hyperparameters = {
        **config.names.model_dump(),
        "engine": config.engine,
        "seed": config.seed,
        "precision": str(config.precision),
    }
    if config.clip_norm is not None:
        chosen["clip_norm"] = config.clip_norm
    for group in ("batch", "optimizer", "schedule", "wrapper"):
        component = getattr(config, group)
        for name, value in component.arguments.items() if component else ():
            if name != "micro_size" and value is not None:
                shown = name if name == "lr" else f"{group}.{name}"
                chosen[shown] = value if isinstance(value, (bool, int, float, str)) else str(value)
    return chosen


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Make the folder of a run and lock it.

    Raises:
        Busy: another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / LOCK).is_dir():
        remove(folder / LOCK)
    with lock(folder):
        yield


def _clear(folder: Path) -> list[str]:
    """Remove folders in the place of a run's files; return a note for each."""
    wrong = [path for path in folder.iterdir() if path.is_dir() and is_run_file(path.name)]
    for path in wrong:
        remove(path)
    return [f"{path.name} was a folder" for path in wrong]


def _resume(engine: Engine, checkpoint: Path, curve: Curve) -> list[str]:
    """Load the run's last checkpoint and cut the curve to it; if that fails, start again and return why."""
    if not checkpoint.exists():
        return []
    try:
        position = engine.peek(checkpoint)
        if position.run != engine.position.run:
            raise ValueError(f"it is of another run, {position.run}" if position.run else "it is of an earlier version")
        if position.data_checksum != engine.position.data_checksum:
            raise ValueError("its steps saw other data")
        curve.cut(position.rows, position.curve)
        engine.load(checkpoint)
    except Exception as error:  # whatever damaged bytes raise
        curve.rows.clear()
        return [f"{checkpoint.name} cannot be continued ({type(error).__name__}: {' '.join(str(error).split())})"]
    return []


def _result(
    config: RunConfig,
    identity: Identity,
    key: str,
    problem: Problem,
    batch_size: int,
    curve: Curve,
    engine: Engine,
    notes: list[str],
) -> Result:
    """Judge a run that ended by its curve alone, and evaluate the test set once."""
    rows = read(curve.path)
    last, chunk = rows[-1], config.problem.micro_size
    diverged = verdict.diverged_at(rows, problem.optimum, config.problem.loss_scale)
    stalled = verdict.stalled(rows, problem.chance("train", config.records.examples))
    test = engine.measure("test", chunk) if "test" in problem.splits else {}
    counted = ("step", "examples", "gradient_evaluations", "seconds")
    return Result(
        schema=results.SCHEMA,
        id=key,
        setting=setting(identity),
        label=label(config, seed=False),
        metric=config.problem.metric,
        hyperparameters=hyperparameters(config),
        status="diverged" if diverged is not None else "stalled" if stalled else "finished",
        **config.names.model_dump(),
        batch_size=batch_size,
        engine=config.engine,
        seed=config.seed,
        asked=Asked(epochs=config.epochs, max_steps=config.max_steps, max_seconds=config.max_seconds),
        steps=int(last["step"]),
        examples=int(last["examples"]),
        gradient_evaluations=int(last["gradient_evaluations"]),
        seconds=last["seconds"],
        wall_seconds=engine.position.wall_seconds,
        state_bytes=engine.position.state_bytes,
        final={name: value for name, value in last.items() if name not in counted},
        best=verdict.best(rows, config.problem.metrics),
        test={name.removeprefix("test/"): value for name, value in test.items()},
        target=config.problem.target,
        metrics=config.problem.metrics,
        time_to_target=verdict.time_to_target(rows, config.problem.target, config.problem.metrics),
        diverged_at=diverged,
        tuning=config.tuning.trials,
        search=config.tuning.search,
        stage=config.tuning.stage,
        files=digests(curve.path.parent),
        environment={
            **environment(),
            "device": engine.position.hardware,
            "devices": config.trainer.count,
            "threads": config.problem.threads,
            "data_checksum": engine.position.data_checksum,
        },
        notes=notes,
    )
