"""Drop the target of a problem where a run changes what it was found for: data, model or loss."""

import logging
from functools import cache
from pathlib import Path
from typing import Any

from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

from descent.config.schema import Problem, Target
from descent.config.targets import declared, factory
from descent.config.values import is_folder

log = logging.getLogger(__name__)


def own_target(problem: Problem, name: str) -> Target | None:
    """Return the target of a run, None where its yaml has it for other arguments; a target that was typed stays.

    Args:
        problem: as it was composed.
        name: of its yaml.
    """
    if problem.target is None:
        return None
    written = _written(name, _sources())
    if written.get("target") != problem.target.model_dump():
        return problem.target
    others = [key for key, value in written.items() if key in problem.arguments and problem.arguments[key] != value]
    if others:
        types = declared(factory("problem", problem.factory))
        others = [key for key in others if not is_folder(types.get(key))]
    if not others:
        return problem.target
    before = ", ".join(f"{key}={written[key]}" for key in others)
    if HydraConfig.get().runtime.choices.get("experiment") is None:  # whose question is another one
        _tell(f"No time to target: that of problem={name} is for {before}. Set problem.target to have one.")
    return None


def _sources() -> tuple[str, ...]:
    hydra = GlobalHydra.instance()
    sources = hydra.config_loader().get_sources() if hydra.is_initialized() else []
    return tuple(source.path for source in sources if source.scheme() == "file")


@cache
def _written(name: str, folders: tuple[str, ...]) -> dict[str, Any]:
    """Return what the yaml of a problem holds; its first one in the folders."""
    for folder in folders:
        path = Path(folder.removeprefix("file://")) / "problem" / f"{name}.yaml"
        if path.is_file():
            content = OmegaConf.to_container(OmegaConf.load(path), resolve=False)
            return {str(key): value for key, value in content.items()} if isinstance(content, dict) else {}
    return {}


@cache
def _tell(text: str) -> None:
    """Tell once: the runs of a sweep share it."""
    log.info(text)
