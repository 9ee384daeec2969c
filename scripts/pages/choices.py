"""Every choice with a line on what it is: of the first comment of its yaml, or of an experiment's question."""

from descent.experiments import modules
from pages.base import DOCS, literal, names, remark

PAGE = DOCS / "choices.md"
GROUPS = ("problem", "batch", "optimizer", "schedule", "wrapper", "trainer", "logger")
OTHERS = {  # what has no yaml of ours
    "engine": {
        "torch": "PyTorch and Lightning: every problem, optimizer, device.",
        "numpy": "Gradients and updates written by hand, on the CPU: 15 of the optimizers, all problems but the cnns.",
        "compiled": "The same lines, compiled by numba: the fastest for small networks; an optimizer's first run waits for it.",
    },
    "hydra/launcher": {
        "basic": "One run after the other.",
        "joblib": "Several processes on this machine, as many as its cores allow.",
        "submitit_local": "The same, a process for each run.",
        "submitit_slurm": "One array of jobs on a Slurm cluster.",
        "ray": "Ray, on this machine or on a cluster; needs the extra ray.",
    },
    "hydra/sweeper": {
        "study": "All combinations of what the command lists with commas.",
        "tuned": "Tune each optimizer alike first, then run what was best on seeds that no choice has seen.",
    },
}


def page() -> str:
    """Return the page of all choices."""
    groups = {group: {name: remark(group, name) for name in names(group)} for group in GROUPS} | OTHERS
    questions = {name: (module.__doc__ or "").partition("\n\n")[0] for name, module in modules().items()}
    groups["experiment"] = {name: " ".join(question.split()) for name, question in questions.items()}
    intro = "`python train.py GROUP=CHOICE` takes one; with `--cfg job` it shows the settings, a commented line each."
    parts = ["# Choices", intro]
    for group, lines in groups.items():
        rows = [f"| `{name}` | {literal(line)} |" for name, line in lines.items()]
        parts += [f"## `{group}=`", "\n".join(["| choice | what it is |", "|---|---|", *rows])]
    return "\n\n".join(parts) + "\n"
