"""A page for each optimizer that has a text and figures: from these, its yaml and its search ranges.

The text says what an optimizer does, when it fails and who found it. It is the docstring of its class in the house; where
there is none, as of what only torch has, a file in `texts/`, in the same form. The figures are of runs on two surfaces; a data
file beside them holds the learning rates that were chosen: what it lists has a page, and no optimizer needs one.
"""

import inspect
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import pandas as pd
from hydra.utils import get_object

from descent.analysis import load
from descent.analysis.load import Study
from descent.analysis.selection import candidates
from descent.config.compose import compose
from descent.config.search_space import Range, search_space
from descent.from_scratch.optimizers import OPTIMIZERS, like_torch
from descent.plots.figures import trajectories, write
from descent.training.run import run
from pages.base import CONF, DOCS, FIGURES, ROOT, keep, names, prose, values

FOLDER = DOCS / "optimizers"
FAILURES = "tests/optimizers/test_failures.py"
STUDY = "trajectories"
SURFACES = ("rosenbrock", "himmelblau")
RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10)  # each optimizer takes those in its search space
CLIMB = 100  # times its start that the loss of a run may reach, where its learning rate is to be chosen
SEEDS = (1, 2, 3)
STEPS = 400
SETTINGS = ("batch=full", f"epochs={STEPS}", "problem.start_spread=0.3", "records.growth=1.02", "logger=csv")  # of the runs
PLAIN = "sgd"  # what each is drawn beside
NOTATION = (
    "In the equations w are the weights (W where they are a matrix) and g_t or G_t is the gradient of the batch at step "
    "t = 1, 2, ...; powers and roots are taken weight by weight."
)
TEXTS = Path(__file__).parent / "texts"
RATES_FILE = FIGURES / "optimizers" / "rates.json"
SCALES = {"linear": "linear", "log": "log", "log_one_minus": "log, of 1 - value"}
Chosen = dict[str, dict[str, float]]  # from surfaces to the learning rates of the optimizers in their figure


@dataclass(frozen=True)
class Text:
    """What is said of an optimizer.

    Attributes:
        sentence: what it does.
        body: its equations, in blocks, and what follows from them.
        fails: when it does.
        source: who found it, where.
    """

    sentence: str
    body: str
    fails: str
    source: str


def ours(name: str) -> type | None:
    """Return the class of an optimizer in the house, if there is one."""
    settings = values("optimizer", name)
    path = settings.pop("_target_")
    package, _, target = path.rpartition(".")
    by_hand = OPTIMIZERS.get(like_torch(target, settings)[0])
    if by_hand is not None and by_hand.package == package:
        return by_hand
    made = None if package == "torch.optim" else get_object(path)
    return made if isinstance(made, type) else None


def by_hand(name: str) -> bool:
    """Return whether the optimizer is written by hand: `engine=numpy` and `engine=compiled` have it."""
    return ours(name) in OPTIMIZERS.values()


def in_order() -> list[str]:
    """Return the optimizers: ours in order of increasing complexity, then the others."""
    known = list(OPTIMIZERS.values())
    return sorted(chosen(), key=lambda name: known.index(ours(name)) if by_hand(name) else len(known))


def documented() -> list[str]:
    """Return the optimizers that have a text."""
    return [name for name in names("optimizer") if _source(name)]


def chosen() -> dict[str, Chosen]:
    """Return the learning rates of the figures that are drawn, by optimizer."""
    rates: dict[str, Chosen] = json.loads(RATES_FILE.read_text()) if RATES_FILE.exists() else {}
    return rates


def choose(name: str, rates: Chosen) -> None:
    """Keep the learning rates of an optimizer's figures beside them."""
    RATES_FILE.parent.mkdir(parents=True, exist_ok=True)
    RATES_FILE.write_text(json.dumps(dict(sorted((chosen() | {name: rates}).items())), indent=1) + "\n")


def _source(name: str) -> str:
    """Return the text of an optimizer; empty where it has none."""
    if (path := TEXTS / f"{name}.txt").exists():
        return path.read_text()
    try:
        made = ours(name)
    except ImportError:  # its package is not installed
        return ""
    text = inspect.cleandoc(made.__doc__ or "") if made else ""
    return text if "\nFails: " in text and "\nSource: " in text else ""


def read(name: str) -> Text:
    """Return what is said of an optimizer."""
    text = _source(name)
    parts = re.split(r"^([A-Z]\w+):(?=\s)", f"Body: {text}", flags=re.M)[1:]
    sections = dict(zip(parts[::2], parts[1::2], strict=True))
    sentence, _, body = sections["Body"].strip().partition("\n")
    fails, source = (_linked(prose(_sentence(sections.get(title, "")))) for title in ("Fails", "Source"))
    return Text(_sentence(sentence), _linked("\n\n".join(_blocks(body))), fails, source)


def _sentence(text: str) -> str:
    """Return a text with a capital at its beginning and a full stop at its end."""
    text = text.strip()
    return text[:1].upper() + text[1:] + "." * (not text.endswith("."))


def _linked(text: str) -> str:
    """Let the classes that a text names, outside of blocks, lead to their pages."""
    made = {owner.__name__: name for name in chosen() if (owner := ours(name)) and owner.__name__.lower() == name}
    parts = re.split(r"(^```text\n.*?^```$)", text, flags=re.M | re.S)
    parts[::2] = [re.sub(r"(?<!`)`(\w+)`(?!`)", lambda m: _link(m[1], made.get(m[1])), part) for part in parts[::2]]
    return "".join(parts)


def _link(shown: str, page: str | None) -> str:
    return f"[`{shown}`]({page}.md)" if page else f"`{shown}`"


def _blocks(body: str) -> Iterator[str]:
    """Yield paragraphs, and what is indented as a block."""
    for block in re.findall(r"(?:^    .*\n?|^\n(?=    ))+|(?:^\S.*\n?)+", body, re.M):
        if block.strip() and block.lstrip("\n").startswith(" "):
            yield f"```text\n{inspect.cleandoc(block)}\n```"
        elif block.strip():
            yield prose(re.sub(r"::$", ":", block.strip()))


def settings(name: str) -> str:
    """Return the settings of an optimizer with their comments, as its yaml has them."""
    lines = (CONF / "optimizer" / f"{name}.yaml").read_text().splitlines()
    return "\n".join(line for line in lines if not line.startswith(("#", "_target_")))


def shown(rates: Chosen) -> str:
    """Return in words which learning rates were chosen."""
    return "; ".join(
        f"on {surface} {' and '.join(f'{optimizer} {rate:g}' for optimizer, rate in rates[surface].items())}"
        for surface in SURFACES
    )


def page(name: str, rates: Chosen) -> str:
    """Return the page of an optimizer; `rates` are the learning rates of its figures."""
    text = read(name)
    made = ours(name)
    rows = [f"| `{key}` | {_interval(usual)} | {SCALES[usual.scale]} |" for key, usual in search_space(name).items()]
    pictures = [f"![{name} on {surface}](../figures/optimizers/{name}_{surface}.png)" for surface in SURFACES]
    full = " batch=full epochs=200" if values("optimizer", name).get("full_batch") else ""
    commands = [f"python train.py optimizer={name}{full}"]
    commands += [f"{commands[0]} engine=numpy  # the same by hand"] if by_hand(name) else []
    tested = f"def test_{name}(" in (ROOT / FAILURES).read_text()
    places = [f"[`conf/optimizer/{name}.yaml`](../../conf/optimizer/{name}.yaml)"]
    if made:
        path = Path(inspect.getfile(made)).relative_to(ROOT)
        places.append(f"[`{path}`](../../{path})")
    return (
        "\n\n".join(
            [
                f"# {name}",
                text.sentence,
                "## Equation",
                prose(NOTATION),
                text.body,
                "## Hyperparameters",
                f"```yaml\n{settings(name)}\n```",
                prose(
                    "Where good values usually lie, for networks and for surfaces scaled to a curvature of about 1, and how a "
                    "search is spread over them:"
                ),
                "\n".join(["| setting | range | scale |", "|---|---|---|", *rows]),
                "## When it fails",
                text.fails,
                *([f"Shown by:\n\n```bash\npytest {FAILURES}::test_{name}\n```"] if tested else []),
                "## Train it",
                "```bash\n" + "\n".join(commands) + "\n```",
                "## Trajectories",
                "\n".join(pictures),
                prose(_caption(name)),
                f"Chosen: {shown(rates)}.",
                f"Its runs are trained by this, and the same with `problem={SURFACES[1]}`:",
                f"```bash\n{_command(name, SURFACES[0])}\n```",
                "## Source",
                text.source,
                f"Read on: {', '.join(places)}, [all optimizers](README.md).",
            ]
        )
        + "\n"
    )


def index() -> str:
    """Return the page that lists the optimizers."""
    rows = []
    for name in in_order():
        engines = "torch, numpy, compiled" if by_hand(name) else "torch"
        rows.append(f"| [`{name}`]({name}.md) | {_cell(read(name).sentence)} | {engines} |")
    return "\n\n".join(
        [
            "# Optimizers",
            prose(
                "One page each: the equation, the hyperparameters, when it fails, its source, and its way over two surfaces. "
                "`python scripts/docs.py` makes the pages from `conf/` and the docstrings of `src/descent/`, trains "
                "the runs and draws the figures; `tests/documents/test_pages.py` holds the pages against the sources."
            ),
            "\n".join(["| `optimizer=` | what it does | engines |", "|---|---|---|", *rows]),
            "All figures there are: [the gallery](../gallery.md).\n",
        ]
    )


def draw(name: str, studies: Path) -> Chosen:
    """Train what is missing for the figures of an optimizer, and draw them; return which learning rates were chosen."""
    beside = list(dict.fromkeys([PLAIN, name]))
    ids = {key for optimizer, surface in product(beside, SURFACES) for key in _train(optimizer, surface, studies)}
    study = load(studies / STUDY)
    rates: Chosen = {}
    for surface in SURFACES:
        runs = study.runs[(study.runs["problem"] == surface) & study.runs["id"].isin(ids)]
        part = replace(study, runs=_untied(_calm(study, runs)).reset_index(drop=True))
        figure = trajectories.plot(part, PLAIN if name != PLAIN else None)
        picture, _ = write(figure, studies / STUDY / "report" / f"{name}_{surface}")
        keep(picture, FIGURES / "optimizers" / f"{name}_{surface}.png")
        best = {unit.optimizer: float(unit.runs["lr"].iloc[0]) for unit in candidates(part)}
        rates[surface] = {optimizer: best[optimizer] for optimizer in beside}
    return rates


def _calm(study: Study, runs: pd.DataFrame) -> pd.DataFrame:
    """Return the runs at learning rates with which none climbs far above its start; else first jumps leave the picture."""
    gaps = {run["id"]: frame["train/gap"] for run, frame in study.curves(runs)}
    calm = {key: gap.max() <= CLIMB * gap.iloc[0] for key, gap in gaps.items()}
    kept = runs["id"].map(calm).groupby([runs["optimizer"], runs["lr"]]).transform("all")
    return runs[kept | ~kept.groupby(runs["optimizer"]).transform("any")]


def _untied(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the runs but for those of learning rates that end lowest as a smaller one does, at 0 perhaps."""
    ends = runs.groupby(["optimizer", "lr"])["final:train/gap"].transform("median")
    lowest = ends == ends.groupby(runs["optimizer"]).transform("min")
    smallest = runs["lr"].where(lowest).groupby(runs["optimizer"]).transform("min")
    return runs[~lowest | (runs["lr"] == smallest)]


def _train(optimizer: str, surface: str, studies: Path) -> list[str]:
    """Train an optimizer on a surface with each learning rate from each start, as `_command` does; return the runs' ids."""
    settings = compose("trainer=cpu", f"output_dir={studies}", f"study={STUDY}", *SETTINGS, *_overrides(optimizer, surface))
    ids = []
    for rate, seed in product(grid(optimizer), SEEDS):
        rates = settings.optimizer.arguments | dict.fromkeys(_rates(optimizer), rate)
        chosen = settings.model_copy(update={"seed": seed, "optimizer": settings.optimizer.with_arguments(rates)})
        ids.append(run(chosen).result.id)
    return ids


def grid(name: str) -> list[float]:
    """Return the learning rates that an optimizer is tried with: those in its search space."""
    space = search_space(name)
    usual = [space[key] for rate in _rates(name) if (key := f"optimizer.{rate}") in space]
    return [rate for rate in RATES if not usual or any(rate in limits for limits in usual)]


def _interval(usual: Range) -> str:
    also = f"{usual.also:g}, or " if usual.also is not None else ""
    return f"{also}{usual.low:g} to {usual.high:g}"


def _rates(name: str) -> list[str]:
    """Return the learning rates that an optimizer has: one, or one for each part of the weights."""
    return [key for key in values("optimizer", name) if key == "lr" or key.endswith("_lr")]


def _overrides(name: str, surface: str) -> list[str]:
    return [f"problem={surface}", f"optimizer={name}", *(["engine=numpy"] if by_hand(name) else [])]


def _command(name: str, surface: str) -> str:
    first, *others = _rates(name)
    rates = f"optimizer.{first}={','.join(f'{rate:g}' for rate in grid(name))}"
    lines = [
        ["python train.py -m", f"study={STUDY}", *_overrides(name, surface)],
        [*SETTINGS, f"seed={','.join(map(str, SEEDS))}"],
        [rates, *(f"'optimizer.{other}=${{optimizer.{first}}}'" for other in others)],
    ]
    return " \\\n    ".join(" ".join(line) for line in lines)


def _caption(name: str) -> str:
    what = "It is" if name == PLAIN else f"It and plain gradient descent, `{PLAIN}`, are each"
    return (
        f"{STEPS} steps with exact gradients from {len(SEEDS)} starts. {what} drawn at the usual learning rate that suits the "
        "surface: the one that ends lowest, in the median over the starts, of those at which no run climbs to more than "
        f"{CLIMB} times the loss of its start; of several that end alike, the smallest."
    )


def _cell(text: str) -> str:
    return text.replace("|", r"\|")
