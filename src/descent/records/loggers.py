"""Send records to Lightning's loggers: Weights & Biases, MLflow. They may fail; a run does not."""

import json
import logging
import math
import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import Logger, MLFlowLogger, WandbLogger

from descent.errors import first_line
from descent.records.curve import Row
from descent.records.dashboard import typed
from descent.records.lock import on_machine

log = logging.getLogger(__name__)
PATIENCE = 60  # seconds that a server has to take in the last records of a run


class LightningLogger:
    """Send each record once, under the names of curve.csv and over examples, also when a run is continued.

    The first error is logged and ends the logger: the run goes on, and curve.csv has everything.

    Args:
        name: as the user chose it, ``wandb``; the file <name>.json says which remote run this is, and how far it has got.
        folder: the run's.
        hyperparameters: of the run.
        rows: records of the run so far.
        make: makes Lightning's logger for a remote run, from its id or, for a new one, None.
        finish: closes the logger where Lightning does not.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        hyperparameters: Mapping[str, Any],
        rows: Sequence[Row],
        make: Callable[[str | None], Logger],
        finish: Callable[[Any], object] | None = None,
    ) -> None:
        self.name = name
        self.state = folder / f"{name}.json"
        self.finish = finish
        self.logger: Logger | None = None
        with self._going_on():
            saved = _read(self.state)
            self.sent = saved.get("step", -1)
            self.logger = make(saved.get("run"))
            if not saved:
                self.logger.log_hyperparams(typed(hyperparameters))
                self._remember()
        for row in rows:
            self.record(row)

    def record(self, row: Row) -> None:
        """Send one record, unless it was sent before; numbers that are not finite are left out."""
        if self.logger is None or row["step"] <= self.sent:
            return
        with self._going_on():
            finite = {name: value for name, value in row.items() if math.isfinite(value)}
            self.logger.log_metrics(finite, step=int(row["examples"]))
            self.sent = row["step"]
            self._remember()

    def close(self) -> None:
        if self.logger is not None:
            with self._going_on():
                self.logger.finalize("success")
                if self.finish is not None:
                    self.finish(self.logger)

    def _remember(self) -> None:
        assert self.logger is not None
        self.state.write_text(json.dumps({"run": self.logger.version, "step": self.sent}))

    @contextmanager
    def _going_on(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # of a package, a network, a server
            cause = f"{type(error).__name__}: {first_line(error)}"
            log.warning(f"logger={self.name} stopped ({cause}); the run goes on without it.")
            self.logger = None


def wandb(
    folder: Path, hyperparameters: Mapping[str, Any], rows: Sequence[Row], project: str, group: str, entity: str | None = None
) -> LightningLogger:
    """Send records to Weights & Biases; what it keeps on disk lies in the run's folder.

    Args:
        folder: the run's.
        hyperparameters: of the run.
        rows: records of the run so far.
        project: where the runs are shown.
        group: that they are shown in.
        entity: user or team (None: one's own).
    """
    os.environ.setdefault("WANDB_SILENT", "true")  # the terminal is ours

    def make(run: str | None) -> Logger:
        import wandb as package

        # Not left to WandbLogger, which hands on an argument that wandb warns of.
        experiment = package.init(
            project=project,
            group=group,
            entity=entity,
            name=_name(folder),
            id=run or f"{_name(folder)[-8:]}-{secrets.token_hex(4)}",
            resume="allow",
            dir=folder,
            settings=package.Settings(silent=True, console="off", finish_timeout=PATIENCE, finish_timeout_raises=True),
        )
        experiment.define_metric("*", step_metric="examples")
        return WandbLogger(experiment=experiment)

    return LightningLogger("wandb", folder, hyperparameters, rows, make, lambda logger: logger.experiment.finish())


def mlflow(
    folder: Path, hyperparameters: Mapping[str, Any], rows: Sequence[Row], experiment: str, tracking_uri: str | None = None
) -> LightningLogger:
    """Send records to MLflow.

    Args:
        folder: the run's.
        hyperparameters: of the run.
        rows: records of the run so far.
        experiment: that the runs are shown in.
        tracking_uri: where MLflow keeps them (None: where it does by itself).
    """

    def make(run: str | None) -> Logger:
        import mlflow as package

        for name in ("mlflow", "alembic", "lightning.pytorch"):  # the terminal is ours
            logging.getLogger(name).setLevel(logging.ERROR)
        uri = tracking_uri or package.get_tracking_uri()
        with on_machine("mlflow"):  # two processes that made the database, or the experiment, at once would both fail
            logger = MLFlowLogger(experiment, run_name=_name(folder), tracking_uri=uri, run_id=run)
            logger.experiment  # noqa: B018
        return logger

    return LightningLogger("mlflow", folder, hyperparameters, rows, make)


def _name(folder: Path) -> str:
    """Return a run's folder within its study, as TensorBoard shows it."""
    return str(folder.relative_to(folder.parents[3])).removesuffix(".rerun")


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
