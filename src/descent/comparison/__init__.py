"""Compares the runs of a study. Reads the files that they left, and imports nothing that trains."""

from descent.comparison.load import Study, load

__all__ = ["Study", "load"]
