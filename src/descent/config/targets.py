"""Import and check the class or function of a ``_target_`` before anything is called; its signature gives the arguments.

Each group makes one kind of object. A class must be a subclass of that kind; a function must come from descent or from a module
of the user's own, never from Python or from a package that descent itself uses, which have functions that delete files.
"""

import inspect
import sys
import typing
from collections.abc import Callable, Collection, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from descent.config.check import check, describe
from descent.config.choices import no_setting
from descent.config.imports import foreign, imported
from descent.config.named import named
from descent.config.schema import Component, RunConfig
from descent.config.values import Arguments, typed
from descent.errors import InputError

Factory = Callable[..., Any]
ANY = "**"  # stands for all further arguments of a function that takes any
KINDS: Mapping[str, str] = MappingProxyType(  # what classes of a group are derived from
    {
        "problem": "descent.problems.base.Problem",
        "batch": "descent.batching.Batches",
        "optimizer": "torch.optim.optimizer.Optimizer",
        "wrapper": "torch.optim.optimizer.Optimizer",
        "trainer.strategy": "lightning.pytorch.strategies.strategy.Strategy",
    }
)
PASSED: Mapping[str, tuple[str, ...]] = MappingProxyType(  # arguments that descent passes, which are not settings
    {
        "problem": ("seed", "dtype"),
        "batch": ("examples", "seed"),
        "optimizer": ("params",),
        "wrapper": ("optimizer",),
        "schedule": ("step", "horizon", "history"),
        "logger": ("folder", "hyperparameters", "rows"),
        "trainer.strategy": (),
    }
)


def resolve(config: RunConfig) -> RunConfig:
    """Return a configuration whose arguments are of the types that their classes declare.

    Raises:
        InputError: a ``_target_`` that cannot be used, or an argument that it does not take.
    """
    config = named(config)
    changed = {group: converted(group, getattr(config, group)) for group in ("problem", "batch", "schedule")}
    if config.wrapper is not None:
        changed["wrapper"] = converted("wrapper", config.wrapper)
    changed["optimizer"] = converted(config.optimizer.group, config.optimizer, further=config.by_hand)
    logger = {name: converted(f"logger.{name}", component) for name, component in config.logger.items()}
    strategy = config.trainer.strategy
    if isinstance(strategy, Component):
        strategy = converted("trainer.strategy", strategy, further=True)  # no signature of Lightning's names all
    trainer = config.trainer.model_copy(update={"strategy": strategy})
    for name, value in trainer.arguments.items():
        _no_targets(f"trainer.{name}", value)
    return config.model_copy(update={**changed, "logger": logger, "trainer": trainer})


def converted(group: str, component: Component, further: bool = False) -> Component:
    """Return a component whose arguments are of the declared types.

    Args:
        group: as it is typed, ``optimizer``.
        component: as configured.
        further: let pass what its class does not take, as another one that stands for it may: see `build.numpy_optimizer`.

    Raises:
        InputError: see `resolve`.
    """
    made = factory(group, component.factory)
    arguments = bound(group, made, component.arguments, PASSED[_kind(group)], component.field_names(), further)
    if _kind(group) == "optimizer" and "lr" in declared(made) and arguments.get("lr") is None:
        raise InputError(f"{group}.lr", None, f"must be given, as {made.__name__} has one")
    return component.with_arguments(arguments)


def bound(
    group: str,
    made: Factory,
    arguments: Arguments,
    passed: Collection[str] = (),
    field_names: Collection[str] = (),
    further: bool = False,
) -> dict[str, Any]:
    """Return arguments converted to the types that a class or function declares.

    Args:
        group: as it is typed, ``optimizer``.
        made: the class or function.
        arguments: from yaml and command line.
        passed: names of arguments that descent passes.
        field_names: settings of the group that are not arguments.
        further: let pass what `made` does not take.

    Raises:
        InputError: an argument that it does not take, or a value that is not of the type.
    """
    types = declared(made)
    allowed = [name for name in types if name not in (*passed, ANY)]
    checked = {}
    for name, value in arguments.items():
        key = f"{group}.{name}"
        _no_targets(key, value)
        if name not in allowed and ANY not in types and not further:
            settings = [*allowed, *sorted(field_names)]
            raise no_setting(key, value, made.__qualname__, settings, [f"{group}.{setting}" for setting in settings])
        checked[name] = check(key, value, types.get(name, Any))
    for name in required(made):
        if name not in checked and name not in passed:
            allowed_values = "must be given, as it has no default" if types[name] is Any else describe(types[name])
            raise InputError(f"{group}.{name}", None, allowed_values)
    return checked


def factory(group: str, path: str) -> Factory:
    """Return the class or function that an import path names, if it can make an object of the group.

    Args:
        group: as it is typed, ``optimizer`` or ``logger.csv``.
        path: ``package.module.name``.

    Raises:
        InputError: it cannot be imported, or makes something else.
    """
    key = "optimizer.name" if group == "optimizer.args" else f"{group}._target_"
    kind = KINDS.get(_kind(group))
    if path.partition(".")[0] in sys.stdlib_module_names:
        expected = f"a subclass of {_public(kind)}" if kind else "a class"
        raise InputError(key, path, f"must be {expected}, or a function of descent or of a module of your own")
    target = imported(key, path)
    if inspect.isclass(target):
        if kind is not None and kind not in (f"{base.__module__}.{base.__qualname__}" for base in inspect.getmro(target)[1:]):
            raise InputError(key, path, f"must be a subclass of {_public(kind)}, or a function that makes one")
        if _kind(group) == "logger" and not (hasattr(target, "record") and hasattr(target, "close")):
            raise InputError(key, path, "must have the methods record(row) and close()")
        if _kind(group) == "schedule":
            raise InputError(key, path, "must be a function")
        if _kind(group) != "logger":
            return target
    if not inspect.isfunction(target) and not inspect.isclass(target):
        raise InputError(key, path, "must be a class or a function")
    if not inspect.isclass(target) and (foreign(path) or foreign(target.__module__)):
        raise InputError(key, path, "must be a function of descent or of a module of your own")
    lacking = [name for name in PASSED[_kind(group)] if name not in (types := declared(target)) and ANY not in types]
    if lacking and _kind(group) != "schedule":  # which is called by position
        raise InputError(key, path, f"must take the argument {lacking[0]}, to make the {_kind(group)}")
    return target


def _public(path: str) -> str:
    """Return a class's path without the module in which its package keeps it: ``torch.optim.Optimizer``."""
    *package, module, name = path.split(".")
    return ".".join([*package, name] if module == name.lower() else [*package, module, name])


def declared(target: Factory) -> dict[str, Any]:
    """Return the type of each argument, Any where undeclared, including those that ``**`` passes to a base class."""
    return dict(_declared(target))


@cache
def required(target: Factory) -> tuple[str, ...]:
    """Return the arguments without a default; of a class, those of its own ``__init__`` alone."""
    parameters = inspect.signature(target).parameters.values()
    return tuple(p.name for p in parameters if p.default is p.empty and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL))


@cache
def _declared(target: Factory) -> Mapping[str, Any]:
    types = {name: typed(parameter.annotation) for name, parameter in _parameters(target).items()}
    open_ended = any(p.kind is p.VAR_KEYWORD for p in inspect.signature(target).parameters.values())
    return types | {ANY: Any} if open_ended and not inspect.isclass(target) else types


@cache
def _parameters(target: Factory) -> Mapping[str, inspect.Parameter]:
    """Return the arguments with resolved annotations, including those that ``**`` passes to a base class."""
    collected: dict[str, inspect.Parameter] = {}
    for owner in inspect.getmro(target) if inspect.isclass(target) else (target,):
        if inspect.isclass(owner) and "__init__" not in vars(owner):
            continue
        function = owner.__init__ if inspect.isclass(owner) else owner
        annotations = _annotations(function)
        parameters = list(inspect.signature(function).parameters.values())[inspect.isclass(owner) :]
        for parameter in parameters:
            if parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
                collected.setdefault(parameter.name, parameter.replace(annotation=annotations.get(parameter.name, Any)))
        if all(parameter.kind is not parameter.VAR_KEYWORD for parameter in parameters):
            break
    return collected


def _annotations(function: Factory) -> Mapping[str, Any]:
    try:
        return typing.get_type_hints(function, include_extras=True)
    except Exception:  # names that only a type checker imports, in a module that we do not know
        return {}


def _kind(group: str) -> str:
    return group.partition(".")[0] if group.startswith(("logger.", "optimizer.")) else group


def _no_targets(key: str, value: object) -> None:
    """Refuse a ``_target_`` deeper than its group, which would be called before it is checked."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            if str(name).startswith("_") and str(name).endswith("_"):
                raise InputError(f"{key}.{name}", item, "only a group has a _target_, no setting within it")
            _no_targets(f"{key}.{name}", item)
    if isinstance(value, list):
        for index, item in enumerate(value):
            _no_targets(f"{key}.{index}", item)
