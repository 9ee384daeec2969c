"""Train one run in its folder: start it or continue it, record it, judge it."""

from functools import partial
from pathlib import Path
from typing import Any

import torch
import yaml

from descent import build
from descent.batching import UNBOUNDED, Timeline, horizon
from descent.display import Display, say, warn
from descent.errors import InputError, one_of
from descent.problems.base import Problem
from descent.recording import Engine, Recorder
from descent.records import result as results
from descent.records import verdict
from descent.records.curve import Curve, read
from descent.records.environment import environment
from descent.records.lock import lock
from descent.run import label, setting

Settings = dict[str, Any]
Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # in C, where PyYAML was built with it: a seventh of the time


def train(settings: Settings, identity: Settings, key: str, folder: Path) -> dict[str, Any]:
    """Train a run in `folder`, from its last checkpoint where there is one, and write its result.

    Raises:
        InputError: a setting that cannot work; nothing was written.
        Busy: another process is training this run.
        KeyboardInterrupt: Ctrl-C, after a checkpoint.
    """
    torch.set_num_threads(settings["problem"]["threads"])
    problem = build.problem(settings)
    batches = build.batches(settings, problem.examples)
    steps = horizon(batches, settings["epochs"], settings["max_steps"])
    timeline = Timeline(batches, steps, settings["records"]["first_epoch"], settings["records"]["growth"])
    curve, checkpoint = Curve(folder / "curve.csv"), folder / "last.ckpt"
    recorder = Recorder(
        problem,
        batches,
        timeline,
        curve,
        checkpoint,
        examples=settings["records"]["examples"],
        chunk=settings["problem"]["micro_size"],
        sharpness=settings["records"]["sharpness"],
        loss_scale=settings["problem"]["loss_scale"],
        max_seconds=settings["max_seconds"],
        display=Display(batches.examples_after(steps) if steps < UNBOUNDED else None, settings["max_seconds"]),
        open_sinks=partial(build.sinks, settings, folder, hyperparameters(settings)),
    )
    engine = build.engine(settings, identity["device"], problem, batches, timeline, recorder)
    _judged(settings["problem"], problem)
    for text in cautions(settings, problem):
        warn(text)

    _make(folder, settings)
    with lock(folder):
        if results.status(folder) in results.STATUSES:  # another process finished it since we looked
            return results.read(folder / "result.json")
        _resume(engine, checkpoint, curve)
        _fit(engine, recorder)
        result = _result(settings, identity, key, problem, curve, engine)
        results.write(folder / "result.json", result)
        (folder / "error.txt").unlink(missing_ok=True)  # of an earlier attempt
        return result


def _judged(chosen: Settings, problem: Problem) -> None:
    """Make sure that records hold what the run is judged by.

    Raises:
        InputError: the problem measures no such thing.
    """
    measured = [name for split in problem.splits if split != "test" for name in problem.measure(split, chunk=1, examples=1)]
    for key, metric in (("metric", chosen["metric"]), ("target.metric", (chosen.get("target") or {}).get("metric"))):
        if metric is not None and metric not in measured:
            raise one_of(f"problem.{key}", metric, measured)


def _fit(engine: Engine, recorder: Recorder) -> None:
    """Train to the end of the budget.

    Raises:
        KeyboardInterrupt: Ctrl-C, after a checkpoint.
    """
    if engine.position.ended:  # killed between its last step and its result
        say("Training had ended; writing the result.")
        for sink in recorder.open_sinks(recorder.curve.rows):
            sink.close()
        return
    if engine.position.step:
        say(f"Continuing at step {engine.position.step:,}.")
    engine.fit()
    if not engine.position.ended:
        raise KeyboardInterrupt(f"Stopped at step {engine.position.step:,}. Repeat the command to continue.")


def cautions(settings: Settings, problem: Problem) -> list[str]:
    """Return what a person should know of settings that work, but not as they may expect."""
    found = []
    names = settings["names"]
    if settings["optimizer"].get("full_batch") and names["batch"] != "full":
        found.append(
            f"{names['optimizer']} is meant for exact gradients; with batch={names['batch']} they are noisy. Use batch=full."
        )
    if names["optimizer"] == "muon" and all(p.ndim != 2 for p in problem.parameters()):
        found.append(
            f"{names['problem']} has no 2-D weights for Muon: AdamW updates all of them, and optimizer.lr has no effect."
        )
    return found


def hyperparameters(settings: Settings) -> dict[str, Any]:
    """Return what TensorBoard's HPARAMS tab shows: one flat mapping of plain values."""
    chosen = {
        **settings["names"],
        "engine": settings["engine"],
        "seed": settings["seed"],
        "precision": str(settings["precision"]),
    }
    if settings["clip_norm"] is not None:
        chosen["clip_norm"] = settings["clip_norm"]
    for group in ("batch", "optimizer", "schedule"):
        for name, value in settings[group].items():
            if not name.startswith("_") and name not in ("micro_size", "fused", "full_batch") and value is not None:
                shown = name if name == "lr" else f"{group}.{name}"
                chosen[shown] = value if isinstance(value, (bool, int, float, str)) else str(value)
    return chosen


def _make(folder: Path, settings: Settings) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.yaml").write_text(yaml.dump(settings, Dumper=Dumper, sort_keys=False))
    except OSError as error:
        raise InputError(
            "output_dir", settings["output_dir"], f"cannot be written ({error.strerror}: {error.filename or folder})"
        ) from error


def _resume(engine: Engine, checkpoint: Path, curve: Curve) -> None:
    """Take up the last checkpoint, with the curve cut to it, where both can be used; else start again, from nothing."""
    if not checkpoint.exists():
        return
    try:
        curve.cut(engine.peek(checkpoint).step)
        engine.load(checkpoint)
    except Exception as error:  # whatever damaged bytes raise
        warn(f"{checkpoint} cannot be continued ({type(error).__name__}: {error}); the run starts again.")
        curve.rows.clear()


def _result(settings: Settings, identity: Settings, key: str, problem: Problem, curve: Curve, engine: Engine) -> dict[str, Any]:
    """Judge a run that ended, by its curve alone, and read the test set, once."""
    rows = read(curve.path)
    last, chunk = rows[-1], settings["problem"]["micro_size"]
    diverged = verdict.diverged_at(rows, problem.optimum, settings["problem"]["loss_scale"])
    chance = problem.chance("train", settings["records"]["examples"])
    status = "diverged" if diverged is not None else "stalled" if verdict.stalled(rows, chance) else "finished"
    test = problem.measure("test", chunk) if "test" in problem.splits else {}
    target = settings["problem"].get("target")
    return {
        "schema": results.SCHEMA,
        "id": key,
        "setting": setting(identity),
        "label": label(settings, seed=False),
        "metric": settings["problem"]["metric"],
        "hyperparameters": hyperparameters(settings),
        "status": status,
        **{group: settings["names"][group] for group in ("problem", "batch", "optimizer", "schedule")},
        "batch_size": settings["batch"].get("size"),
        "engine": identity["engine"],
        "seed": settings["seed"],
        "steps": last["step"],
        "examples": last["examples"],
        "gradient_evaluations": last["gradient_evaluations"],
        "seconds": last["seconds"],
        "wall_seconds": engine.position.wall_seconds,
        "final": {
            name: value for name, value in last.items() if name not in ("step", "examples", "gradient_evaluations", "seconds")
        },
        "best": verdict.best(rows),
        "test": {name.removeprefix("test/"): value for name, value in test.items()},
        "target": target,
        "time_to_target": verdict.time_to_target(rows, target),
        "diverged_at": diverged,
        "files": results.digests(curve.path.parent),
        "environment": {
            **environment(),
            "device": engine.position.hardware,
            "devices": identity["devices"],
            "threads": settings["problem"]["threads"],
            "data_checksum": problem.checksum,
        },
    }
