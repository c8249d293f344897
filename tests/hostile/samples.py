"""Good arguments for every action there is, so that nothing is refused for its arguments where a test means the scope.

Most are found by trying: each required field gets the first of a few plain values that its type takes. Where that does
not do, `SAMPLES` says what does. An action without either is a defect of these tests: `arguments_of` says so.
"""

import base64
import json
from typing import Any, Final

from pydantic import ValidationError

from protocol.actions.catalogue import ACTIONS, parse_arguments
from protocol.actions.spec import ActionSpec
from protocol.strict_json import WireModel, dump, parse

#: By name of the action.
SAMPLES: Final[dict[str, dict[str, object]]] = {}

_PLAIN: Final[tuple[object, ...]] = (
    "x", "a-name", "a.b", "01890a5d-ac96-7745-bcce-b302099a8057", "/tmp/a-file", "cups.service", 0, 1, 80, 4242, True,
    base64.b64encode(bytes(32)).decode(), "ab" * 32, [], ["x"], "start", "TERM", "term", "name", 1.5, "2026-11-21",
)  # fmt: skip


def arguments_of(spec: ActionSpec) -> bytes:
    """As they would travel."""
    if spec.name in SAMPLES:
        return dump(parse(json.dumps(SAMPLES[spec.name]).encode(), spec.arguments))
    found: dict[str, object] = {}
    for name, field in spec.arguments.model_fields.items():
        if field.is_required():
            found[name] = _fitting(spec.arguments, field.alias or name)
    try:
        return dump(parse(json.dumps(found).encode(), spec.arguments))
    except Exception as error:
        raise AssertionError(f"{spec.name} needs sample arguments in tests/hostile/samples.py: {error}") from error


def _fitting(model: type[WireModel], name: str) -> object:
    for value in _PLAIN:
        if not _complaints(model, name, value):
            return value
    raise AssertionError(f"{model.__name__}.{name} takes none of the plain values: give a sample in SAMPLES")


def _complaints(model: type[WireModel], name: str, value: object) -> list[Any]:
    try:
        model.model_validate_json(json.dumps({name: value}))
    except ValidationError as error:
        return [each for each in error.errors() if each["loc"][:1] == (name,)]
    return []


def bad_arguments_of(spec: ActionSpec) -> dict[str, bytes]:
    """What is none of its arguments: broken JSON, and each of its fields bent."""
    good: dict[str, object] = json.loads(arguments_of(spec))
    bad = {
        "nothing": b"",
        "null": b"null",
        "a list": b"[]",
        "not UTF-8": b"\xff",
        "too deep": b"[" * 40,
        "too long": b'{"x":"' + b"x" * 16_000 + b'"}',
        "an unknown field": json.dumps({**good, "unknown-field": 1}).encode(),
        "NaN": b'{"limit":NaN}',
    }
    for name in spec.arguments.model_fields:
        for odd in ({}, 1 << 70, "\x00", [[]]):
            bad[f"{name} = {odd!r}"] = json.dumps({**good, name: odd}).encode()
        bad[f"{name} twice"] = json.dumps({**good, name: 1})[:-1].encode() + f', "{name}": 1}}'.encode()
    return {how: data for how, data in bad.items() if not _parses(spec, data)}


def _parses(spec: ActionSpec, data: bytes) -> bool:
    try:
        parse_arguments(spec, data)
    except Exception:  # noqa: BLE001 - whatever it is, it is refused
        return False
    return True


def every_action() -> dict[str, bytes]:
    return {name: arguments_of(spec) for name, spec in sorted(ACTIONS.items())}
