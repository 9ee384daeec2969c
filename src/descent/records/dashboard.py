"""Names in TensorBoard: tags, which it sorts by name, and the columns of its HPARAMS tab."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from descent.records.result import Hyperparameters
from descent.records.tensorboard_internals import (
    EXPERIMENT,
    HPARAMS,
    HPARAMS_VERSION,
    SESSION_END,
    SESSION_START,
    Summary,
    SummaryMetadata,
    hparams_api,
    hparams_data,
)

FIRST = ("optimizer", "lr", "batch", "batch.size", "seed")  # HPARAMS ticks five columns by itself: these
TEXTS = ("problem", "batch", "optimizer", "schedule", "engine", "precision")  # hyperparameters that are a text in every run


def tag(column: str) -> str:
    """Return the tag of a column of the records: its name, or where that sorts before ``train/loss``, the name in a later group.

    TensorBoard sorts charts by tag and opens the first two groups, named by the part before the first slash:
    ``train/loss``, ``train_set/accuracy``, ``val/loss``, ``weights/gradient_norm``.
    """
    split, _, metric = column.partition("/")
    if column >= "train/loss":
        return column
    return f"train_set/{metric}" if split == "train" else f"weights/{column}"


def typed(hyperparameters: Mapping[str, Any]) -> Hyperparameters:
    """Return hyperparameters under names that have one type in all runs, which sorting by them needs.

    ``optimizer.eps`` is a number for adam and a list for adafactor. A text that is not a text in every run gets a name of its
    own, ``optimizer.eps (text)``. What is None is left out.
    """
    return {
        f"{name} (text)" if isinstance(value, str) and name not in TEXTS else name: value
        for name, value in hyperparameters.items()
        if value is not None
    }


def session(hyperparameters: Hyperparameters) -> list[Summary.Value]:
    """Return a run's row of the HPARAMS tab."""
    start, end = hparams_data.SessionStartInfo(), hparams_data.SessionEndInfo(status=hparams_api.STATUS_SUCCESS)
    for name, value in typed(hyperparameters).items():
        if isinstance(value, str):
            start.hparams[name].string_value = value
        else:
            start.hparams[name].number_value = float(value)  # type: ignore[arg-type]  # None was left out
    return [
        _hparams(SESSION_START, session_start_info=start),
        _hparams(SESSION_END, session_end_info=end),
    ]


def columns(hyperparameters: Iterable[Hyperparameters], metrics: Iterable[str], first: Sequence[str] = FIRST) -> Summary.Value:
    """Return the columns of the HPARAMS tab: `first` those that it ticks, then the others, by name, and metrics by tag."""
    number, text = hparams_api.DATA_TYPE_FLOAT64, hparams_api.DATA_TYPE_STRING
    types = {name: text if name in TEXTS else number for name in first}
    for chosen in hyperparameters:
        types |= {name: text if isinstance(value, str) else number for name, value in typed(chosen).items()}
    infos = [hparams_api.HParamInfo(name=name, type=kind, differs=name in first) for name, kind in types.items()]
    measured = [hparams_api.MetricInfo(name=hparams_api.MetricName(tag=metric)) for metric in metrics]
    experiment = hparams_api.Experiment(hparam_infos=infos, metric_infos=measured)
    return _hparams(EXPERIMENT, experiment=experiment)


def _hparams(name: str, **content: object) -> Summary.Value:
    data = hparams_data.HParamsPluginData(version=HPARAMS_VERSION, **content)
    plugin = SummaryMetadata.PluginData(plugin_name=HPARAMS, content=data.SerializeToString())
    return Summary.Value(tag=name, metadata=SummaryMetadata(plugin_data=plugin))
