"""Findings: the numbers that an experiment computes from its runs, and the one renderer that makes sentences of them."""

import math
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cache
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined, TemplateSyntaxError
from numpy.typing import ArrayLike

from descent.analysis.flips import ALPHA, holm
from descent.analysis.wording import listed


class Finding(dict[str, Any]):
    """Named numbers of an experiment, as JSON holds them: None stands for what is not finite, a mapping for a `Difference`."""

    def __init__(self, **numbers: Any) -> None:
        super().__init__({name: _plain(value) for name, value in numbers.items()})


class Missing(Finding):
    """The finding of a study that lacks the runs that an experiment needs."""

    def __init__(self, missing: str) -> None:
        super().__init__(missing=missing)


class Change(StrEnum):
    """The direction of a difference at a level of 5 %; unknown where a run diverged or there are too few seeds."""

    HIGHER = "higher"
    LOWER = "lower"
    UNCLEAR = "unclear"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Difference:
    """The mean of paired differences, its 95 % interval by Student's t, and its direction."""

    mean: float
    low: float
    high: float
    change: Change


def difference(pairs: ArrayLike) -> Difference:
    """Return the mean difference of some pairs [N]; its direction is clear where the interval excludes 0."""
    return _difference(pairs, lambda low, high: not low <= 0 <= high)


def adjusted(groups: Sequence[ArrayLike]) -> list[Difference]:
    """Return the mean difference of each group of pairs; directions are clear after Holm's correction for their number."""
    p = holm(np.nan_to_num([_t_test(pairs).pvalue if _comparable(pairs) else 1.0 for pairs in groups], nan=1.0))
    return [_difference(pairs, lambda *_, value=value: value <= ALPHA) for pairs, value in zip(groups, p, strict=True)]


def _difference(pairs: ArrayLike, clear: Callable[[float, float], bool]) -> Difference:
    if not _comparable(pairs):
        return Difference(math.nan, math.nan, math.nan, Change.UNKNOWN)
    mean, (low, high) = float(np.asarray(pairs).mean()), map(float, _t_test(pairs).confidence_interval(1 - ALPHA))
    change = (Change.HIGHER if mean > 0 else Change.LOWER) if clear(low, high) else Change.UNCLEAR
    return Difference(mean, low, high, change)


def _comparable(pairs: ArrayLike) -> bool:
    """Return whether there are two pairs, and all are finite."""
    return np.size(pairs) > 1 and bool(np.isfinite(pairs).all())


def _t_test(pairs: ArrayLike) -> Any:
    """Return Student's paired t-test."""
    from scipy import stats  # 50 MB, which comparisons do without

    with np.errstate(divide="ignore", invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of pairs that are all alike
        return stats.ttest_1samp(pairs, 0)


def render(template: str, numbers: Mapping[str, Any]) -> str:
    """Return the sentence of a finding.

    Args:
        template: Jinja's, with the names of the finding's fields. Numbers have three digits, integers thousands separators; the
            filters are ``percent``, ``listed``, ``span`` (the least and the largest), and ``change``, of a `Difference`.
        numbers: a `Finding`, or one that was read from its file.
    """
    text = _environment().from_string(template).render(numbers)
    return re.sub(r" ([.,;:)])", r"\1", " ".join(text.split()))


def template_fault(template: object) -> str:
    """Return what is wrong with a template; empty where it can be rendered."""
    if not isinstance(template, str):
        return f"it is a {type(template).__name__}"
    try:
        _environment().parse(template)
    except TemplateSyntaxError as error:
        return f"line {error.lineno}: {error.message}"
    return ""


@cache
def _environment() -> Environment:
    environment = Environment(undefined=StrictUndefined, finalize=_shown, autoescape=False)  # plain text
    environment.filters |= {
        "number": number,
        "percent": _percent,
        "listed": lambda values: listed([_shown(value) for value in values]),
        "span": lambda values: " to ".join(dict.fromkeys(number(end(values)) for end in (min, max))),
        "change": _change,
    }
    return environment


def number(value: float, digits: int = 3) -> str:
    """Return a number with some significant digits, and with all digits before the decimal point."""
    if value == 0 or not 1e-4 <= abs(value) < 1e6:
        return f"{value:.{digits}g}"
    return f"{round(value, max(0, digits - 1 - math.floor(math.log10(abs(value))))):,.10g}"


def _change(effect: Mapping[str, Any]) -> str:
    if effect["change"] == Change.UNKNOWN:
        return "not comparable, as a run diverged or seeds are missing"
    direction = "not clearly different" if effect["change"] == Change.UNCLEAR else effect["change"]
    return f"{direction} (difference {number(effect['mean'])}, 95 % interval {number(effect['low'])} to {number(effect['high'])})"


def _percent(share: float, digits: int = 3) -> str:
    return f"{number(100 * share, digits)} %"


def _shown(value: Any) -> str:
    return number(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Difference):
        value = asdict(value)
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
