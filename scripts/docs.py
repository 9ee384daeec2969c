"""Make the pages that are made from the sources, and their figures: `python scripts/docs.py`.

Writes `docs/optimizers/` (a page for each optimizer), `docs/choices.md` (a line for each choice), `docs/gallery.md` (each
experiment, a report's figures, trajectories) and their pictures in `docs/figures/`. Trains what is missing; a second call only
draws. `tests/documents/test_pages.py` holds the pages against what this would write.
"""

from pathlib import Path

from pages import choices, gallery, moving, optimizers, screen
from pages.base import names

from descent.config.flags import Parser, leave_with, require_folder, require_folder_to_write
from descent.config.values import File
from descent.errors import InputError, one_of
from descent.terminal.console import say

REPORT, PICTURES = "report", "pictures"  # what --only calls the figures of a report, and the pictures of the README


def pages() -> dict[Path, str]:
    """Return each page and what stands in it; what was measured lies in the data files beside the figures."""
    texts = {optimizers.FOLDER / "README.md": optimizers.index()}
    for name, rates in optimizers.chosen().items():
        texts[optimizers.FOLDER / f"{name}.md"] = optimizers.page(name, rates)
    texts[gallery.PAGE] = gallery.page(gallery.findings())
    texts[choices.PAGE] = choices.page()
    return texts


def main() -> int:
    parser = Parser(__doc__)
    parser.add(
        "--only", nargs="+", metavar="NAME", help=f"train and draw only these optimizers, experiments, {REPORT}, {PICTURES}"
    )
    parser.add("--studies", File, default=Path("outputs"), help="the folder of the studies; default: outputs")
    parser.add("--root", File, default=Path("data"), help="the folder that holds MNIST/raw; default: data")
    arguments = parser.read()
    known = [*optimizers.documented(), *names("experiment"), REPORT, PICTURES]
    chosen = arguments.only or known
    for name in chosen:
        if name in names("optimizer") and name not in known:
            remedy = f"Write scripts/pages/texts/{name}.txt, in the form of those beside it."
            raise InputError("--only", name, "has no text that its page could show", remedy)
        if name not in known:
            raise one_of("--only", name, known)
    require_folder_to_write("--studies", arguments.studies)
    if arguments.root != parser.get_default("root"):
        require_folder("--root", arguments.root, "that holds MNIST/raw")
    failed = 0
    for name in (name for name in optimizers.documented() if name in chosen):
        rates = optimizers.draw(name, arguments.studies)
        optimizers.choose(name, rates)
        say(f"optimizer   {name}: {optimizers.shown(rates)}")
    for name in (name for name in names("experiment") if name in chosen):
        try:
            say(f"experiment  {name}: {gallery.train(name, arguments.studies, arguments.root)}")
        except gallery.Failed as reason:
            say(f"experiment  {name}: left as it was; {reason}")
            failed += 1
    if REPORT in chosen:
        try:
            say(f"report      {gallery.draw(arguments.studies)}")
        except gallery.Failed as reason:
            say(f"report      left as it was; {reason}")
            failed += 1
    if PICTURES in chosen:
        say(f"pictures    {moving.PICTURE}: {moving.draw()}")
        try:
            say(f"pictures    {screen.draw(gallery.first(arguments.studies))}")
        except gallery.Failed as reason:
            say(f"pictures    of the page: left as it was; {reason}")
            failed += 1
    for path, text in pages().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return 1 if failed else 0


if __name__ == "__main__":
    leave_with(main)
