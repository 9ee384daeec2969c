"""The networks that problems minimise over, and how their first weights are drawn."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import nn

from descent.errors import InputError, one_of

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}


def linear(features: int, classes: int) -> nn.Sequential:
    """Softmax regression: ``z = W x + b``."""
    return nn.Sequential(nn.Linear(features, classes))


def mlp(features: int, classes: int, *, width: int, depth: int, activation: str) -> nn.Sequential:
    """Return ``a <- activation(W a + b)``, `depth` times with `width` units, then ``z = W a + b``."""
    sizes = [features, *[width] * depth]
    layers: list[nn.Module] = []
    for wide, narrow in pairwise(sizes):
        layers += [nn.Linear(wide, narrow), ACTIVATIONS[activation]()]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], classes))


def cnn(features: int, classes: int, *, width: int, depth: int, activation: str) -> nn.Sequential:
    """Return `depth` blocks of 3x3 convolution, activation and 2x2 average pooling, then a linear layer.

    The first block has `width` channels, each further one twice as many; images are square, ``features = side^2``.

    Raises:
        InputError: inputs that are no square image, or more blocks than it can be halved.
    """
    side = math.isqrt(features)
    if side**2 != features or side < 2:
        raise InputError("problem.network", "cnn", f"needs a square image, and the inputs have {features} features", "Use mlp.")
    if depth > math.log2(side):
        raise InputError("problem.depth", depth, f"must be <= {int(math.log2(side))}: each block halves the {side}x{side} image")
    layers: list[nn.Module] = [nn.Unflatten(1, (1, side, side))]
    channels = 1
    for block in range(depth):
        layers += [nn.Conv2d(channels, width * 2**block, 3, padding=1), ACTIVATIONS[activation](), nn.AvgPool2d(2)]
        channels, side = width * 2**block, side // 2
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * side**2, classes))


NETWORKS: dict[str, Callable[..., nn.Sequential]] = {"linear": linear, "mlp": mlp, "cnn": cnn}


def made(
    network: str, features: int, outputs: int, *, width: int | None, depth: int | None, activation: str | None
) -> nn.Sequential:
    """Make one of `NETWORKS`; ``mlp`` and ``cnn`` need width, depth and activation, ``linear`` has none of them.

    Raises:
        InputError: an unknown name, or a setting that is missing or has no effect.
    """
    if network not in NETWORKS:
        raise one_of("problem.network", network, NETWORKS)
    shape = {"width": width, "depth": depth, "activation": activation}
    for key, value in shape.items():
        if network == "linear" and value is not None:
            raise InputError(f"problem.{key}", value, "has no effect with problem.network=linear", "Use problem.network=mlp.")
        if network != "linear" and value is None:
            raise InputError(f"problem.{key}", value, f"problem.network={network} needs it", "Choose an mlp or cnn problem.")
    if network == "linear":
        return linear(features, outputs)
    if activation not in ACTIVATIONS:
        raise one_of("problem.activation", activation, ACTIVATIONS)
    return NETWORKS[network](features, outputs, **shape)


Draw = Callable[[np.random.Generator, tuple[int, ...], int, int], np.ndarray]  # (generator, shape, fan_in, fan_out)
INITIALISATIONS: dict[str, tuple[Draw, Draw]] = {  # how the weights, and how the biases, are drawn
    # U(-1/sqrt(fan_in), 1/sqrt(fan_in)) for both, what torch.nn.Linear and Conv2d do
    "pytorch": (
        lambda rng, shape, fan_in, _: rng.uniform(-1, 1, shape) / math.sqrt(fan_in),
        lambda rng, shape, fan_in, _: rng.uniform(-1, 1, shape) / math.sqrt(fan_in),
    ),
    # N(0, 1) for both: saturates sigmoid units (Nielsen, Neural Networks and Deep Learning, chapters 1 and 3)
    "normal": (lambda rng, shape, *_: rng.standard_normal(shape), lambda rng, shape, *_: rng.standard_normal(shape)),
    # N(0, 1/fan_in), biases N(0, 1) (Nielsen, chapter 3)
    "scaled_normal": (
        lambda rng, shape, fan_in, _: rng.standard_normal(shape) / math.sqrt(fan_in),
        lambda rng, shape, *_: rng.standard_normal(shape),
    ),
    # N(0, 2/fan_in), biases 0 (He et al. 2015, equation 10)
    "kaiming": (
        lambda rng, shape, fan_in, _: rng.standard_normal(shape) * math.sqrt(2 / fan_in),
        lambda rng, shape, *_: np.zeros(shape),
    ),
    # U(-a, a) with a = sqrt(6/(fan_in + fan_out)), biases 0 (Glorot and Bengio 2010, equation 16)
    "xavier": (
        lambda rng, shape, fan_in, fan_out: rng.uniform(-1, 1, shape) * math.sqrt(6 / (fan_in + fan_out)),
        lambda rng, shape, *_: np.zeros(shape),
    ),
}


def initial_weights(
    shapes: Sequence[tuple[tuple[int, ...], tuple[int, ...]]], scheme: str, rng: np.random.Generator
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Draw (weight, bias) of each layer in float64, layer by layer, so that every engine and device starts alike.

    Args:
        shapes: per layer, the shape of its weight ``[out, in, ...]`` and of its bias ``[out]``.
        scheme: one of `INITIALISATIONS`.
        rng: the run's ``weights`` stream.

    Raises:
        InputError: unknown scheme.
    """
    if scheme not in INITIALISATIONS:
        raise one_of("problem.initialisation", scheme, INITIALISATIONS)
    weight, bias = INITIALISATIONS[scheme]
    drawn = []
    for weight_shape, bias_shape in shapes:
        area = math.prod(weight_shape[2:])
        fans = weight_shape[1] * area, weight_shape[0] * area
        drawn.append((weight(rng, weight_shape, *fans), bias(rng, bias_shape, *fans)))
    return drawn


@torch.no_grad()
def initialise(network: nn.Module, scheme: str, rng: np.random.Generator) -> None:
    """Fill the linear and convolutional layers of `network` with `initial_weights`."""
    layers = [layer for layer in network.modules() if isinstance(layer, (nn.Linear, nn.Conv2d))]
    shapes = [(tuple(layer.weight.shape), (len(layer.weight),)) for layer in layers]
    for layer, (weight, bias) in zip(layers, initial_weights(shapes, scheme, rng), strict=True):
        layer.weight.copy_(torch.from_numpy(weight))
        assert layer.bias is not None
        layer.bias.copy_(torch.from_numpy(bias))
