"""The sweeper of `hydra/sweeper=tuned`: each candidate is tuned with an equal budget, then trained on the final seeds."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra_plugins.descent_study import launchers
from hydra_plugins.descent_study.sweeper import StudySweeper


class TunedSweeper(StudySweeper):
    """Expand the sweep as `StudySweeper` does; each of its jobs is tuned by `descent.sweeps.tuning.tune`.

    Args:
        grids, experiment: of an experiment.
        protocol: trials, searches, final_seeds and baselines; see `tuning.Protocol`.
    """

    def __init__(
        self, grids: Sequence[Mapping[str, Any]] = (), experiment: Mapping[str, Any] | None = None, **protocol: Any
    ) -> None:
        super().__init__(grids, experiment)
        self.protocol = protocol

    def _sweep(self, arguments: list[str], experiment: str | None) -> int:
        from descent.config.check import check
        from descent.config.mistakes import explained
        from descent.errors import InputError
        from descent.sweeps.candidates import Protocol
        from descent.sweeps.tuned_sweep import tuned_sweep  # torch and all that only when there is something to sweep

        if experiment and any("seed" in grid for grid in self.grids):
            raise InputError("experiment", experiment, "is not tuned", "Leave out experiment or hydra/sweeper=tuned.")
        launchers.require(self.config.hydra.launcher)
        protocol = check("hydra.sweeper", self.protocol, Protocol)
        sources = self.config.hydra.runtime.config_sources
        folders = [Path(source.path) for source in sources if source.provider == "command-line"]
        elsewhere = launchers.elsewhere(self.config.hydra.launcher)
        with explained(arguments):
            jobs = self._jobs(arguments)
        return tuned_sweep(jobs, protocol, self._compose, self._launch, folders, elsewhere, experiment, self.target)
