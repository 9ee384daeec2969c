"""Hold what theory and PyTorch say against what descent computes: `python scripts/accuracy.py [--write docs/accuracy.md]`.

Each check states a claim, its source, what is expected, and measures it through what a user has: runs of `train.py`'s
settings, with either engine, and the optimizers of `descent.from_scratch`. `tests/scripts/test_accuracy.py` runs the same checks.
"""

import time
from collections.abc import Iterator

from checks import agreement, noise, page, phenomena, quadratics, updates
from checks.base import Check
from rich.console import Console

from descent.config.flags import Parser, leave_with, require_file_to_write
from descent.config.values import File
from descent.errors import InputError

SUBJECTS = {
    "NumPy against PyTorch: relative differences of the weights after 200 steps, and of gradients": agreement,
    "Stability and rates on a quadratic": quadratics,
    "Noise": noise,
    "Steps, weight decay, batch modes": updates,
    "Two phenomena of training": phenomena,
}
CHECKS = [check for subject in SUBJECTS.values() for check in subject.checks()]
HEADER = """# Accuracy

Each claim, who makes it, what is expected and what was measured. `python scripts/accuracy.py --write docs/accuracy.md` writes
this table, and `tests/scripts/test_accuracy.py` runs the same checks.

All in float64, by the engines `torch` and `numpy`. L and mu are the largest and the smallest eigenvalue of the Hessian, lambda
one that all share, kappa = L/mu; lr is the learning rate, beta the momentum in torch's convention z <- beta z + g, w <- w - lr z;
B is the batch size, sigma^2 the variance of one example's gradient. Where noise is measured, examples are drawn independently
(`batch.replacement=true`). An optimizer's difference between NumPy and PyTorch is the largest over three problems (quadratic,
logistic regression, mlp) and three batch modes (full, mini, stochastic).
"""


def lines(subject: str, checks: Iterator[Check]) -> Iterator[tuple[str, bool]]:
    """Yield the lines of a subject's table, and whether what they say holds."""
    yield f"\n## {subject}\n", True
    yield "| claim | source | engine | expected | measured | holds |", True
    yield "|---|---|---|--:|--:|---|", True
    for check in checks:
        measured = check.measure()
        holds = check.expected.low <= measured <= check.expected.high
        cells = (
            check.claim,
            check.source,
            check.engine,
            check.expected.expected,
            f"{measured:.6g}",
            "yes" if holds else "**no**",
        )
        yield f"| {' | '.join(cells)} |", holds


def main() -> int:
    parser = Parser(__doc__)
    parser.add("--write", File, help="write the table to this file too")
    parser.add("--only", default="", help="only checks whose claim contains this")
    arguments = parser.read()
    chosen = [check for check in CHECKS if arguments.only in check.claim]
    if not chosen:
        raise InputError("--only", arguments.only, "must be part of a claim, as in 'heavy ball'", "--write lists all of them.")
    if arguments.write and arguments.only:
        raise InputError(
            "--write", arguments.write, "cannot be given with --only, as the table is of all checks", "Leave one out."
        )
    if arguments.write:
        require_file_to_write("--write", arguments.write)
    out, begun = Console(highlight=False), time.perf_counter()
    text, broken = [HEADER], 0
    for subject, module in SUBJECTS.items():
        for line, holds in lines(subject, (check for check in module.checks() if arguments.only in check.claim)):
            out.print(line, soft_wrap=True, markup=False)
            text.append(line + "\n")
            broken += not holds
    out.print(f"\n{len(chosen)} checks, {broken} do not hold; {time.perf_counter() - begun:.0f} s")
    if arguments.write:
        page.write(arguments.write, page.CHECKS, "".join(text))
    return 1 if broken else 0


if __name__ == "__main__":
    leave_with(main)
