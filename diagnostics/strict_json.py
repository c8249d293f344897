"""JSON in and out of frozen dataclasses, strictly.

Out: enums by value, tuples as lists, mappings as objects. In: the field's own type decides; an unknown or
missing field, a duplicate key, NaN, a string for a number, `true` for `1` and depth over MAX_DEPTH are
refused with the path of the offending field. Dataclasses instead of pydantic here because a check worker
starts every few minutes and pydantic's import costs more than all checks together.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from enum import IntEnum, StrEnum
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin

MAX_DEPTH = 16
# 16 MiB: four times the largest recorded machine's file.
MAX_BYTES = 16 * 1024 * 1024

Value = TypeVar("Value")


class StrictJsonError(ValueError):
    """The text is not the JSON that was expected; the message names the field, what was expected and what
    came."""


def encode(value: object) -> object:
    """Plain JSON values of a dataclass, enum, tuple or mapping."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: encode(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, (tuple, list, frozenset, set)):
        items = sorted(value) if isinstance(value, (frozenset, set)) else value
        return [encode(item) for item in items]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"{type(value).__name__} has no JSON form here")


def dump_json(value: object, *, indent: int | None = None) -> str:
    """One line unless indented; NaN and infinities are refused rather than written as invalid JSON."""
    separators = (",", ":") if indent is None else None
    return json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent, separators=separators)


def _no_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result: dict[str, object] = {}
    for key, value in pairs:
        if key in result:
            raise StrictJsonError(f"key {key!r} appears twice")
        result[key] = value
    return result


def _no_constant(text: str) -> object:
    raise StrictJsonError(f"{text} is not JSON")


def _depth_within(value: object, left: int) -> bool:
    if left < 0:
        return False
    if isinstance(value, dict):
        return all(_depth_within(item, left - 1) for item in value.values())
    if isinstance(value, list):
        return all(_depth_within(item, left - 1) for item in value)
    return True


def load_json(text: str | bytes) -> object:
    """Parse JSON text. Raises StrictJsonError on duplicates, NaN, depth, size or broken text."""
    if len(text) > MAX_BYTES:
        raise StrictJsonError(f"expected at most {MAX_BYTES} bytes of JSON, got {len(text)}")
    try:
        value = json.loads(text, object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
    except StrictJsonError:
        raise
    except (ValueError, RecursionError) as error:
        raise StrictJsonError(f"not JSON: {error}") from error
    if not _depth_within(value, MAX_DEPTH):
        raise StrictJsonError(f"expected at most {MAX_DEPTH} levels of nesting")
    return cast(object, value)


def decode(kind: type[Value], value: object) -> Value:
    """Make a `kind` of plain JSON values. Raises StrictJsonError naming the first field that does not fit."""
    return cast(Value, _decode(kind, value, kind.__name__))


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _decode(kind: Any, value: object, path: str) -> object:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _decode_union(get_args(kind), value, path)
    if origin is tuple:
        return _decode_tuple(get_args(kind), value, path)
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, dict):
            raise _wrong(path, "an object", value)
        return {key: _decode(get_args(kind)[1], item, f"{path}.{key}") for key, item in value.items()}
    if dataclasses.is_dataclass(kind):
        return _decode_dataclass(cast(type, kind), value, path)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        if not isinstance(value, str) or value not in tuple(kind):
            raise _wrong(path, "one of " + ", ".join(kind), value)
        return kind(value)
    if isinstance(kind, type) and issubclass(kind, IntEnum):
        if type(value) is not int or value not in tuple(kind):
            raise _wrong(path, "one of " + ", ".join(str(int(each)) for each in kind), value)
        return kind(value)
    if kind is type(None):
        if value is not None:
            raise _wrong(path, "null", value)
        return None
    if kind is float and type(value) is int:
        return float(value)  # JSON writes 2.0 as 2 in many languages
    if kind in (bool, int, float, str):
        if type(value) is not kind:
            raise _wrong(path, cast(type, kind).__name__, value)
        return value
    raise TypeError(f"{path}: {kind!r} has no strict JSON form")


def _decode_union(kinds: tuple[Any, ...], value: object, path: str) -> object:
    # Exact types first, so that 2 stays an int where both int and float are allowed.
    for kind in kinds:
        if type(value) is kind:
            return value
    reasons = []
    for kind in kinds:
        try:
            return _decode(kind, value, path)
        except StrictJsonError as error:
            reasons.append(str(error))
    raise StrictJsonError(reasons[0])


def _decode_tuple(kinds: tuple[Any, ...], value: object, path: str) -> tuple[object, ...]:
    if not isinstance(value, list):
        raise _wrong(path, "a list", value)
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return tuple(_decode(kinds[0], item, f"{path}[{index}]") for index, item in enumerate(value))
    if len(kinds) != len(value):
        raise _wrong(path, f"{len(kinds)} items", value)
    return tuple(
        _decode(kind, item, f"{path}[{index}]") for index, (kind, item) in enumerate(zip(kinds, value, strict=True))
    )


def _decode_dataclass(kind: type, value: object, path: str) -> object:
    if not isinstance(value, dict):
        raise _wrong(path, "an object", value)
    hints = _hints(kind)
    fields = {item.name: item for item in dataclasses.fields(kind) if item.init}
    unknown = sorted(set(value) - set(fields))
    if unknown:
        raise StrictJsonError(f"{path}: unknown field {unknown[0]!r}")
    arguments = {}
    for name, item in fields.items():
        if name in value:
            arguments[name] = _decode(hints[name], value[name], f"{path}.{name}")
        elif item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING:
            raise StrictJsonError(f"{path}: field {name!r} is missing")
    return kind(**arguments)


def _wrong(path: str, expected: str, got: object) -> StrictJsonError:
    shown = repr(got)
    return StrictJsonError(f"{path}: expected {expected}, got {shown[:80]}")
