"""Compare gradient-descent optimizers, batch modes, learning rates and schedules fairly."""

__version__ = "0.1.0"
