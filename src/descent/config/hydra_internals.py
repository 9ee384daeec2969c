"""Hydra's private interfaces, all in one place: what a new version of Hydra may move stands here and nowhere else."""

from hydra._internal.config_loader_impl import ConfigLoaderImpl, get_overrides_dirname
from hydra._internal.utils import get_args_parser

__all__ = ["ConfigLoaderImpl", "get_args_parser", "get_overrides_dirname"]
