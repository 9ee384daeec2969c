"""Train one run in its folder: start it or continue it, record it, judge it."""

import logging
from functools import partial
from pathlib import Path
from typing import Any

import torch
import yaml

from descent.batching import Batches
from descent.config.identity import label, setting
from descent.config.schema import RunConfig
from descent.config.targets import factory
from descent.errors import InputError
from descent.problems.base import Problem
from descent.records import judging as verdict
from descent.records import result as results
from descent.records.curve import Curve, read
from descent.records.environment import environment
from descent.records.lock import lock
from descent.records.result import Asked, Hyperparameters, Result
from descent.training import build, requirements
from descent.training.engine import Engine
from descent.training.observer import Observer
from descent.training.recorder import Recorder
from descent.training.rehearsal import try_optimizer

Identity = dict[str, Any]
log = logging.getLogger(__name__)
Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # in C, where PyYAML was built with it: a seventh of the time


def train(config: RunConfig, identity: Identity, key: str, folder: Path, observer: Observer) -> Result:
    """Train a run in `folder`, from its last checkpoint where there is one, and write its result.

    Args:
        config: the run's settings, resolved.
        identity: what determines its result.
        key: the id that stands for it.
        folder: where the run leaves its files.
        observer: is told what it does.

    Raises:
        InputError: a setting that cannot work; nothing was written.
        Busy: another process is training this run.
        KeyboardInterrupt: Ctrl-C, after a checkpoint.
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
    )
    requirements.require_engine(config, problem, batches)
    engine = build.engine(config, identity["device"], problem, batches, timeline, recorder)
    for text in cautions(config, problem, batches):
        log.warning(text)

    _make(folder, config)
    with lock(folder):
        if results.status(folder) in results.STATUSES:  # another process finished it since we looked
            return results.read(folder / "result.json")
        engine.position.data_checksum = problem.checksum
        _resume(engine, checkpoint, curve)
        _fit(engine, recorder)
        result = _result(config, identity, key, problem, batches.size, curve, engine)
        results.write(folder / "result.json", result)
        (folder / "error.txt").unlink(missing_ok=True)  # of an earlier attempt
        return result


def _fit(engine: Engine, recorder: Recorder) -> None:
    """Train to the end of the budget.

    Raises:
        KeyboardInterrupt: Ctrl-C, after a checkpoint.
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
        raise KeyboardInterrupt(f"Stopped at step {engine.position.step:,}. Repeat the command to continue.")


def cautions(config: RunConfig, problem: Problem, batches: Batches) -> list[str]:
    """Return warnings about settings that work, but maybe not as expected."""
    names = config.names
    texts = []
    if config.optimizer.full_batch and batches.size < batches.examples:
        texts.append(f"{names.optimizer} is meant for exact gradients; with batch={names.batch} they are noisy. Use batch=full.")
    without_effect = getattr(factory("optimizer", config.optimizer.factory), "without_effect", None)
    if without_effect is not None and (why := without_effect(problem.parameters())):
        texts.append(f"problem={names.problem}: {why}.")
    return texts


def hyperparameters(config: RunConfig) -> Hyperparameters:
    """Return what TensorBoard's HPARAMS tab shows: one flat mapping of plain values."""
    chosen: Hyperparameters = {
        **config.names.model_dump(),
        "engine": config.engine,
        "seed": config.seed,
        "precision": str(config.precision),
    }
    if config.clip_norm is not None:
        chosen["clip_norm"] = config.clip_norm
    for group in ("batch", "optimizer", "schedule"):
        for name, value in getattr(config, group).arguments.items():
            if name != "micro_size" and value is not None:
                shown = name if name == "lr" else f"{group}.{name}"
                chosen[shown] = value if isinstance(value, (bool, int, float, str)) else str(value)
    return chosen


def _make(folder: Path, config: RunConfig) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.yaml").write_text(yaml.dump(config.settings(), Dumper=Dumper, sort_keys=False))
    except OSError as error:
        raise InputError(
            "output_dir", config.output_dir, f"cannot be written ({error.strerror}: {error.filename or folder})"
        ) from error


def _resume(engine: Engine, checkpoint: Path, curve: Curve) -> None:
    """Take up the last checkpoint, with the curve cut to it, where both can be used; else start again, from nothing."""
    if not checkpoint.exists():
        return
    try:
        position = engine.peek(checkpoint)
        if position.data_checksum != engine.position.data_checksum:
            raise ValueError("its steps saw other data")
        curve.cut(position.step)
        engine.load(checkpoint)
    except Exception as error:  # whatever damaged bytes raise
        log.warning(f"{checkpoint} cannot be continued ({type(error).__name__}: {error}); the run starts again.")
        curve.rows.clear()


def _result(
    config: RunConfig, identity: Identity, key: str, problem: Problem, batch_size: int, curve: Curve, engine: Engine
) -> Result:
    """Judge a run that ended, by its curve alone, and read the test set, once."""
    rows = read(curve.path)
    last, chunk = rows[-1], config.problem.micro_size
    diverged = verdict.diverged_at(rows, problem.optimum, config.problem.loss_scale)
    chance = problem.chance("train", config.records.examples)
    stalled = verdict.stalled(rows, chance)
    test = problem.measure("test", chunk) if "test" in problem.splits else {}
    target = config.problem.target
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
        final={name: value for name, value in last.items() if name not in counted},
        best=verdict.best(rows, config.problem.metrics),
        test={name.removeprefix("test/"): value for name, value in test.items()},
        target=target,
        metrics=config.problem.metrics,
        time_to_target=verdict.time_to_target(rows, target, config.problem.metrics),
        diverged_at=diverged,
        tuning=config.tuning.trials,
        scramble=config.tuning.search,
        stage=config.tuning.stage,
        files=results.digests(curve.path.parent),
        environment={
            **environment(),
            "device": engine.position.hardware,
            "devices": config.trainer.count,
            "threads": config.problem.threads,
            "data_checksum": engine.position.data_checksum,
        },
    )
