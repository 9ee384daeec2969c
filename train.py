"""Train one run, or with -m a sweep of them: `python train.py optimizer=adam`. `--help` lists every choice."""

import sys
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf


@hydra.main(config_path="conf", config_name="config", version_base="1.3")
def main(config: DictConfig) -> None:
    settings: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    if HydraConfig.get().mode == RunMode.MULTIRUN:
        from descent.study import work

        work(settings)
        return

    from descent.errors import InputError
    from descent.run import run  # not before a run starts, so that --help answers at once

    try:
        if experiment := HydraConfig.get().runtime.choices.get("experiment"):
            raise InputError(
                "experiment", experiment, "is a study, not a single run", f"Use python train.py -m experiment={experiment}."
            )
        run(settings)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt as stopped:
        print(stopped.args[0] if stopped.args else "Stopped.", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
