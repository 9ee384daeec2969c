"""Analyse the results of a study: frames, statistics, rankings, verdicts. Reads files only; nothing trains here."""

from descent.analysis.load import Study, load

__all__ = ["Study", "load"]
