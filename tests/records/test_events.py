"""A run in TensorBoard's HPARAMS tab, read back and sorted as TensorBoard does it."""

import warnings

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2

from descent.records.events import TensorBoard

ROW = {"step": 0, "examples": 0, "gradient_evaluations": 0, "epoch": 0.0, "seconds": 0.0, "lr": 0.1, "train/loss": 1.0}
CHOSEN = {"problem": "quadratic", "batch": "mini", "optimizer": "adam", "precision": "32", "seed": 1, "batch.size": 8, "lr": 0.1}
RUNS = {
    "adam": {"optimizer.eps": 1e-8, "optimizer.amsgrad": False, "optimizer.fused": "['cpu', 'cuda']"},
    "adafactor": {"optimizer.eps": "[None, 0.001]", "optimizer.fused": True, "schedule.epochs": "auto"},
    "lbfgs": {"optimizer.line_search_fn": "strong_wolfe", "optimizer.eps": None, "schedule.epochs": 3},
}


@pytest.fixture
def runs(tmp_path):
    """A folder of runs of three optimizers, whose settings share names and not types."""
    for name, own in RUNS.items():
        (tmp_path / name).mkdir()
        TensorBoard(tmp_path / name, {**CHOSEN, "optimizer": name, **own}, [ROW]).close()
    return tmp_path


def content(folder, tag):
    data = EventAccumulator(str(folder)).Reload().SummaryMetadata(tag).plugin_data.content
    return plugin_data_pb2.HParamsPluginData.FromString(data)


def test_a_name_has_one_type_in_all_runs(runs):
    types = {}
    for name in RUNS:
        for key, value in content(runs / name, "_hparams_/session_start_info").session_start_info.hparams.items():
            types.setdefault(key, set()).add(value.WhichOneof("kind"))
    assert {key: kinds for key, kinds in types.items() if len(kinds) > 1} == {}
    assert types["optimizer.eps"] == types["lr"] == {"number_value"}
    assert types["optimizer.eps (text)"] == types["precision"] == {"string_value"}


def test_tensorboard_sorts_by_every_column(runs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TensorBoard's own, at import
        from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer
        from tensorboard.context import RequestContext
        from tensorboard.plugins import base_plugin
        from tensorboard.plugins.hparams import api_pb2, backend_context, list_session_groups

    multiplexer = plugin_event_multiplexer.EventMultiplexer().AddRunsFromDirectory(str(runs)).Reload()
    provider = data_provider.MultiplexerDataProvider(multiplexer, str(runs))
    context = backend_context.Context(base_plugin.TBContext(data_provider=provider))
    names = {name for own in RUNS.values() for key in (*CHOSEN, *own) for name in (key, f"{key} (text)")}
    for name in sorted(names):
        column = api_pb2.ColParams(hparam=name, order=api_pb2.ORDER_ASC)
        request = api_pb2.ListSessionGroupsRequest(col_params=[column], slice_size=9, allowed_statuses=[api_pb2.STATUS_SUCCESS])
        response = list_session_groups.Handler(RequestContext(), context, "", request).run()
        assert len(response.session_groups) == len(RUNS)


def test_the_five_columns_that_are_ticked(runs):
    for name in RUNS:
        infos = content(runs / name, "_hparams_/experiment").experiment.hparam_infos
        shown = sorted(infos, key=lambda info: (not info.differs, info.name))[:5]  # what TensorBoard does
        assert {info.name for info in shown} == {"optimizer", "lr", "batch", "batch.size", "seed"}
