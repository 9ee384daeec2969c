"""Train one run, or with -m a sweep of them: `python train.py optimizer=adam`. `--help` lists every choice."""

import sys

import hydra
from omegaconf import DictConfig, OmegaConf


@hydra.main(config_path="conf", config_name="config", version_base="1.3")
def main(config: DictConfig) -> None:
    from descent.errors import InputError
    from descent.run import run  # not before a run starts, so that --help answers at once

    try:
        run(OmegaConf.to_container(config, resolve=True))  # type: ignore[arg-type]
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt as stopped:
        print(stopped.args[0] if stopped.args else "Stopped.", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
