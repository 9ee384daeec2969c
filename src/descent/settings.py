"""Compose a run's settings from `conf/`, for whoever is not started by Hydra's command line."""

from pathlib import Path
from typing import Any

from hydra import compose as compose_config
from hydra import initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf, open_dict


def compose(conf: Path, *overrides: str) -> dict[str, Any]:
    """Return what ``python train.py *overrides`` would run: the resolved configuration as plain Python values.

    Args:
        conf: the folder of `config.yaml`.
        overrides: as on the command line, ``optimizer=adam``, ``optimizer.lr=0.01``.
    """
    with initialize_config_dir(str(conf.resolve()), version_base="1.3"):
        config = compose_config("config", list(overrides), return_hydra_config=True)
    HydraConfig.instance().set_config(config)
    with open_dict(config):
        del config["hydra"]
    settings: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    return settings
