"""What the runs of a study say: frames of results, statistics, rankings and verdicts. Reads files only; nothing trains here."""

from descent.analysis.load import Study, load

__all__ = ["Study", "load"]
