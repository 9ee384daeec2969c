"""Gradient descent from scratch, in NumPy: hand-written gradients, hand-written updates, no framework.

    path = minimize(rosenbrock, rosenbrock_gradient, [-1.5, 2.0], Adam(lr=0.01), steps=5000)
    path.points[-1], path.values[-1]

Read `optimizers/gradient_descent.py` first, then `optimizers/adaptive.py` and `optimizers/adam.py`; the gradients are in
`objectives/`. ``python train.py engine=numpy`` trains with these in the place of PyTorch, and ``engine=compiled`` with the same
lines compiled.
"""

from descent import schedules
from descent.from_scratch.clipping import clipped
from descent.from_scratch.minimize import Trajectory, minimize
from descent.from_scratch.objectives import LinearRegression, LogisticRegression, Network
from descent.from_scratch.objectives.functions import (
    beale,
    beale_gradient,
    himmelblau,
    himmelblau_gradient,
    quadratic,
    rastrigin,
    rastrigin_gradient,
    rosenbrock,
    rosenbrock_gradient,
    saddle,
    saddle_gradient,
)
from descent.from_scratch.optimizers import (
    ASGD,
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    AMSGrad,
    Momentum,
    Muon,
    NAdam,
    Nesterov,
    Optimizer,
    RAdam,
    RMSprop,
    Rprop,
)

__all__ = [
    "ASGD",
    "SGD",
    "AMSGrad",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "LinearRegression",
    "LogisticRegression",
    "Momentum",
    "Muon",
    "NAdam",
    "Nesterov",
    "Network",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "Trajectory",
    "beale",
    "beale_gradient",
    "clipped",
    "himmelblau",
    "himmelblau_gradient",
    "minimize",
    "quadratic",
    "rastrigin",
    "rastrigin_gradient",
    "rosenbrock",
    "rosenbrock_gradient",
    "saddle",
    "saddle_gradient",
    "schedules",
]
