"""Draw a study's curves: `python scripts/figure.py outputs/<study> [FILE.png]`.

Training loss over examples, one panel a batch mode, one colour an optimizer: the median over seeds, and every seed faintly
behind it. The figure at the head of the README is

    python train.py -m study=readme optimizer=sgd,momentum,adam,muon batch=full,mini,stochastic seed=1,2,3
    python scripts/figure.py outputs/readme docs/figures/readme.png
"""

import argparse
import sys
from pathlib import Path

import matplotlib as mpl
import pandas as pd

from descent.records import result

mpl.use("Agg")
import matplotlib.pyplot as plt

# Okabe and Ito's palette, which colour-blind readers tell apart too.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#F0E442", "#000000")


def load(study: Path) -> pd.DataFrame:
    """Return the records of all finished runs of a study, one row a record."""
    curves = []
    for path in sorted(study.glob("*/*/*/*/result.json")):
        found = result.read(path)
        curve = pd.read_csv(path.with_name("curve.csv"))
        curves.append(curve.assign(**{name: found[name] for name in ("problem", "batch", "optimizer", "batch_size", "seed")}))
    if not curves:
        sys.exit(f"error: {study} holds no finished run. Train some: python train.py -m study={study.name} optimizer=sgd,adam")
    return pd.concat(curves, ignore_index=True)


def plot(frame: pd.DataFrame) -> plt.Figure:
    """Draw the training loss over examples, for one problem."""
    modes = [mode for mode in ("full", "mini", "stochastic") if mode in set(frame["batch"])]
    colours = dict(zip(sorted(frame["optimizer"].unique()), COLOURS * 9, strict=False))
    figure, axes = plt.subplots(
        1, len(modes), figsize=(4 * len(modes), 3.4), sharex=True, sharey=True, squeeze=False, layout="constrained"
    )
    for axis, mode in zip(axes[0], modes, strict=True):
        shown = frame[(frame["batch"] == mode) & (frame["examples"] > 0)]
        for optimizer, colour in colours.items():
            runs = shown[shown["optimizer"] == optimizer]
            for _, run in runs.groupby("seed"):
                axis.plot(run["examples"], run["train/loss"], color=colour, alpha=0.25, linewidth=0.8)
            median = runs.groupby("examples")["train/loss"].median()
            axis.plot(median.index, median, color=colour, linewidth=1.8, label=optimizer)
        size = {"full": "all examples a step", "stochastic": "1 example a step"}.get(mode)
        size = size or f"{frame[frame['batch'] == mode]['batch_size'].iloc[0]:g} examples a step"
        axis.set(xscale="log", yscale="log", xlabel="training examples processed", title=f"{mode}: {size}")
        axis.grid(alpha=0.3, which="both", linewidth=0.4)
    axes[0][0].set_ylabel("training loss")
    axes[0][-1].legend(frameon=False)
    seeds = frame["seed"].nunique()
    figure.suptitle(f"{frame['problem'].iloc[0]}, default learning rates; median of {seeds} seeds, each seed faint")
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path)
    parser.add_argument("file", type=Path, nargs="?", help="where the figure goes; default: <study>/curves.png")
    given = parser.parse_args()
    file = given.file or given.study / "curves.png"
    frame = load(given.study)
    file.parent.mkdir(parents=True, exist_ok=True)
    plot(frame[frame["problem"] == frame["problem"].iloc[0]]).savefig(file, dpi=150)
    print(file)


if __name__ == "__main__":
    main()
