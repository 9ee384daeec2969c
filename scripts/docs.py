"""Make the pages that are made from the sources, and their figures: `python scripts/docs.py`.

Writes `docs/optimizers/` (a page for each optimizer), `docs/gallery.md` (each experiment, a report's figures, trajectories) and
their pictures in `docs/figures/`. Trains what is missing; a second call only draws. `tests/test_docs.py` holds the pages against
what this would write.
"""

import argparse
import sys
from pathlib import Path

from pages import gallery, optimizers
from pages.base import names

from descent.terminal.console import say

REPORT = "report"  # what --only calls the figures of a report


def pages(rates: dict[str, str] | None = None, said: dict[str, str] | None = None) -> dict[Path, str]:
    """Return each page and what stands in it; what was measured, where it is not given, is what the page says now.

    Args:
        rates: the learning rates that were chosen for an optimizer's figures.
        said: what an experiment found.
    """
    found = {optimizers.FOLDER / "README.md": optimizers.index()}
    for name in names("optimizer"):
        path = optimizers.FOLDER / f"{name}.md"
        found[path] = optimizers.page(name, (rates or {}).get(name) or optimizers.rates(_text(path)))
    found[gallery.PAGE] = gallery.page(gallery.said(_text(gallery.PAGE)) | (said or {}))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="NAME", help=f"train and draw only these optimizers, experiments, {REPORT}")
    parser.add_argument("--studies", type=Path, default=Path("outputs"), help="the folder of the studies; default: outputs")
    parser.add_argument("--root", type=Path, default=Path("data"), help="the folder that holds MNIST/raw; default: data")
    given = parser.parse_args()
    known = {*names("optimizer"), *names("experiment"), REPORT}
    chosen = set(given.only or known)
    if unknown := sorted(chosen - known):
        parser.error(f"--only {unknown[0]}: must be one of {', '.join(sorted(known))}")
    rates, said, failed = {}, {}, 0
    for name in (name for name in names("optimizer") if name in chosen):
        rates[name] = optimizers.draw(name, given.studies)
        say(f"optimizer   {name}: {rates[name]}")
    for name in (name for name in names("experiment") if name in chosen):
        try:
            said[name] = gallery.train(name, given.studies, given.root)
            say(f"experiment  {name}: {said[name]}")
        except gallery.Failed as reason:
            say(f"experiment  {name}: left as it was; {reason}")
            failed += 1
    if REPORT in chosen:
        try:
            say(f"report      {gallery.draw(given.studies)}")
        except gallery.Failed as reason:
            say(f"report      left as it was; {reason}")
            failed += 1
    for path, text in pages(rates, said).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return 1 if failed else 0


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
