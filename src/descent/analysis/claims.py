"""Write the verdict on a group's pairs in one line, and notes."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from descent.analysis.estimates import Interval
from descent.analysis.paired_tests import Answer, GroupFinding, Pair
from descent.analysis.wording import are, listed

REPEATED = "Values repeat over seeds, not tested"
SHOWN = 2  # of the pairs of a verdict, the closest; the rest is in the table
LARGEST = 700.0  # logarithm of a ratio that is still a number
MANY = 200  # seeds that a plan names
OVER_SEEDS = "over seeds, with the settings found"
WON = (Answer.BETTER, Answer.BETTER_WITHIN)
UNTESTED = {
    Answer.SAME: "The same values on all seeds, not tested",
    Answer.REPEATED: REPEATED,
    Answer.FEW: "Fewer than ten common seeds, not tested",
}


@dataclass(frozen=True)
class Terms:
    """The words, scale and margin of a metric in a sentence.

    Attributes:
        label: the metric in words, ``training loss``.
        ratio: whether differences are of logarithms; else they are of shares, and read as points.
        higher_is_better: its direction.
        margin: up to which differences are none, on the scale of the differences.
    """

    label: str
    ratio: bool
    higher_is_better: bool
    margin: float

    def size(self, difference: float) -> str:
        """Return a difference as a number: "4.6" times, or "2.1" points."""
        value = math.exp(min(difference, LARGEST)) if self.ratio else 100 * difference
        return f"{value:.3g}" if abs(value) < 999.5 else f"{float(f'{value:.3g}'):,.0f}"

    def amount(self, pair: Pair, whose: str = "") -> str:
        """Return by how much the candidate ahead is better: "4.6 times lower than sgd's (1.8 to 12)"."""
        failures = ""
        if any(pair.failures):
            first, second = pair.failures
            where, preposition = ("seeds", "on") if pair.runs == pair.n else ("runs", "in")
            failures = f"; failed {preposition} {first} of {pair.runs} {where}, {pair.other} {preposition} {second}"
        if math.isnan(pair.difference):
            return f"both finished on no seed{failures}"
        unit = "times" if self.ratio else "points"
        than = f" than {whose}'s" if whose else ""
        typical = self.size(pair.typical)
        typical = f", typical seed {typical}" if pair.disagrees and typical != self.size(pair.difference) else ""
        kind = "" if pair.interval in (Interval.SIMULTANEOUS, Interval.SEARCHES) else f", {pair.interval}"
        ends = f"{self.size(pair.low)} to {self.size(pair.high)}{kind}{typical}{failures}"
        return f"{self.size(pair.difference)} {unit} {'higher' if self.higher_is_better else 'lower'}{than} ({ends})"

    @property
    def within(self) -> str:
        """The margin in words: "10 %" or "0.5 points"."""
        return f"{100 * (math.exp(self.margin) - 1):.2g} %" if self.ratio else f"{100 * self.margin:.2g} points"


def verdict(finding: GroupFinding, terms: Terms) -> str:
    """Return who is best and by how much, who is beaten by nobody, or that none are told apart; empty where none was tested."""
    tested = _tested(finding)
    if not tested:
        return ""
    if finding.best:
        wins = sorted((pair for pair in tested if finding.best == pair.one), key=lambda pair: pair.difference)
        shown = wins if len(wins) <= SHOWN + 1 else wins[:SHOWN]
        more = [f"further ahead of {len(wins) - SHOWN} others"] if shown != wins else []
        amounts = listed([*(terms.amount(pair, pair.other) for pair in shown), *more])
        return f"{finding.best} is best: {terms.label} {amounts}."
    beaten = {pair.other: pair for pair in sorted(tested, key=lambda pair: pair.p, reverse=True) if pair.answer in WON}
    top = [name for name in finding.candidates if name in _judged(tested) and name not in beaten]
    among = [pair for pair in tested if pair.one in top and pair.other in top]
    if not beaten and all(pair.answer is Answer.EQUAL for pair in among):
        return f"{listed(top)} are equal within {terms.within} in {terms.label}."
    over_seeds = f"; {OVER_SEEDS}, {name} is best" if (name := best_over_seeds(finding)) else ""
    if not beaten:
        amount = f" ({terms.amount(tested[0])})" if len(tested) == 1 else ""
        ahead = [tested[0].one, tested[0].other] if len(tested) == 1 else top
        return f"Not told apart in {terms.label}: {listed(ahead)}{amount}{over_seeds}."
    lost = [f"{pair.one} better than {name}, {terms.amount(pair)}" for name, pair in beaten.items()]
    return f"No best in {terms.label}: {listed(top)} {are(top)} beaten by nobody; {listed(lost)}{over_seeds}."


def ahead(findings: Iterable[tuple[GroupFinding, Terms]]) -> str:
    """Return how far the best candidates are ahead of the next ones: "training loss 1.2 to 4.6 times lower than the next"."""
    closest: dict[tuple[str, bool, bool], list[tuple[float, str]]] = {}
    for finding, terms in findings:
        won = [pair.difference for pair in finding.pairs if pair.one == finding.best and not math.isnan(pair.difference)]
        if won:
            key = terms.label, terms.ratio, terms.higher_is_better
            closest.setdefault(key, []).append((min(won), terms.size(min(won))))
    amounts = []
    for (label, ratio, high), sizes in closest.items():
        ends = dict.fromkeys([min(sizes)[1], max(sizes)[1]])
        amounts.append(f"{label} {' to '.join(ends)} {'times' if ratio else 'points'} {'higher' if high else 'lower'}")
    return f"{listed(amounts)} than the next" if amounts else "the others failed more often"


def notes(finding: GroupFinding, terms: Terms) -> list[str]:
    """Return further sentences on a group's pairs: equal ones, planned seeds, failures, and untested ones."""
    pairs, lines = finding.pairs, []
    less = [f"{pair.one} than {pair.other}" for pair in pairs if pair.answer is Answer.BETTER_WITHIN]
    if less:
        lines.append(f"Better, by less than the margin of {terms.within}: {listed(less)}.")
    same = [f"{pair.one} and {pair.other}" for pair in pairs if pair.answer is Answer.EQUAL]
    if same and len(same) < len(_tested(finding)):
        lines.append(f"Equal within {terms.within}: {listed(same)}.")
    undecided = [pair for pair in pairs if pair.answer is Answer.OPEN]
    if undecided and len(undecided) < len(_tested(finding)):
        lines.append(f"Not told apart: {listed([f'{pair.one} and {pair.other}' for pair in undecided])}.")
    lines += _searches([pair for pair in pairs if pair.only_seeds])
    lines += _planned(undecided, terms)
    for pair in pairs:
        if pair.answer is Answer.FAILED_MORE:
            first, second = pair.failures
            lines.append(
                f"{pair.one} is ahead of {pair.other} by value, but failed more often ({first} against {second}): not ranked."
            )
    for answer, text in UNTESTED.items():
        if names := [f"{pair.one} with {pair.other}" for pair in pairs if pair.answer is answer]:
            lines.append(f"{text}: {listed(names)}.")
    return lines


def best_over_seeds(finding: GroupFinding) -> str:
    """Return who is better than all others over seeds, though not over searches; empty where nobody is."""
    tested = _tested(finding)
    for name in _judged(tested):
        of_name = [pair for pair in tested if name in (pair.one, pair.other)]
        if all(pair.one == name and (pair.only_seeds or pair.answer in WON) for pair in of_name) and name != finding.best:
            return name
    return ""


def _searches(pairs: Sequence[Pair]) -> Iterable[str]:
    """Return what is told apart over seeds alone, and how many searches would tell it."""
    if not pairs:
        return
    beaten: dict[str, list[str]] = {}
    for pair in pairs:
        beaten.setdefault(pair.one, []).append(pair.other)
    better = [f"{one} better than {listed(others)}" for one, others in beaten.items()]
    yield f"{OVER_SEEDS.capitalize()}, but not over searches: {'; '.join(better)}."
    if counts := sorted(pair.searches for pair in pairs if not math.isnan(pair.searches)):
        about = " to ".join(dict.fromkeys(f"{count:.0f}" for count in (counts[0], counts[-1])))
        yield f"About {about} searches that differ as these do would show it (hydra.sweeper.searches)."


def _planned(undecided: Sequence[Pair], terms: Terms) -> Iterable[str]:
    """Return how many seeds would tell the undecided pairs apart, or show that they are equal."""
    known = [pair for pair in undecided if not math.isnan(pair.seeds)]
    if known:
        most = max(known, key=lambda pair: pair.seeds)
        low, seeds, high = (math.ceil(count) for count in (most.seeds_low, most.seeds, most.seeds_high))
        about = f"About {seeds} seeds ({low} to {high})" if seeds <= MANY else f"More than {MANY} seeds"
        whose = f" between {most.one} and {most.other}" if len(known) > 1 else ""
        yield f"{about} would show a difference of {terms.within}{whose} in 4 of 5 studies."
    if any(pair.equal_within > terms.margin for pair in undecided):
        yield f"{min(pair.n for pair in undecided)} seeds cannot show equality within {terms.within} here."


def _tested(finding: GroupFinding) -> list[Pair]:
    return [pair for pair in finding.pairs if not math.isnan(pair.p)]


def _judged(pairs: Iterable[Pair]) -> set[str]:
    return {name for pair in pairs for name in (pair.one, pair.other)}
