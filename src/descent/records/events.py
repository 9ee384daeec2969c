"""TensorBoard events: a view of curve.csv and of the hyperparameters."""

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from descent.metrics import measured
from descent.outside import remove
from descent.records.curve import Row
from descent.records.dashboard import columns, session, tag
from descent.records.event_file import EventFile
from descent.records.tensorboard_internals import Summary

AXES = ("step", "examples", "gradient_evaluations", "epoch", "seconds")  # not curves themselves


class TensorBoard:
    """Show every column of the curve over examples, and again over steps as ``vs_step/<column>``.

    TensorBoard's relative time is the run's training time.

    Args:
        folder: the run's folder; events of an earlier start are replaced by the curve's.
        hyperparameters: what the HPARAMS tab shows, beside the run's losses and accuracies.
        rows: records of the run so far.
    """

    def __init__(self, folder: Path, hyperparameters: Mapping[str, Any], rows: Sequence[Row]) -> None:
        for stale in folder.glob("events.out.tfevents.*"):
            remove(stale)
        self.events = EventFile(folder)
        self.start = time.time() - (rows[-1]["seconds"] if rows else 0.0)
        self.hyperparameters = dict(hyperparameters)
        self.values: dict[str, dict[str, Summary.Value]] = {}  # by axis and column
        for row in rows:
            self.record(row)

    def record(self, row: Row) -> None:
        """Show one record; numbers that are not finite are left out."""
        if not self.values:  # the first record tells which measurements there are
            metrics = [tag(name) for name in measured(row)]
            self.events.add_summary(Summary(value=[columns([self.hyperparameters], metrics), *session(self.hyperparameters)]))
            for axis, tagged in (("examples", tag), ("step", "vs_step/{}".format)):
                self.values[axis] = {name: Summary.Value(tag=tagged(name)) for name in row if name not in AXES}
        when = self.start + row["seconds"]
        for axis, values in self.values.items():  # one event for all curves costs a fifth of one for each
            shown = [name for name in values if math.isfinite(row[name])]
            for name in shown:
                values[name].simple_value = row[name]
            self.events.add_summary(Summary(value=[values[name] for name in shown]), int(row[axis]), walltime=when)

    def close(self) -> None:
        self.events.close()
