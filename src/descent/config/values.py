"""The types of settings: plain values, numbers with a range, and how a text becomes one of them.

A type says what is allowed and nothing else does: `describe` puts it into words, `check` converts a value to it. Classes of
problems, batch modes and schedules use the same types in their signatures: ``width: Count``.
"""

import inspect
import math
import types
import typing
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, Union

from annotated_types import Ge, Gt, Interval, Le, Lt, MaxLen, MinLen
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, TypeAdapter, ValidationError

from descent.errors import InputError

Value: TypeAlias = "bool | int | float | str | list[Value] | dict[str, Value] | None"
Arguments: TypeAlias = Mapping[str, Value]
WORDS = {"true": True, "false": False, "null": None}


class Model(BaseModel):
    """A mapping with a fixed set of keys, each with a type."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


def read(value: object) -> object:
    """Return a text, such as an environment variable's, as the number or the word that it spells on the command line."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if text.lower() in WORDS:
        return WORDS[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return value


def _number(value: object) -> int | float:
    number = read(value)
    if isinstance(number, bool) or not isinstance(number, (int, float)) or not math.isfinite(number):
        raise ValueError("is no finite number")
    return number


def _whole(value: object) -> int:
    number = _number(value)
    if number != int(number):
        raise ValueError("is not whole")
    return int(number)


def _real(value: object) -> float:
    try:
        return float(_number(value))
    except OverflowError:
        raise ValueError("is too large") from None


def _flag(value: object) -> bool:
    flag = read(value)
    if not isinstance(flag, bool):
        raise ValueError("is neither true nor false")
    return flag


def _text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float, Path)):
        raise ValueError("is no text")
    return str(value)


def _nothing(value: object) -> None:
    if read(value) is not None:
        raise ValueError("is not null")


def _path(value: object) -> Path:
    return Path(_text(value)).expanduser()


class _Folder:
    """Marks an argument that says where data lie: it determines no result, so it is no part of a run's identity."""


Whole = Annotated[int, BeforeValidator(_whole)]
Real = Annotated[float, BeforeValidator(_real)]
Flag = Annotated[bool, BeforeValidator(_flag)]
Text = Annotated[str, BeforeValidator(_text)]
Null = Annotated[None, BeforeValidator(_nothing)]
File = Annotated[Path, BeforeValidator(_path)]
Folder = Annotated[Path, BeforeValidator(_path), _Folder()]

Count = Annotated[Whole, Ge(1)]
Index = Annotated[Whole, Ge(0)]
Positive = Annotated[Real, Gt(0)]
NotNegative = Annotated[Real, Ge(0)]
Condition = Annotated[Real, Ge(1)]  # a condition number
Share = Annotated[Real, Ge(0), Le(1)]
Factor = Annotated[Real, Gt(0), Le(1)]

_PLAIN = {int: Whole, float: Real, bool: Flag, str: Text, None: Null, type(None): Null, Path: File}
_ORDER = (Null, Flag, Whole, Real)  # a union's members are tried in this order, the others after these
_UNIONS = (Union, types.UnionType)


def typed(annotation: Any) -> Any:
    """Return the type of settings that an annotation stands for; Any where it stands for none, as a tensor's."""
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        if any(isinstance(mark, BeforeValidator) for mark in arguments[1:]):
            return annotation
        inner = typed(arguments[0])
        return Annotated[inner, *arguments[1:]] if inner is not Any else Any
    if origin in _UNIONS:
        members = [member for member in map(typed, arguments) if member is not Any]
        if not members:
            return Any
        members.sort(key=lambda member: _ORDER.index(member) if member in _ORDER else len(_ORDER))
        return Union[tuple(members)]  # noqa: UP007
    if origin is Literal:
        return annotation
    if origin in (list, Sequence):
        return list[typed(arguments[0])]  # type: ignore[misc]
    if origin is tuple:
        if arguments[-1] is Ellipsis:
            return list[typed(arguments[0])]  # type: ignore[misc]
        return Annotated[tuple[tuple(map(typed, arguments))], AfterValidator(list)]  # type: ignore[misc]
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else Any


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
        if inner is None or (first["type"] == "missing" and _length(kind)):
            break
        key, kind = (f"{key}.{name}" if key else str(name)), inner
        if first["type"] == "missing" and not (isinstance(wrong, Mapping) and name in wrong):
            return InputError(key, None, describe(kind))
        if isinstance(wrong, Mapping) or (isinstance(wrong, Sequence) and not isinstance(wrong, str)):
            wrong = wrong[name]  # type: ignore[index]
    if isinstance(wrong, list) and not remedy and "list" not in describe(kind):
        remedy = f"For one run each, sweep: -m {key}={','.join(map(str, wrong))}."
    return InputError(key, wrong, describe(kind), remedy)


def _length(kind: Any) -> int | None:
    """Return how many items a list of a fixed length has."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    return _length(arguments[0]) if origin is Annotated else len(arguments) if origin is tuple else None


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _inner(kind: Any, name: int | str) -> Any:
    """Return the type of a field or an item, None where `name` is only a step within pydantic."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        return _inner(arguments[0], name)
    if origin in _UNIONS:
        return next((inner for member in arguments if (inner := _inner(member, name)) is not None), None)
    if origin is list and isinstance(name, int):
        return arguments[0]
    if origin is tuple and isinstance(name, int) and name < len(arguments):
        return arguments[name]
    if _is_model(kind):
        for field, info in kind.model_fields.items():
            if name in (field, info.alias):
                return Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation
    return None


def describe(kind: Any) -> str:
    """Return what a type allows, as ``must be a whole number >= 1, or null``."""
    return f"must be {_words(kind)}"


def _words(kind: Any) -> str:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    simple = {Whole: "a whole number", Real: "a number", Flag: "true or false", Text: "text", Null: "null", File: "a file"}
    if kind in simple:
        return simple[kind]
    if kind == Folder:
        return "a folder"
    if origin is Annotated:
        return _words(arguments[0]) + _bounds(arguments[1:]) if arguments[0] not in _PLAIN else _annotated(arguments)
    if origin in _UNIONS:
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
    return f"a mapping of {', '.join(kind.model_fields)}" if _is_model(kind) else "another value"


def _annotated(arguments: tuple[Any, ...]) -> str:
    """Return a plain type with marks, as pydantic flattens them: the type's words, then its range."""
    marks = [mark for mark in arguments[1:] if isinstance(mark, BeforeValidator)]
    base = next((kind for kind in (Whole, Real, Flag, Text, File) if typing.get_args(kind)[1] in marks), None)
    return ("another value" if base is None else _words(base)) + _bounds(arguments[1:])


def _bounds(marks: Sequence[Any]) -> str:
    signs = {Ge: (">=", "ge"), Gt: (">", "gt"), Le: ("<=", "le"), Lt: ("<", "lt")}
    shown = []
    for mark in marks:
        if isinstance(mark, Interval):
            shown += [f"{sign} {_bound(getattr(mark, name))}" for sign, name in signs.values() if getattr(mark, name) is not None]
        elif type(mark) in signs:
            sign, name = signs[type(mark)]
            shown.append(f"{sign} {_bound(getattr(mark, name))}")
        elif isinstance(mark, MaxLen):
            shown.append(f"of at most {mark.max_length} letters")
        elif isinstance(mark, MinLen):
            shown.append(f"of at least {mark.min_length} items")
    return f" {' and '.join(shown)}" if shown else ""


def _bound(value: float) -> str:
    power = math.log2(value) if value > 1e15 else 0.5
    return f"2^{power:.0f}" if power.is_integer() else f"{value:g}"


def is_folder(kind: Any) -> bool:
    """Return whether a type, or a member of a union, is a `Folder`."""
    arguments = typing.get_args(kind)
    return any(isinstance(mark, _Folder) for mark in arguments) or any(is_folder(member) for member in arguments)


def is_file(kind: Any) -> bool:
    """Return whether a type, or a member of a union, is a path other than a `Folder`."""
    if is_folder(kind):
        return False
    return kind is Path or any(is_file(member) for member in typing.get_args(kind) if not inspect.isfunction(member))
