"""Tuning with equal budgets: the same sampled settings for every optimizer, the best on fresh seeds, then the final runs.

A search has three stages. *trial*: each candidate is trained at the settings that the same scrambled Halton points stand for
in its own search space, all on one seed. *selection*: its `FINALISTS` best settings on `SELECTION` fresh seeds; the best median
wins, and a run that failed counts as the worst. *final*: the winner on the final seeds, which no search has seen, and beside it,
on the first three of them, the optimizer as its yaml has it (*default*). Nothing is chosen by the test set, nor by a final run.
Another search repeats all of it with another scramble and other seeds.

Source: Dahl et al. 2023, Benchmarking Neural Network Training Algorithms, section 4; Sivaprasad et al. 2020, Optimizer
Benchmarking Needs to Account for Hyperparameter Tuning.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from descent.config.schema import RunConfig
from descent.config.search_space import AXES
from descent.metrics import metric
from descent.records import result as results
from descent.sweeps.candidates import Candidate, Protocol

FINALISTS = 3  # settings that are trained again on the seeds of selection
SELECTION = 3  # seeds of selection
DEFAULTS = 3  # final seeds on which an optimizer is trained as its yaml has it too: what tuning gained
TRIAL_SEEDS = 1_000_000  # a search's trials are on this seed plus its number
SELECTION_SEEDS = 2_000_000  # and its selection on seeds from here on


@dataclass(frozen=True)
class Chosen:
    """The setting that a search chose for a candidate.

    Attributes:
        setting: its hyperparameters.
        value: the median of the metric over the seeds of selection.
        edges: which of the hyperparameters lie in the outer tenth of their range, and at which end.
    """

    candidate: Candidate
    search: int
    setting: Mapping[str, float]
    value: float
    edges: Mapping[str, str]


def points(trials: int, search: int) -> np.ndarray:
    """Return the sampled points of a search ``[trials, axes]`` in the unit cube: a scrambled Halton sequence.

    The first points of a longer sequence are those of a shorter one, and all optimizers share them.
    """
    from scipy.stats import qmc

    return np.asarray(qmc.Halton(d=len(AXES), scramble=True, rng=search).random(trials))


Train = Callable[[str, list[tuple[str, ...]]], dict[tuple[str, ...], Path]]


def tune(tuned: Sequence[Candidate], protocol: Protocol, train: Train, further: Sequence[tuple[str, ...]] = ()) -> list[Chosen]:
    """Train the missing runs of every stage of all searches, the final stage too.

    Args:
        tuned: the candidates.
        protocol: what is tuned.
        train: trains the runs of a stage, given its title and their overrides, and returns their folders.
        further: overrides of final runs that nothing tunes.

    Returns:
        what each search chose for each candidate; nothing where nothing is tuned.
    """
    chosen = _search(tuned, protocol, train) if protocol.budget.trials else []
    settings = [(best.candidate, best.search, best.setting) for best in chosen] or [(candidate, 0, {}) for candidate in tuned]
    seeds = range(1, protocol.final_seeds + 1)
    runs = [candidate.job(protocol, search, "final", seed, setting) for candidate, search, setting in settings for seed in seeds]
    if not chosen:
        train("untuned", [*runs, *further])
        return []
    some = seeds[:DEFAULTS]
    runs += [candidate.job(protocol, 0, "default", seed, {}) for candidate in tuned for seed in some]
    count = len(settings) + len(further) // protocol.final_seeds
    defaults = f"{len(tuned)} default{'s' * (len(tuned) > 1)} on seeds 1 to {some[-1]}"
    train(f"final: {count} tuned settings on seeds 1 to {seeds[-1]}, {defaults}", [*runs, *further])
    return chosen


def finalists(losses: Sequence[float]) -> list[int]:
    """Return the places of the settings that selection trains again, the best first, given the losses of their trials."""
    return sorted(range(len(losses)), key=losses.__getitem__)[:FINALISTS]


def winner(losses: Sequence[Sequence[float]]) -> tuple[int, float]:
    """Return the place of the setting with the best median over the seeds of selection, and that median."""
    medians = [median(some) for some in losses]
    best = min(range(len(medians)), key=medians.__getitem__)
    return best, medians[best]


def _search(tuned: Sequence[Candidate], protocol: Protocol, train: Train) -> list[Chosen]:
    """Return the setting that each search chose for each candidate, by trials and selection."""
    pairs = [(candidate, search) for candidate in tuned for search in range(1, protocol.searches + 1)]
    count = f"{len(pairs)} x " if len(pairs) > 1 else ""
    tried = [[candidate.setting(point) for point in points(protocol.budget.trials, search)] for candidate, search in pairs]
    trials = [
        [candidate.job(protocol, search, "trial", TRIAL_SEEDS + search, setting) for setting in settings]
        for (candidate, search), settings in zip(pairs, tried, strict=True)
    ]
    folders = train(f"trials: {count}{protocol.budget.trials} sampled settings on one seed", _flat(trials))
    best = []
    for (candidate, _), settings, jobs in zip(pairs, tried, trials, strict=True):
        losses = [_loss(candidate.config, folders[job]) for job in jobs]
        best.append([settings[place] for place in finalists(losses)])
    selection = [
        [[candidate.job(protocol, search, "selection", seed, setting) for seed in _fresh(search)] for setting in settings]
        for (candidate, search), settings in zip(pairs, best, strict=True)
    ]
    title = f"selection: {count}{FINALISTS} best settings on {SELECTION} fresh seeds"
    folders = train(title, _flat(jobs for settings in selection for jobs in settings))
    chosen = []
    for (candidate, search), settings, runs in zip(pairs, best, selection, strict=True):
        place, value = winner([[_loss(candidate.config, folders[job]) for job in jobs] for jobs in runs])
        edges = {key: end for key, at in settings[place].items() if (end := candidate.space[key].edge(at))}
        sign = -metric(candidate.config.problem.metric, candidate.config.problem.metrics).sign
        chosen.append(Chosen(candidate, search, settings[place], sign * value, edges))
    return chosen


def _flat(jobs: Iterable[Sequence[tuple[str, ...]]]) -> list[tuple[str, ...]]:
    return [job for some in jobs for job in some]


def _fresh(search: int) -> range:
    """Return the seeds of a search's selection, which no other search shares."""
    return range(first := SELECTION_SEEDS + SELECTION * search, first + SELECTION)


def _loss(config: RunConfig, folder: Path) -> float:
    """Return a run's metric at the end, as a loss: lower is better, and a run that failed counts as infinite."""
    try:
        result = results.read(folder / "result.json")
    except (OSError, ValueError):
        return math.inf
    if result.status != "finished":
        return math.inf
    measured = metric(result.metric, config.problem.metrics)
    return -measured.sign * measured.counted(result.final.get(result.metric), result.status)
