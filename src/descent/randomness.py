"""Every random number of a run, from NumPy generators named by (seed, stream, epoch).

CPU, GPU and the NumPy engine draw the same numbers: nothing here depends on a device or on how often another stream was
used. The streams are ``split``, ``weights``, ``order``, ``labels`` (which are wrong) and, for synthetic problems, ``data``.
"""

import zlib

import numpy as np


def generator(seed: int, stream: str, epoch: int = 0) -> np.random.Generator:
    """Return the generator of one stream.

    Args:
        seed: the run's seed, an integer >= 0 (0 is a seed like any other).
        stream: what the numbers are for; different names give independent numbers.
        epoch: for streams that are drawn anew each epoch.
    """
    return np.random.default_rng([seed, zlib.crc32(stream.encode()), epoch])
