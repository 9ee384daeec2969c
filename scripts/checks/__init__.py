"""The checks of `scripts/accuracy.py`, one file a subject."""
