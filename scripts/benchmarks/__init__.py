"""What is timed: loops that take steps, and launchers that train studies."""

import descent  # noqa: F401  # first, as in train.py: it sets how long OpenBLAS lets its threads wait
