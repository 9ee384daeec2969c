"""Find the class that ``optimizer.name`` names, where a yaml leaves it open; see `descent.config.targets.named`."""

from collections.abc import Callable

from descent.config.imports import imported
from descent.errors import InputError, likeliest

Finder = Callable[[str], str]


def finds_class(example: str) -> Callable[[Finder], Finder]:
    """Mark a function from ``optimizer.name``, for one `example`, to an import path, whose class stands in its place."""

    def mark(function: Finder) -> Finder:
        function.finds_class = example  # type: ignore[attr-defined]
        return function

    return mark


@finds_class("torch.optim.RAdam")
def any_class(name: str) -> str:
    """Return `name`, which is the import path itself."""
    return name


@finds_class("lion")
def pytorch_optimizer(name: str) -> str:
    """Return the import path of the class that the package pytorch-optimizer calls `name`, in small letters.

    Raises:
        InputError: the package is not installed, or has no such optimizer.
    """
    imported("optimizer", "pytorch_optimizer.load_optimizer")
    from pytorch_optimizer import get_supported_optimizers, load_optimizer

    try:
        return f"pytorch_optimizer.{load_optimizer(name.replace('_', '')).__name__}"
    except (NotImplementedError, ImportError) as error:
        known = [str(name) for name in get_supported_optimizers()]
        problem = f"is none of the {len(known)} names of pytorch_optimizer.get_supported_optimizers()"
        raise InputError("optimizer.name", name, problem, likeliest(name, known)) from error
