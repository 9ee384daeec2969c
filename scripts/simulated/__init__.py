"""Simulated studies, and how often a report is wrong about them: for `scripts/error_rates.py`."""
