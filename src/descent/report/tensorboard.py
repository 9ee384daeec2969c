"""The comparison in TensorBoard: medians and bands of each candidate and batch mode at once, the figures, the verdict.

What TensorBoard shows of it, below the folder of the report:

- ``tensorboard``: images, text, and the layout of the Custom Scalars tab; and in it
- ``tensorboard/<candidate> <batch mode>``: a run for each, below a folder for each problem where there are several. Its median
  is ``train/loss``, a chart of all batch modes, and ``train/loss/full``, a chart of its own. Of several settings, it is the one
  that stands for the candidate in the rankings. Never so many runs that TensorBoard would select none of them.
- ``settings/<problem>/<setting>``: a run for each setting with several runs, tagged as these are (``train/loss``), so that their
  median lies in the same chart where the whole study is shown.
"""

import math
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.custom_scalar.metadata import CONFIG_SUMMARY_TAG
from tensorboard.plugins.custom_scalar.metadata import create_summary_metadata as custom_scalars

from descent.analysis import selection
from descent.analysis.curves import band, having
from descent.analysis.load import Study, metric_of
from descent.analysis.selection import final
from descent.analysis.statistics import values
from descent.metrics import measured
from descent.outside import safe_name
from descent.plots.style import look
from descent.records.dashboard import columns, session, tag
from descent.records.folders import MEDIANS
from descent.records.result import Hyperparameters
from descent.records.tensorboard_internals import Event, Summary
from descent.report import event_files, thumbnails
from descent.report.event_files import event, string

BAND = "with_quartiles"  # the group of tags that hold the band; like that of the images after those of the medians
IMAGES, WIDE = "visual", "wide"  # as wide as TensorBoard shows them, and wider
EDGES = ("low", "median", "high")
FIRST = ("optimizer", "lr", "batch", "batch.size", "seeds")  # columns of HPARAMS
MOST = 39  # candidates: beyond 40 runs TensorBoard selects none by itself, and one run holds the text
LARGEST = float(np.finfo(np.float32).max)  # that TensorBoard can hold


def write(study: Study, verdict: Mapping[str, Sequence[str]], images: Mapping[str, bytes], report: Path) -> Path:
    """Write event files that show a comparison, and delete those of an earlier one.

    Args:
        verdict: sentences by subject.
        images: PNGs or GIFs, by name.
        report: the folder of the report; in that of the study, so that its runs are shown beside.

    Returns:
        A folder that TensorBoard shows well alone, too, however many runs there are.
    """
    folder, settings = report / MEDIANS, report / "settings"
    event_files.clear(folder)
    event_files.clear(settings)
    candidates = _candidates(study)
    event_files.write(folder, _about(candidates, verdict, images))
    for candidate in candidates:
        event_files.write(folder / candidate.folder, candidate.events())
    for (problem, _, name), runs in final(study).groupby(["problem", "setting", "name"], sort=False):
        if (records := study.records_of(runs))["run"].nunique() > 1:
            event_files.write(settings / safe_name(problem) / safe_name(name), _scalars(records, runs, lambda name: [tag(name)]))
    return folder


@dataclass(frozen=True)
class Candidate:
    """A candidate in a batch mode as a run of TensorBoard's.

    Attributes:
        records: of its runs.
        folder: of its events, within that of the medians.
        problem: what tags of all batch modes end with; empty where the study has one problem.
        mode: the batch mode, what tags of its charts end with.
        alone: the problem has no other batch mode.
        columns: what the runs of the problem measured, in the order of their charts.
    """

    chosen: selection.Candidate
    records: pd.DataFrame
    folder: Path
    problem: str
    mode: str
    alone: bool
    columns: list[str]

    def shared(self, column: str) -> str:
        """Return the tag of a median in the chart of all batch modes."""
        return tag(column) + self.problem

    def medians(self, column: str) -> list[str]:
        """Return the tags of a median: in the chart of all batch modes, and in that of its own where there are several."""
        return [self.shared(column), *([] if self.alone else [f"{self.shared(column)}/{self.mode}"])]

    def band(self, column: str) -> list[str]:
        """Return the tags of the edges of a band, and of the median between them."""
        return [f"{BAND}/{self.shared(column)}/{self.mode}/{edge}" for edge in EDGES]

    @property
    def hyperparameters(self) -> Hyperparameters:
        """Its row of HPARAMS."""
        candidate, lr = self.chosen, float(self.chosen.runs["lr"].median())
        chosen: Hyperparameters = {
            "optimizer": candidate.name,
            "batch": candidate.batch,
            "problem": candidate.problem,
            "seeds": self.records["run"].nunique(),
        }
        return chosen | {"batch.size": candidate.batch_size or None, "lr": lr if math.isfinite(lr) else None}

    def events(self) -> Iterator[Event]:
        """Yield hyperparameters, medians and bands."""
        yield event(time.time(), 0, session(self.hyperparameters))
        yield from _scalars(self.records, self.chosen.runs, self.medians, self.band)


def _candidates(study: Study) -> list[Candidate]:
    """Return at most `MOST` candidates: equally many of each batch mode, those with the best medians."""
    modes: dict[tuple[object, ...], list[selection.Candidate]] = {}
    for chosen in selection.candidates(study):
        modes.setdefault((chosen.problem, *chosen.panel), []).append(chosen)
    most = max(1, MOST // len(modes)) if len(selection.candidates(study)) > MOST else MOST
    several, candidates = len(study.problems) > 1, []
    for problem in study.problems:
        columns = sorted(measured(study.only(problem).metric_names), key=tag)
        by_mode = [sorted(drawn, key=_median)[:most] for (of, *_), drawn in modes.items() if of == problem]
        for chosen in chain(*by_mode):
            size = [f"{chosen.batch_size:.0f}"] if chosen.batch_size else []
            mode = " ".join([chosen.batch, *size, *([chosen.group] if chosen.group else [])])
            folder = Path(*[safe_name(problem)] * several, safe_name(f"{chosen.name} {mode}"))
            records, shared = study.records_of(chosen.runs), f"/{_tagged(problem)}" * several
            candidates.append(Candidate(chosen, records, folder, shared, _tagged(mode), len(by_mode) == 1, columns))
    return candidates


def _median(candidate: selection.Candidate) -> float:
    """Return the median of the problem's metric; less is better."""
    name = candidate.runs["metric"].iloc[0]
    return -metric_of(candidate.runs, name).sign * float(values(candidate.runs, name).median())


def _about(candidates: Sequence[Candidate], verdict: Mapping[str, Sequence[str]], images: Mapping[str, bytes]) -> Iterator[Event]:
    """Yield the layout, columns, texts and images of the whole study, an event each."""
    now = time.time()
    yield event(now, 0, [string(CONFIG_SUMMARY_TAG, layout(candidates).SerializeToString(), custom_scalars())])
    metrics = dict.fromkeys(candidate.shared(column) for candidate in candidates for column in candidate.columns)
    yield event(now, 0, [columns([candidate.hyperparameters for candidate in candidates], metrics, FIRST)])
    if verdict:
        yield event(now, 0, [event_files.text("verdict", verdict)])
    if images:
        for name, picture in _pictures(candidates):
            yield event(now, 0, [event_files.image(f"{IMAGES}/{name}", picture)])
    for name, image in images.items():
        yield event(now, 0, [event_files.image(f"{WIDE}/{name}", image)])


def _pictures(candidates: Sequence[Candidate]) -> Iterator[tuple[str, bytes]]:
    """Yield pictures of medians and bands by name: one of each problem and batch mode, of the metric of the problem."""
    charts: dict[tuple[str, str], list[Candidate]] = {}
    for candidate in candidates:
        charts.setdefault((candidate.chosen.problem, candidate.mode), []).append(candidate)
    for (problem, mode), shown in charts.items():
        known = metric_of(shown[0].chosen.runs, shown[0].chosen.runs["metric"].iloc[0])
        lines = {}
        for candidate in shown:
            if len(records := having(candidate.records, known.name)):
                summary = band(records, candidate.chosen.runs, known.name, "examples", known.worst)
                lines[candidate.chosen.name] = look(candidate.chosen.optimizer), summary
        if lines:
            yield f"{_tagged(problem)} {mode}", thumbnails.draw(f"{mode}: {known.label}", known, lines)


def layout(candidates: Iterable[Candidate]) -> layout_pb2.Layout:
    """Return the Custom Scalars tab: for each metric a chart of each batch mode, with the candidates' medians and bands."""
    charts: dict[str, dict[str, layout_pb2.Chart]] = {}
    for candidate in candidates:
        for column in candidate.columns:
            low, median, high = candidate.band(column)
            band = layout_pb2.MarginChartContent.Series(value=median, lower=low, upper=high)
            chart = layout_pb2.Chart(title=f"{candidate.mode}: median and quartiles", margin={"series": [band]})
            charts.setdefault(candidate.shared(column), {})[candidate.mode] = chart
    return layout_pb2.Layout(
        category=[
            layout_pb2.Category(title=name, chart=reversed(modes.values()))  # TensorBoard shows the last chart first
            for name, modes in charts.items()
        ]
    )


def _scalars(
    records: pd.DataFrame,
    runs: pd.DataFrame,
    medians: Callable[[str], list[str]],
    band_of: Callable[[str], list[str]] = lambda _: [],
) -> Iterator[Event]:
    """Yield the medians and bands of some runs over examples, an event a record.

    Numbers that are not finite are left out, and bands that reach zero, which break on a log axis; but for metrics
    on a linear one. Of a band all three are, as a chart of bands draws none where they differ in length.

    Args:
        medians: from a column of the records to the tags of its median.
        band_of: to the tags of its band, from the lowest edge; empty: none is shown.
    """
    shown: dict[int, list[Summary.Value]] = {}
    for column in measured(records.columns[records.notna().any()]):
        known = metric_of(runs, column)
        summary = band(having(records, column), runs, column, "examples", known.worst)
        tags, edges = medians(column), band_of(column)
        for x, *numbers in zip(summary.x, summary.low, summary.median, summary.high, strict=True):
            finite = [abs(number) <= LARGEST for number in numbers]
            events = shown.setdefault(int(x), [])
            if finite[1]:
                events += [Summary.Value(tag=median, simple_value=numbers[1]) for median in tags]
            if edges and all(finite) and (numbers[0] > 0 or known.scale == "linear"):
                events += [Summary.Value(tag=edge, simple_value=number) for edge, number in zip(edges, numbers, strict=True)]
    for x, when in zip(sorted(shown), _clock(records, runs, sorted(shown)), strict=True):
        if shown[x]:
            yield event(when, x, shown[x])


def _clock(records: pd.DataFrame, runs: pd.DataFrame, examples: Sequence[int]) -> np.ndarray:
    """Return the times of records in seconds since the epoch, chosen so that TensorBoard's relative time is that of training."""
    if not examples:
        return np.empty(0)
    seconds = band(records, runs, "step", "seconds", math.inf).x
    known: Sequence[float] = examples  # the same records, unless some are not of all columns
    if len(known) != len(seconds):
        known = list(band(records, runs, "step", "examples", math.inf).x)
    spent = np.interp(examples, known, seconds)
    return time.time() - spent[-1] + spent


def _tagged(name: str) -> str:
    """Return a name as a part of a tag; TensorBoard colours no line whose tag has a bracket."""
    return re.sub(r"[/()]", "_", name)
