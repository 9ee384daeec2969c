"""Convert values to the types of settings, and describe the values that a type allows."""

import math
import typing
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Interval, Le, Lt, MinLen
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from descent.config.values import UNIONS, File, Flag, Folder, Null, Real, Text, Whole
from descent.errors import InputError

NAMED = [  # the mark that makes a type one of these, as pydantic flattens types within types; a folder has that of a file too
    (typing.get_args(kind)[-1], words)
    for kind, words in (
        (Folder, "a folder"),
        (File, "a file"),
        (Whole, "a whole number"),
        (Real, "a number"),
        (Flag, "true or false"),
        (Text, "text without control characters"),
        (Null, "null"),
    )
]


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind, config=None if _is_model(kind) else ConfigDict(arbitrary_types_allowed=True))


def check(key: str, value: object, kind: Any, remedy: str = "") -> Any:
    """Return `value` converted to a type.

    Args:
        key: the setting, as it is typed on the command line.
        value: a plain value, or a text that spells one.
        kind: the type, as `typed` returns it.
        remedy: what else the error says.

    Raises:
        InputError: the value is none of the type; names the value within it that is not.
    """
    try:
        return _adapter(kind).validate_python(value)
    except ValidationError as error:
        raise _refusal(key, value, kind, error, remedy) from None


def _refusal(key: str, value: object, kind: Any, error: ValidationError, remedy: str) -> InputError:
    """Return the first of pydantic's errors as one line."""
    first = error.errors(include_url=False, include_context=False)[0]
    wrong = value
    for name in first["loc"]:
        inner = _inner(kind, name)
        if first["type"] == "missing" and _length(kind):
            break
        lacks = isinstance(name, str) and not (isinstance(wrong, Mapping) and name in wrong) and first["type"] != "missing"
        if inner is None or lacks:  # a member of a union, which pydantic names too
            continue
        key, kind = (f"{key}.{name}" if key else str(name)), inner
        if first["type"] == "missing" and not (isinstance(wrong, Mapping) and name in wrong):
            return InputError(key, None, describe(kind))
        if isinstance(wrong, Mapping) or (isinstance(wrong, Sequence) and not isinstance(wrong, str)):
            wrong = wrong[name]  # type: ignore[index]
    if isinstance(wrong, list) and not remedy and "list" not in describe(kind):
        remedy = f"For one run each, sweep: -m {key}={','.join(map(str, wrong))}."
    return InputError(key, wrong, describe(kind), remedy)


def _length(kind: Any) -> int | None:
    """Return the number of items of a list of a fixed length."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    return _length(arguments[0]) if origin is Annotated else len(arguments) if origin is tuple else None


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _inner(kind: Any, name: int | str) -> Any:
    """Return the type of a field or an item, None where `name` is only a step within pydantic."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        return _inner(arguments[0], name)
    if origin in UNIONS:
        return next((inner for member in arguments if (inner := _inner(member, name)) is not None), None)
    if origin is list and isinstance(name, int):
        return arguments[0]
    if origin is dict:
        return arguments[1]
    if origin is tuple and isinstance(name, int) and name < len(arguments):
        return arguments[name]
    if _is_model(kind):
        for field, info in kind.model_fields.items():
            if name in (field, info.alias):
                return Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation
    return None


def describe(kind: Any) -> str:
    """Describe the values that a type allows, as ``must be a whole number >= 1, or null``."""
    return f"must be {_words(kind)}"


def _words(kind: Any) -> str:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        plain = next((words for mark, words in NAMED if mark in arguments[1:]), None)
        return (plain or _words(arguments[0])) + _bounds(arguments[1:])
    if origin in UNIONS:
        members = sorted(arguments, key=lambda member: member in (Null, type(None)))
        return ", or ".join(_words(member) for member in members)
    if origin is Literal:
        return "one of " + ", ".join(str(name).lower() for name in arguments)
    if origin is list:
        return f"a list of {_words(arguments[0]).removeprefix('a ').replace('number', 'numbers', 1)}"
    if origin is tuple:
        inner = _words(arguments[0]).removeprefix("a ").replace("number", "numbers", 1)
        return f"a list of {len(arguments)} {inner}" if len(set(arguments)) == 1 else f"a list of {len(arguments)} values"
    if kind in (None, type(None)):
        return "null"
    if origin is dict:
        return f"a mapping, from names to {_words(arguments[1])}"
    return f"a mapping of {', '.join(kind.model_fields)}" if _is_model(kind) else "another value"


def _bounds(marks: Sequence[Any]) -> str:
    signs = {Ge: (">=", "ge"), Gt: (">", "gt"), Le: ("<=", "le"), Lt: ("<", "lt")}
    shown = []
    for mark in marks:
        if isinstance(mark, Interval):
            shown += [f"{sign} {_bound(getattr(mark, name))}" for sign, name in signs.values() if getattr(mark, name) is not None]
        elif type(mark) in signs:
            sign, name = signs[type(mark)]
            shown.append(f"{sign} {_bound(getattr(mark, name))}")
        elif isinstance(mark, MinLen):
            shown.append(f"of at least {mark.min_length} items")
    return f" {' and '.join(shown)}" if shown else ""


def _bound(value: float) -> str:
    power = math.log2(value) if value > 1e15 else 0.5
    return f"2^{power:.0f}" if power.is_integer() else f"{value:g}"
