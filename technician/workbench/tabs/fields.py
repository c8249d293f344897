"""Form fields as typed arguments. What does not fit is said in words, beside what was typed."""

import re
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from protocol.strict_json import WireModel, describe
from technician.problems import Problem
from technician.workbench.tabs.spec import Form

M = TypeVar("M", bound=WireModel)

_SPAN: Final = re.compile(r"([1-9][0-9]{0,6})\s*([smhd]?)")
_SPAN_S: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}


def text(form: Form, name: str, default: str = "") -> str:
    return form.get(name, "").strip() or default


def number(form: Form, name: str, default: int) -> int:
    typed = text(form, name, str(default))
    if not typed.isascii() or not typed.isdecimal() or len(typed) > 12:
        raise Problem(f"“{name}” is a number", expected="digits alone", got=typed[:40])
    return int(typed)


def ticked(form: Form, name: str) -> bool:
    return bool(form.get(name))


def words(form: Form, name: str) -> tuple[str, ...]:
    return tuple(form.get(name, "").split())


def span_s(form: Form, name: str, default: str) -> int:
    """`2h`, `90m`, `7d` or seconds, as seconds."""
    typed = text(form, name, default)
    found = _SPAN.fullmatch(typed)
    if found is None:
        raise Problem(f"“{name}” is a span of time", expected="like 30m, 2h or 7d", got=typed[:40])
    return int(found[1]) * _SPAN_S[found[2]]


def make(model: type[M], **values: Any) -> M:
    try:
        return model(**values)
    except ValidationError as error:
        raise Problem("this cannot be asked", expected=f"what {model.__name__} takes", got=describe(error)) from None
