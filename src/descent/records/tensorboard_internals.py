"""TensorBoard's private interfaces, which a new version may move, in one place."""

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.types_pb2 import DT_STRING
from tensorboard.plugins.hparams import api_pb2 as hparams_api
from tensorboard.plugins.hparams import metadata as hparams_metadata
from tensorboard.plugins.hparams import plugin_data_pb2 as hparams_data

__all__ = [
    "DT_STRING",
    "Event",
    "Summary",
    "SummaryMetadata",
    "TensorProto",
    "hparams_api",
    "hparams_data",
    "hparams_metadata",
]
