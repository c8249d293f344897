"""JSON as the wire means it: one meaning for every byte sequence, or an error.

Python's parser takes duplicate keys, NaN, a byte-order mark and a million opening brackets; pydantic in strict
mode still takes the last of two equal keys. Everything that arrives from outside comes through `parse` first.
Sizes are bytes, depth counts nested arrays and objects.
"""

import json
import re
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from protocol.errors import RemoteProtocolError
from protocol.limits import JSON_MAX_DEPTH, STATEMENT_MAX_BYTES

_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKETS = re.compile(rb"[\[\]{}]")


class WireModel(BaseModel):
    """A value that crosses the wire: strict types, no unknown fields, never changed after it was made."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", defer_build=True)


M = TypeVar("M", bound=BaseModel)


def check_json(data: bytes, *, what: str, max_bytes: int = STATEMENT_MAX_BYTES) -> Any:
    """Return the parsed value of `data`, or raise RemoteProtocolError for anything with two readings."""
    if len(data) > max_bytes:
        raise RemoteProtocolError(
            f"{what} is too large", expected=f"at most {max_bytes} bytes", got=f"{len(data)} bytes"
        )
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RemoteProtocolError(f"{what} is not UTF-8", expected="UTF-8 JSON", got=str(error)) from None
    _check_depth(data, what)
    try:
        value = json.loads(text, object_pairs_hook=_unique_keys, parse_constant=_no_constants)
    except (ValueError, RecursionError) as error:
        raise RemoteProtocolError(f"{what} is not valid JSON", expected="strict JSON", got=str(error)) from None
    return value


def parse(data: bytes, model: type[M], *, what: str = "", max_bytes: int = STATEMENT_MAX_BYTES) -> M:
    """Parse `data` as `model`; every refusal is a RemoteProtocolError that names the field and the fault."""
    what = what or model.__name__
    check_json(data, what=what, max_bytes=max_bytes)
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        raise RemoteProtocolError(
            f"{what} has a wrong shape", expected=f"a valid {model.__name__}", got=describe(error)
        ) from None


def dump(model: BaseModel) -> bytes:
    """The bytes of a model: compact UTF-8, fields in declared order. What is signed is these exact bytes."""
    return model.model_dump_json(by_alias=True).encode()


def describe(error: ValidationError) -> str:
    """The first three faults of a validation error, without echoing the hostile input."""
    faults = error.errors(include_input=False, include_url=False, include_context=False)
    named = [f"{'.'.join(str(part)[:40] for part in fault['loc']) or 'value'}: {fault['msg']}" for fault in faults[:3]]
    return "; ".join(named) + (f" and {len(faults) - 3} more" if len(faults) > 3 else "")


def _check_depth(data: bytes, what: str) -> None:
    depth = 0
    for bracket in _BRACKETS.finditer(_STRINGS.sub(b"", data)):
        depth += 1 if bracket[0] in b"[{" else -1
        if depth > JSON_MAX_DEPTH:
            raise RemoteProtocolError(
                f"{what} is nested too deeply", expected=f"at most {JSON_MAX_DEPTH} levels", got="more"
            )


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("the same key twice in one object")
    for key, value in pairs:
        _check_text(key)
        if isinstance(value, str):
            _check_text(value)
    return result


def _check_text(text: str) -> None:
    # A lone surrogate (written \\ud800) has no UTF-8 form: two parsers would read it differently.
    if not text.isascii():
        text.encode("utf-8")


def _no_constants(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
