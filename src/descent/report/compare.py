"""Compare the runs of a study, and write the report: page, tables, figures and what TensorBoard shows."""

from dataclasses import dataclass
from pathlib import Path

from descent.analysis.load import Study, load
from descent.analysis.verdicts import Verdicts, judge
from descent.outside import output, safe_name
from descent.plots import figures
from descent.records.folders import REPORT
from descent.report import page, tensorboard


@dataclass(frozen=True)
class Comparison:
    """The result of comparing a study, and where it is written.

    Attributes:
        study: the runs, and what was skipped of them.
        outcome: rankings and verdicts.
        report: the page.
        medians: the folder that TensorBoard shows medians from; None where it was not asked for.
        faults: the files of your own whose figures are missing, as they raised, and what they raised.
    """

    study: Study
    outcome: Verdicts
    report: Path
    medians: Path | None
    faults: list[tuple[Path, str]]


def compare(folder: Path | str, metric: str | None = None, events: bool = True, figures_folder: Path | None = None) -> Comparison:
    """Rank the optimizers of a study, test their differences, and write the report into the study's folder.

    Reads result files only, at any time, also while the study runs.

    Args:
        folder: of the study.
        metric: test only this one, as ``val/accuracy``; None: the problem's own, and describe the validation metric.
        events: write what TensorBoard shows.
        figures_folder: a folder with figures of your own: each file has ``plot(study) -> Figure``, see `descent.plots.figures`.

    Raises:
        InputError: there is no such study or metric, or the report cannot be written.
    """
    study = load(Path(folder))
    drawings = {safe_name(name): drawing for name, drawing in figures.known(study, figures_folder).items()}
    result = judge(study, metric)
    report = study.folder / REPORT
    with output("study", folder):
        drawn, faults = figures.save(study, report / "figures", figures_folder)
        written = page.write(result, drawn, drawings)
        medians = tensorboard.write(study, _verdict_first(result), _images(drawn, report / "figures"), report) if events else None
    return Comparison(study, result, written, medians, faults)


def write_medians(folder: Path) -> Path:
    """Write what TensorBoard shows of a study, without verdict and figures; return its folder.

    Raises:
        InputError: there is no such study, or no result in it.
    """
    return tensorboard.write(load(folder), {}, {}, folder / REPORT)


def _verdict_first(outcome: Verdicts) -> dict[str, list[str]]:
    """Return the sentences of a comparison by subject: first each verdict, then its caveats."""
    sentences = outcome.sentences
    about = list(sentences)[: len(outcome.verdicts)]
    caveats = {name: lines[name in about :] for name, lines in sentences.items()}
    verdicts = [*outcome.headline, *(f"{name}: {sentences[name][0]}" for name in about)]
    return {"Verdict": verdicts} | {name: lines for name, lines in caveats.items() if lines}


def _images(drawn: list[Path], folder: Path) -> dict[str, bytes]:
    """Return each figure by its name: the GIF of those that move, of the others a PNG of a size that TensorBoard shows."""
    moving = {path.with_suffix("") for path in drawn if path.suffix == ".gif"}
    images = {}
    for path in drawn:
        if path.suffix == (".gif" if path.with_suffix("") in moving else ".png"):
            name = path.relative_to(folder).with_suffix("").as_posix()
            images[name] = path.read_bytes() if path.suffix == ".gif" else figures.small(path.read_bytes())
    return images
