"""Records as a run writes them."""

from descent.records.curve import Row


def rows_of(losses: list[float], norms: list[float] | None = None, **columns: list[float]) -> list[Row]:
    """A record every 10 steps of 4 examples."""
    rows: list[Row] = []
    for index, loss in enumerate(losses):
        row: Row = {"step": 10 * index, "examples": 40 * index, "gradient_evaluations": 80 * index, "seconds": index / 2}
        row |= {"train/loss": loss, "weight_norm": 1.0 if norms is None else norms[index]}
        rows.append(row | {name.replace("_", "/"): values[index] for name, values in columns.items()})
    return rows
