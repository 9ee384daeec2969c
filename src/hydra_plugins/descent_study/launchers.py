"""Hydra's launchers, with a study's needs filled in where the command line leaves them open."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn
from hydra_plugins.hydra_joblib_launcher import joblib_launcher
from hydra_plugins.hydra_joblib_launcher._core import process_joblib_cfg
from hydra_plugins.hydra_submitit_launcher import submitit_launcher
from hydra_plugins.hydra_submitit_launcher.config import BaseQueueConf
from joblib import Parallel, delayed
from omegaconf import DictConfig, OmegaConf

from descent import stopping
from descent.machine import blocked, cores

POLL = 0.02  # seconds between two looks at one job's state
PREFIX = ".submitit-"  # of the folder of logs and pickled jobs
GPUS = ("gpus_per_node", "gpus_per_task", "gres")  # what asks Slurm for GPUs


def kind(launcher: DictConfig) -> str:
    """Return ``basic``, ``joblib``, ``local``, ``slurm`` or ``ray``."""
    return str(launcher._target_).rpartition(".")[2].removesuffix("Launcher").lower()


def around(hydra: DictConfig) -> bool:
    """Return whether Hydra is asked for something around each job: a callback, a variable, a folder or a log."""
    handlers = (hydra.job_logging or {}).get("handlers")
    return bool(hydra.callbacks or hydra.job.env_set or hydra.job.chdir or hydra.output_subdir or handlers)


def hand_over(launcher: DictConfig, work: Callable[[Any], Any], runs: Iterable[Any]) -> list[Any]:
    """Do some work for each run, here or by joblib; Hydra's own launchers would compose and copy each one's settings again."""
    if kind(launcher) == "basic":
        return [work(run) for run in runs]
    settings = {str(name): value for name, value in launcher.items() if name != "_target_"} | {"backend": "loky"}
    process_joblib_cfg(settings)
    with blocked(stopping.SIGNALS):  # see JoblibLauncher
        done: list[Any] = Parallel(**settings)(delayed(work)(run) for run in runs)
    return done


def elsewhere(launcher: DictConfig) -> str | None:
    """Return what ``trainer=auto`` means on the machines of a cluster, gpu where the launcher asks for one, else cpu.

    None: the runs are trained on this machine.
    """
    if kind(launcher) == "slurm":
        return "gpu" if any(launcher.get(name) for name in GPUS) else "cpu"
    if kind(launcher) == "ray" and (launcher.ray.init.address or os.environ.get("RAY_ADDRESS", "local")) != "local":
        return "gpu" if launcher.ray.remote.get("num_gpus") else "cpu"
    return None


def require(launcher: DictConfig) -> None:
    """Refuse Slurm where it is not installed.

    Raises:
        InputError: Slurm's commands are missing.
    """
    from descent.errors import InputError

    if kind(launcher) == "slurm" and not (shutil.which("sbatch") and shutil.which("srun")):
        raise InputError(
            "hydra/launcher", "submitit_slurm", "finds no sbatch and srun here", "Run it where Slurm is, or take joblib."
        )


def start(launcher: DictConfig) -> None:
    """Start Ray, if it is the launcher, and restore our signal handlers: Ray's end this process without a message."""
    if kind(launcher) == "ray":
        from hydra_plugins.hydra_ray_launcher._launcher_util import start_ray

        start_ray(launcher.ray.init)
        stopping.listen_again()


def complete(launcher: DictConfig, threads: int, gpu: bool, study: Path) -> None:
    """Set what the command line leaves open.

    As many processes at a time as the cores allow, available // threads; of Slurm and Ray, the cores and the GPU that a run
    needs; logs and pickled jobs in the study's folder.

    Args:
        launcher: its configuration, which is changed.
        threads: of a run.
        gpu: whether runs want a GPU.
        study: the folder, which exists.
    """
    available = cores()
    name = kind(launcher)
    if name == "joblib" and launcher.n_jobs == -1:
        launcher.n_jobs = max(1, available // threads)
    if name in ("joblib", "local", "slurm"):
        launcher._target_ = f"{__name__}.{launcher._target_.rpartition('.')[2]}"
    if name in ("local", "slurm"):
        launcher.cpus_per_task = launcher.cpus_per_task or threads
        if _raw(launcher, "submitit_folder") == BaseQueueConf.submitit_folder:
            launcher.submitit_folder = tempfile.mkdtemp(prefix=PREFIX, dir=study)
    if name == "slurm" and gpu and elsewhere(launcher) == "cpu":
        launcher.gpus_per_node = 1
    if name == "ray":
        os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")  # or `uv run` starts each worker anew
        cluster = elsewhere(launcher) is not None
        init = {"log_to_driver": False, "logging_level": "error"}
        if not cluster:
            launcher.ray.init.address = "local"  # and not what another program may have started here
            init |= {"num_cpus": available, "include_dashboard": False}
        task: dict[str, float] = {"num_cpus": threads if cluster else min(threads, available)}
        if gpu:
            task["num_gpus"] = 1 if cluster else _share(available // threads)
        for config, values in ((launcher.ray.init, init), (launcher.ray.remote, task)):
            for key, value in values.items():
                config.setdefault(key, value)


def _share(processes: int) -> float:
    """Return the part of a GPU of this machine that one of so many processes gets."""
    import torch

    return min(1.0, torch.cuda.device_count() / max(1, processes))


def _raw(config: DictConfig, name: str) -> Any:
    return OmegaConf.to_container(config)[name]  # type: ignore[call-overload,index]


def tidy(launcher: DictConfig) -> None:
    """Remove the logs and pickled jobs of a sweep in which nothing went wrong."""
    folder = Path(launcher.get("submitit_folder", ""))
    if folder.name.startswith(PREFIX):
        shutil.rmtree(folder, ignore_errors=True)


class JoblibLauncher(joblib_launcher.JoblibLauncher):  # type: ignore[misc]
    """Hold signals back while workers import: one that died would end the others."""

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        with blocked(stopping.SIGNALS):  # they reach another thread, and Python lets this one, which polls, handle them
            return super().launch(job_overrides, initial_job_idx)


class _Patient(submitit_launcher.BaseSubmititLauncher):  # type: ignore[misc]
    """Wait for every job before reporting one that died; Hydra's own leaves the others queued."""

    @property
    def at_once(self) -> int | None:
        """Jobs at a time; None: all of them, as one array."""
        return None

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        import submitit

        general = OmegaConf.structured(BaseQueueConf)
        params = {name if name in general else f"{self._EXECUTOR}_{name}": value for name, value in self.params.items()}
        init = {name: params.pop(name) for name in ("slurm_max_num_timeout",) if name in params}
        executor = submitit.AutoExecutor(params.pop("submitit_folder"), cluster=self._EXECUTOR, **init)
        executor.update_parameters(**params)
        state = Singleton.get_state()
        waiting = [
            (list(overrides), "hydra.sweep.dir", index, f"job_id_for_{index}", state)
            for index, overrides in enumerate(job_overrides, initial_job_idx)
        ]
        jobs: list[Any] = []
        running: list[Any] = []
        try:
            while waiting or running:
                free = (self.at_once or len(waiting)) - len(running)
                if waiting and free > 0:
                    with _errors_to(executor.folder / "controllers.log"), blocked(stopping.SIGNALS):
                        started = executor.map_array(self, *zip(*waiting[:free], strict=True))
                    jobs, running, waiting = jobs + started, running + started, waiting[free:]
                time.sleep(POLL * len(running))
                running = [job for job in running if not job.done()]
        except KeyboardInterrupt:
            for job in running:
                job.cancel(check=False)
            raise
        return [job.results()[0] for job in jobs]


@contextmanager
def _errors_to(path: Path) -> Iterator[None]:
    """Let the processes that start meanwhile write their errors to a file: submitit's own print a traceback at Ctrl-C."""
    path.parent.mkdir(parents=True, exist_ok=True)
    terminal = os.dup(2)
    try:
        with open(path, "a") as file:
            os.dup2(file.fileno(), 2)
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)


class SlurmLauncher(_Patient, submitit_launcher.SlurmLauncher):  # type: ignore[misc]
    """One array of jobs."""


class LocalLauncher(_Patient, submitit_launcher.LocalLauncher):  # type: ignore[misc]
    """A process for each job, as many as the cores allow. They see the GPUs that this one sees: submitit would hide them."""

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self.devices = os.environ.get("CUDA_VISIBLE_DEVICES")

    @property
    def at_once(self) -> int:
        return max(1, cores() // self.params["cpus_per_task"])

    def __call__(self, *arguments: Any) -> JobReturn:
        if not self.params.get("gpus_per_node"):
            os.environ.pop("CUDA_VISIBLE_DEVICES")
            if self.devices is not None:
                os.environ["CUDA_VISIBLE_DEVICES"] = self.devices
        return super().__call__(*arguments)
