"""User-facing configuration errors."""

from collections.abc import Iterable
from difflib import get_close_matches

SYNONYMS = {  # what other tools call a setting
    "learning_rate": "lr",
    "alpha": "lr",
    "wd": "weight_decay",
    "epsilon": "eps",
    "beta1": "betas",
    "beta2": "betas",
    "batch_size": "size",
    "batchsize": "size",
    "steps": "max_steps",
    "iterations": "max_steps",
    "grad_clip": "clip_norm",
    "units": "width",
    "layers": "depth",
    "optim": "optimizer",
    "lr_scheduler": "schedule",
    "scheduler": "schedule",
    "device": "trainer",
    "out": "output_dir",
}


class InputError(ValueError):
    """A setting that cannot work, reported in one line.

    The line names the key, the value it had, what is allowed and, where that is not obvious, what to do:
    ``optimizer.lr=-1: must be > 0. Try optimizer.lr=0.1.``

    Args:
        key: the setting, as it is typed on the command line (``optimizer.lr``).
        value: the value it had.
        problem: what is wrong or what is allowed, without the final full stop.
        remedy: what to do, as a sentence.
    """

    def __init__(self, key: str, value: object, problem: str, remedy: str = "") -> None:
        text = f"{key}={_shown(value)}: {problem}.{' ' + remedy if remedy else ''}"
        super().__init__(printable(" ".join(text.split())))


def printable(text: str) -> str:
    """Return a text with a blank in place of each character that is not printed: a terminal would obey it."""
    return text if text.isprintable() else "".join(letter if letter.isprintable() else " " for letter in text)


def _shown(value: object) -> str:
    """Return a value as it is typed."""
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e6:
        return str(int(value))
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def one_of(key: str, value: object, allowed: Iterable[object], remedy: str = "") -> InputError:
    """Return the error for a name that is not among the `allowed` ones, with the likeliest of them where there is no remedy."""
    names = [str(name) for name in allowed]
    return InputError(key, value, f"must be one of {', '.join(names)}", remedy or likeliest(str(value), names))


def first_line(error: BaseException) -> str:
    """Return the first line of an exception's message, without a full stop; its type if the message is empty."""
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")


def likeliest(name: str, names: Iterable[str]) -> str:
    """Return ``Did you mean adam?`` where one of the names is much like `name`, else an empty text.

    Settings are compared by their whole key and by its last part: ``lr`` and ``optimiser.lr`` are both ``optimizer.lr``.
    """
    known = list(dict.fromkeys(names))
    last = {full.rpartition(".")[2].lower(): full for full in reversed(known)}
    whole = {full.lower(): full for full in known}
    asked, end = name.lower(), name.lower().rpartition(".")[2]
    group = asked.rpartition(".")[0]
    within = {full.rpartition(".")[2].lower(): full for full in known if group and full.lower().startswith(f"{group}.")}
    usual = SYNONYMS.get(end, end)
    tables = ((within, usual, 0.99), (within, end, 0.6), (last, usual, 0.99), (whole, asked, 0.7), (last, end, 0.8))
    for table, text, cutoff in tables:
        matches = get_close_matches(text, table, 1, cutoff)
        if matches and table[matches[0]] != name:
            return f"Did you mean {table[matches[0]]}?"
    return ""
