"""Print runs, sweeps, and their tables."""
