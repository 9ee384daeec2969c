"""MNIST and Fashion-MNIST, through torchvision's loaders, which download and verify."""

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import torch
from torchvision import datasets

from descent.config.values import Folder
from descent.errors import InputError, one_of
from descent.problems.base import Arrays
from descent.problems.classification import Classification
from descent.randomness import generator

TRAINING = 50_000  # the first 50,000 examples of the training file train, its last 10,000 validate
MD5 = {  # of the published MNIST files, uncompressed
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


class Mnist(Classification):
    """Recognise 28x28 images: 50,000 train, 10,000 validate, 10,000 test.

    Args:
        dataset: ``MNIST``, ``FashionMNIST``, or ``stand_in``: random images of the same shape, to measure speed without data.
        root: the folder that holds ``<dataset>/raw/``; None is ``data`` in the working folder, made when it is needed.

    Raises:
        InputError: a folder that is missing, unwritable or holds a damaged file; no network when a download is needed.

    Source: Y. LeCun et al. 1998, Gradient-based learning applied to document recognition; H. Xiao et al. 2017, Fashion-MNIST.
    """

    def __init__(self, *, seed: int, dtype: torch.dtype, dataset: str, root: Folder | None, **network: Any) -> None:
        if dataset not in SOURCES:
            raise one_of("problem.dataset", dataset, SOURCES)
        (images, labels), test = SOURCES[dataset](root)
        splits = {
            "train": (images[:TRAINING], labels[:TRAINING]),
            "val": (images[TRAINING:], labels[TRAINING:]),
            "test": test,
        }
        super().__init__(splits, seed=seed, dtype=dtype, largest=255, **network)


def _torchvision(loader: type[datasets.MNIST], root: Path | None) -> tuple[Arrays, Arrays]:
    folder = root or Path("data")
    if root is not None and not folder.is_dir():
        raise InputError("problem.root", root, "is not a folder", "Name a folder, or leave problem.root out to use ./data.")
    raw = folder / loader.__name__ / "raw"
    try:
        if not all((raw / name).is_file() for name in MD5):
            _download(loader, folder)
        arrays = _arrays(loader(str(folder), train=True)), _arrays(loader(str(folder), train=False))
        _verify(loader, raw, arrays)
    except OSError as error:
        cause = f"{error.filename or folder}: {error.strerror}"
        raise InputError("problem.root", folder, f"cannot be used ({cause})", "Choose another folder.") from error
    except (ValueError, AssertionError, TypeError, KeyError, RuntimeError) as error:  # all that the parser raises
        if isinstance(error, InputError):
            raise
        raise InputError("problem.root", folder, f"{raw} holds a damaged file", "Delete it to download it anew.") from error
    return arrays


def _download(loader: type[datasets.MNIST], folder: Path) -> None:
    name = loader.__name__
    try:
        loader(str(folder), download=True)
    except (RuntimeError, URLError) as error:  # all mirrors failed
        for left in (folder / name / "raw", folder / name, folder):  # what torchvision made before it failed
            with suppress(OSError):
                left.rmdir()
        causes = [line for line in str(error).splitlines() if line.startswith("<urlopen")] or [type(error).__name__]
        raise InputError(
            "problem.root",
            folder,
            f"no {name} there, and it cannot be downloaded ({causes[0].strip('<>')})",
            f"Connect and try again, or set problem.root to a folder that holds {name}/raw. (problem=digits_mlp needs no data.)",
        ) from error


def _arrays(dataset: datasets.MNIST) -> Arrays:
    return dataset.data.flatten(1).numpy(), dataset.targets.numpy()


def _verify(loader: type[datasets.MNIST], raw: Path, arrays: tuple[Arrays, Arrays]) -> None:
    """Refuse what the parser reads without complaint: files that were cut, mixed up or changed."""
    for (images, labels), examples in zip(arrays, (60_000, 10_000), strict=True):
        if images.shape != (examples, 784) or labels.shape != (examples,) or labels.max() > 9:
            raise ValueError("not of MNIST's shape")
    if loader is datasets.MNIST:
        for name, md5 in MD5.items():
            if hashlib.md5((raw / name).read_bytes(), usedforsecurity=False).hexdigest() != md5:
                raise InputError("problem.root", raw.parents[1], f"{raw / name} is damaged", "Delete it to download it anew.")


def _stand_in(root: Path | None) -> tuple[Arrays, Arrays]:
    rng = generator(0, "data")
    images, labels = rng.integers(256, size=(70_000, 784), dtype=np.uint8), rng.integers(10, size=70_000)
    return (images[:60_000], labels[:60_000]), (images[60_000:], labels[60_000:])


SOURCES = {
    "MNIST": lambda root: _torchvision(datasets.MNIST, root),
    "FashionMNIST": lambda root: _torchvision(datasets.FashionMNIST, root),
    "stand_in": _stand_in,
}
