"""Put the class that ``optimizer.name`` names in the place of the function that finds it."""

from typing import Any

from descent.config.check import check
from descent.config.imports import imported
from descent.config.schema import RunConfig
from descent.errors import InputError


def named(config: RunConfig) -> RunConfig:
    """Return a configuration with the class that ``optimizer.name`` names in the place of the function that finds it.

    The run is called by that class, ``RAdam`` where it is torch's, else with its package, ``pytorch_optimizer.Lion``.

    Raises:
        InputError: there is no name, or no such class.
    """
    optimizer = config.optimizer
    find: Any = imported("optimizer._target_", optimizer.factory)
    if not hasattr(find, "finds_class"):
        return config
    name, args = optimizer.arguments.get("name"), optimizer.arguments.get("args")
    if not isinstance(name, str):
        remedy = f"For one, optimizer.name={find.finds_class}."
        raise InputError("optimizer.name", name, "must be the name of an optimizer", remedy)
    path: str = find(name)
    package, *_, last = path.split(".")
    label = last if package == "torch" else f"{package}.{last}"
    arguments = check("optimizer.args", args, dict[str, Any])
    chosen = optimizer.model_copy(update={"factory": path, "arguments": dict(arguments)}).typed_after("optimizer.args")
    called = config.names.optimizer.replace(config.names.bare_optimizer, label, 1)
    names = config.names.model_copy(update={"optimizer": called})
    return config.model_copy(update={"optimizer": chosen, "names": names})
