"""Objectives with hand-written gradients, equal to those of autograd."""

from descent.from_scratch.objectives.base import Objective
from descent.from_scratch.objectives.functions import Quadratic, Surface
from descent.from_scratch.objectives.linear_models import LinearRegression, LogisticRegression
from descent.from_scratch.objectives.networks import Network

__all__ = ["LinearRegression", "LogisticRegression", "Network", "Objective", "Quadratic", "Surface"]
