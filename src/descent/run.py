"""One run: a pure function of its typed configuration."""

import os
import shutil
import time
from pathlib import Path

from descent.config.identity import identity, key, place
from descent.config.schema import RunConfig
from descent.records import result as results
from descent.records.lock import Busy, held
from descent.records.result import Result

POLL = 0.5  # seconds between two looks at what another process is doing


def run(config: RunConfig, wait: bool = True) -> Result:
    """Train a run, or continue it, or find it finished; return its result.

    A run's folder is a function of what determines its result, so the same settings find it again.

    Args:
        config: the run's settings.
        wait: for another process that is training this run, and take its result.

    Raises:
        InputError: a setting that cannot work; nothing was written.
        Busy: another process is training this run, and `wait` is False.
        KeyboardInterrupt: Ctrl-C; repeating the command continues the run.
    """
    from descent.display import loading, say, show, warn

    with loading("PyTorch"):
        from descent import build
        from descent.config.targets import resolve
        from descent.training import train

    config = resolve(config)
    who = identity(config, build.device(config))
    final = place(config, who)
    rerun = config.rerun
    if not rerun:
        found = results.status(final)
        broken = results.damaged(final) if found in results.STATUSES else None
        if broken:
            warn(f"{broken} is damaged; the run is trained again.")
            rerun = True
        elif found in results.STATUSES:
            result = results.read(final / "result.json")
            say("This run is finished; here is its result again (rerun=true trains it anew).\n")
            show(result, final, config.folder)
            return result
        elif found == "damaged":
            warn(f"{final / 'result.json'} cannot be used; the run is trained again.")

    folder = final.with_name(f"{final.name}.rerun") if rerun and final.exists() else final
    try:
        result = train(config, who, key(who), folder)
    except Busy:
        if not wait:
            raise
        say("Another process is training this run. Waiting for it.")
        while held(folder):
            time.sleep(POLL)
        return run(config.model_copy(update={"rerun": False}))
    if folder != final:
        _replace(folder, final)
    show(result, final, config.folder)
    return result


def _replace(new: Path, old: Path) -> None:
    """Put a complete new folder in the place of an old one."""
    aside = old.with_name(f"{old.name}.old")
    shutil.rmtree(aside, ignore_errors=True)
    os.replace(old, aside)
    os.replace(new, old)
    shutil.rmtree(aside)
