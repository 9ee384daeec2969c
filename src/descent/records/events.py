"""TensorBoard events: a view of curve.csv and of the hyperparameters."""

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch.utils.tensorboard.summary import hparams

from descent.outside import remove
from descent.records.curve import Row
from descent.records.event_file import EventFile
from descent.records.tensorboard_internals import Summary

AXES = ("step", "examples", "gradient_evaluations", "epoch", "seconds")  # not curves themselves


class TensorBoard:
    """Shows every column of the curve over examples, and again over steps as ``by_step/<column>``.

    TensorBoard's relative time is the run's training time.

    Args:
        folder: the run's folder; events of an earlier start are replaced by what the curve says.
        hyperparameters: what the HPARAMS tab shows, beside the run's losses and accuracies.
        rows: records of the run so far.
    """

    def __init__(self, folder: Path, hyperparameters: Mapping[str, Any], rows: Sequence[Row]) -> None:
        for stale in folder.glob("events.out.tfevents.*"):
            remove(stale)
        self.events = EventFile(folder)
        self.start = time.time() - (rows[-1]["seconds"] if rows else 0.0)
        self.hyperparameters: dict[str, Any] | None = dict(hyperparameters)
        for row in rows:
            self.record(row)

    def record(self, row: Row) -> None:
        """Show one record; numbers that are not finite are left out."""
        if self.hyperparameters is not None:  # the first record tells which measurements there are
            measured = [name for name in row if name.startswith(("train/", "val/"))]
            for summary in hparams(self.hyperparameters, dict.fromkeys(measured, 0.0)):
                self.events.add_summary(summary)
            self.hyperparameters = None
        when = self.start + row["seconds"]
        shown = [(name, value) for name, value in row.items() if name not in AXES and math.isfinite(value)]
        for prefix, axis in (("", "examples"), ("by_step/", "step")):  # one event for all curves costs a fifth of one for each
            values = [Summary.Value(tag=prefix + name, simple_value=value) for name, value in shown]
            self.events.add_summary(Summary(value=values), int(row[axis]), walltime=when)

    def close(self) -> None:
        self.events.close()
