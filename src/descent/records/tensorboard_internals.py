"""TensorBoard's private interfaces, which a new version may move, in one place."""

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.types_pb2 import DT_STRING
from tensorboard.plugins.hparams import api_pb2 as hparams_api
from tensorboard.plugins.hparams import plugin_data_pb2 as hparams_data

# As in tensorboard.plugins.hparams.metadata, whose import takes 0.2 s, as it brings clients of cloud storage.
HPARAMS, HPARAMS_VERSION = "hparams", 0
EXPERIMENT, SESSION_START, SESSION_END = (
    f"_hparams_/{name}" for name in ("experiment", "session_start_info", "session_end_info")
)

__all__ = [
    "DT_STRING",
    "EXPERIMENT",
    "HPARAMS",
    "HPARAMS_VERSION",
    "SESSION_END",
    "SESSION_START",
    "Event",
    "Summary",
    "SummaryMetadata",
    "TensorProto",
    "hparams_api",
    "hparams_data",
]
