"""Private interfaces of Hydra and OmegaConf, all in one place: what a new version may move stands here and nowhere else."""

from hydra._internal.config_loader_impl import ConfigLoaderImpl, get_overrides_dirname
from hydra._internal.utils import get_args_parser
from omegaconf import Node

__all__ = ["ConfigLoaderImpl", "get_args_parser", "get_overrides_dirname", "root"]


def root(node: Node) -> Node:
    """Return the whole configuration that a node is part of."""
    return node._get_root()
