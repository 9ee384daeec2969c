"""Synthetic studies: what runs leave behind, written by hand, nothing is trained; and one that may be killed."""

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from descent.records import result as results
from descent.records.curve import Curve

GRID = (0, 1, 2, 4, 8)


def write_run(
    study: Path,
    *,
    problem: str = "digits_mlp",
    batch: str = "mini",
    optimizer: str = "sgd",
    lr: float = 0.1,
    seed: int = 1,
    status: str = "finished",
    losses: tuple[float, ...] | None = None,
    size: int = 32,
    columns: dict[str, tuple[float, ...]] | None = None,
    config: dict[str, Any] | None = None,
    **changes: Any,
) -> Path:
    """Write a run whose training loss is `losses` at the records of `GRID`; return its folder.

    Args:
        columns: more columns of the records.
        config: settings, as nested mappings, that `config.yaml` holds.
        changes: keys of the result.
    """
    losses = losses or tuple(1 / (1 + step * lr * seed) for step in GRID)
    size = {"full": 64, "stochastic": 1}.get(batch, size)
    chosen = {"batch": batch, "optimizer": optimizer, "lr": lr, "seed": seed} | ({"batch.size": size} if batch == "mini" else {})
    setting = f"{batch}-{optimizer}-{lr:g}"
    words = {"/": "_", ".": "_"}
    path = [str(part).translate(str.maketrans(words)) for part in (problem, batch, optimizer)]
    folder = study.joinpath(*path, f"lr={lr:g}_seed={seed}-{len(list(study.glob('*/*/*/*'))):08x}")
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(config or {}))
    curve = Curve(folder / "curve.csv")
    for record, (step, loss) in enumerate(zip(GRID, losses, strict=False)):
        norms = {name: math.nan if step == 0 else loss * scale for name, scale in (("gradient_norm", 2.0), ("update_norm", 0.2))}
        curve.append(
            {
                "step": step,
                "examples": step * size,
                "gradient_evaluations": step * size,
                "epoch": step * size / 64,
                "seconds": step * 0.01 * seed,
                "lr": lr,
                "train/loss": loss,
                "val/loss": 1.1 * loss,
                "val/accuracy": max(0.0, 1 - loss),
                **norms,
                "weight_norm": 1.0 + step,
                **{name: values[record] for name, values in (columns or {}).items()},
            }
        )
    last = curve.rows[-1]
    axes = ("steps", "examples", "gradient_evaluations", "seconds")
    result = {
        "schema": results.SCHEMA,
        "id": folder.name[-8:],
        "setting": setting,
        "label": f"lr={lr:g}",
        "metric": "train/loss",
        "hyperparameters": chosen,
        "status": status,
        "problem": problem,
        "batch": batch,
        "optimizer": optimizer,
        "schedule": "constant",
        "batch_size": size,
        "engine": "torch",
        "seed": seed,
        "steps": last["step"],
        "examples": last["examples"],
        "gradient_evaluations": last["gradient_evaluations"],
        "seconds": last["seconds"],
        "wall_seconds": 2 * last["seconds"],
        "test": {"loss": last["val/loss"]},
        "final": {name: value for name, value in last.items() if name not in (*axes, "step")},
        "best": {"train/loss": {"value": min(row["train/loss"] for row in curve.rows), "step": 1}},
        "target": None,
        "time_to_target": dict.fromkeys(axes),
        "environment": {},
        "diverged_at": last["step"] if status == "diverged" else None,
        **changes,
    }
    seal(folder, result)
    return folder


def seal(folder: Path, result: dict[str, Any]) -> None:
    """Write a result with the checksum that belongs to it, whatever it says."""
    content = _finite({name: value for name, value in result.items() if name != results.CHECKSUM})
    (folder / "result.json").write_text(json.dumps({**content, results.CHECKSUM: results.checksum(content)}))


def _finite(value: Any) -> Any:
    """Return a value with null in place of numbers that are not finite, as a result has it."""
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def wait_for(happens: Callable[[], object], seconds: float = 120) -> None:
    """Wait until something happens; fail where it does not within the seconds."""
    end = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < end
        time.sleep(0.05)
