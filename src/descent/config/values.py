"""The types of settings: plain values, numbers with a range, and how a text becomes one of them.

A type says what is allowed and nothing else does: see `check`. Classes of
problems, batch modes and schedules use the same types in their signatures: ``width: Count``.
"""

import inspect
import math
import re
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, Union

from annotated_types import Ge, Gt, Le
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

Value: TypeAlias = "bool | int | float | str | list[Value] | dict[str, Value] | None"
Arguments: TypeAlias = Mapping[str, Value]
MOST = 2**63
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")  # also what turns the direction of a text
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
    if number != int(number) or abs(number) >= MOST:
        raise ValueError("is not whole, or no computer counts so far")
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


def _shown_text(value: object) -> str:
    text = _text(value)
    if CONTROL.search(text):
        raise ValueError("would be obeyed by a terminal")
    return text


def _list(value: object) -> object:
    """Return a text in brackets as the list that it spells on the command line."""
    if isinstance(value, str) and value.strip().startswith("["):
        from hydra.core.override_parser.overrides_parser import OverridesParser
        from hydra.errors import OverrideParseException

        try:
            return OverridesParser.create().parse_override(f"x={value}").value()
        except OverrideParseException:
            return value
    return value


def _nothing(value: object) -> None:
    if read(value) is not None:
        raise ValueError("is not null")


def _path(value: object) -> Path:
    return Path(_text(value)).expanduser()


class _Folder:
    """Mark an argument for the folder of data: it does not determine a result, so a run's identity leaves it out."""


class _Later:
    """Marks an argument that came when runs already had ids: where it is null, it is no part of them."""


LATER = _Later()
Listed = BeforeValidator(_list)
Whole = Annotated[int, BeforeValidator(_whole)]
Real = Annotated[float, BeforeValidator(_real)]
Flag = Annotated[bool, BeforeValidator(_flag)]
Text = Annotated[str, BeforeValidator(_shown_text)]
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

PLAIN = {int: Whole, float: Real, bool: Flag, str: Text, None: Null, type(None): Null, Path: File}
_ORDER = (Null, Flag, Whole, Real)  # a union's members are tried in this order, the others after these
CONTAINERS = (Any, object, dict, list, set, tuple, Mapping, Sequence)  # of anything: whatever their class takes
UNIONS = (Union, types.UnionType)


def typed(annotation: Any) -> Any:
    """Return the type of settings for an annotation; Any if there is none, as for a tensor."""
    if annotation in PLAIN:
        return PLAIN[annotation]
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        if any(isinstance(mark, BeforeValidator) for mark in arguments[1:]):
            return annotation
        inner = typed(arguments[0])
        return Annotated[inner, *arguments[1:]] if inner is not Any else Any
    if origin in UNIONS:
        if any(typed(member) is Any and (typing.get_origin(member) or member) in CONTAINERS for member in arguments):
            return Any
        members = [member for member in map(typed, arguments) if member is not Any]  # without a tensor, for one
        if not members:
            return Any
        members.sort(key=lambda member: _ORDER.index(member) if member in _ORDER else len(_ORDER))
        return Union[tuple(members)]  # noqa: UP007
    if origin is Literal:
        return annotation
    if origin in (list, Sequence):
        return Annotated[list[typed(arguments[0])], Listed]  # type: ignore[misc]
    if origin is tuple:
        if arguments[-1] is Ellipsis:
            return Annotated[list[typed(arguments[0])], Listed]  # type: ignore[misc]
        return Annotated[tuple[tuple(map(typed, arguments))], Listed, AfterValidator(list)]  # type: ignore[misc]
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else Any


def is_folder(kind: Any) -> bool:
    """Return whether a type, or a member of a union, is a `Folder`."""
    arguments = typing.get_args(kind)
    return any(isinstance(mark, _Folder) for mark in arguments) or any(is_folder(member) for member in arguments)


def is_later(kind: Any) -> bool:
    """Return whether a type is marked as `LATER`."""
    return LATER in typing.get_args(kind)


def is_file(kind: Any) -> bool:
    """Return whether a type, or a member of a union, is a path other than a `Folder`."""
    if is_folder(kind):
        return False
    return kind is Path or any(is_file(member) for member in typing.get_args(kind) if not inspect.isfunction(member))
