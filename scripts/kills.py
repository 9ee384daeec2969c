"""Kill runs and sweeps by every signal, with every engine and launcher: `python scripts/kills.py [--write docs/accuracy.md]`.

Each study is killed again and again while it trains, by a signal to its first process or to all of them, and started anew; what
it comes to is compared with an undisturbed one, bit for bit.
"""

import tempfile
import time
from pathlib import Path
from typing import get_args

from checks import page
from checks.kills import KILLS, Case, kill, lines
from rich.console import Console

from descent.config.flags import Parser, leave_with, require_file_to_write
from descent.config.schema import RunConfig
from descent.config.values import Count, File

ENGINES = get_args(RunConfig.model_fields["engine"].annotation)
LAUNCHERS = {"none": 3, "basic": 2, "joblib": 1, "submitit_local": 1}  # how often all kills: workers pay for their imports
TEXT = """
{kills} times a study was killed while it trained, by a signal to its first process alone and to its whole process group, and
started again. `continued`: runs that a kill left with a checkpoint. Then all is compared with an undisturbed study, bit for bit.
`results lost`: finished ones that a kill changed. `wrong ends`: another exit status than 128 + the signal's number, or more than
one line on the error stream. `left behind`: processes that went on. `python scripts/kills.py --write docs/accuracy.md` writes
this section.
"""


def main() -> int:
    parser = Parser(__doc__)
    parser.add("--write", File, help="write the table to this file too, as its last section")
    parser.add("--rounds", Count, default=1, help="of kills by all signals, for each engine and launcher")
    arguments = parser.read()
    if arguments.write:
        require_file_to_write("--write", arguments.write)
    out, begun = Console(highlight=False), time.perf_counter()
    cases: list[Case] = []
    with tempfile.TemporaryDirectory() as folder:
        for launcher, rounds in LAUNCHERS.items():
            for engine in ENGINES:
                done = kill(launcher, engine, KILLS * (rounds * arguments.rounds), Path(folder, f"{launcher}-{engine}"))
                cases.append(done)
                out.print(list(lines(cases))[-1], *done.misled, sep="\n", soft_wrap=True, markup=False)
    kills = sum(sum(done.kills.values()) for done in cases)
    out.print(f"\n{kills} kills; {time.perf_counter() - begun:.0f} s")
    if arguments.write:
        page.write(arguments.write, page.KILLS, f"{page.KILLS}{TEXT.format(kills=kills)}\n" + "\n".join(lines(cases)) + "\n")
    return 0 if all(done.holds for done in cases) else 1


if __name__ == "__main__":
    leave_with(main)
