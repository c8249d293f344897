"""Findings in plain words, in the customer's language.

A check gives a title and a sentence a code; `{fact:form}` is filled from the finding's facts. Facts come from the
machine and are values only: braces in them are never read as a template. A fact that is missing shows as `?`.

Forms: `bytes` 1.5 GB · `percent` 97 % · `duration` 3 days · none: as it is.
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from diagnostics.plain_text import printable


class Language(StrEnum):
    ENGLISH = "en"
    RUSSIAN = "ru"


@dataclass(frozen=True, slots=True)
class Words:
    """`title` is a few words; `text` says what it means and what to do, for somebody who never heard of it."""

    title: str
    text: str


_UNITS = {
    Language.ENGLISH: ("bytes", "KB", "MB", "GB", "TB"),
    Language.RUSSIAN: ("байт", "КБ", "МБ", "ГБ", "ТБ"),
}
# (seconds, English one, English many, Russian short)
_SPANS = (
    (86_400, "day", "days", "дн."),
    (3_600, "hour", "hours", "ч"),
    (60, "minute", "minutes", "мин"),
    (1, "second", "seconds", "с"),
)


def show_bytes(count: float, language: Language) -> str:
    """Thousands, as disks are sold: 1 500 000 000 is 1.5 GB."""
    units = _UNITS[language]
    step = 0
    while abs(count) >= 1000 and step < len(units) - 1:
        count /= 1000
        step += 1
    number = f"{count:.0f}" if step == 0 or abs(count) >= 10 else f"{count:.1f}"
    return f"{number.replace('.', ',') if language is Language.RUSSIAN else number} {units[step]}"


def show_duration(seconds: float, language: Language) -> str:
    """The largest unit that fits at least twice, rounded down; `1 minute` below two of them."""
    for size_s, one, many, russian in _SPANS:
        count = int(seconds // size_s)
        if count >= 2 or (count == 1 and size_s <= 60) or size_s == 1:
            if language is Language.RUSSIAN:
                return f"{count} {russian}"
            return f"{count} {one if count == 1 else many}"
    raise AssertionError("the last unit always fits")


class _FactFormatter(string.Formatter):
    def __init__(self, language: Language) -> None:
        self._language = language

    def get_field(self, field_name: str, args: Sequence[object], kwargs: Mapping[str, object]) -> tuple[object, str]:
        # No attribute and no index access, whatever a template of a pack says.
        return kwargs.get(field_name, "?"), field_name

    def format_field(self, value: object, format_spec: str) -> str:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            if format_spec == "bytes":
                return show_bytes(value, self._language)
            if format_spec == "percent":
                return f"{value * 100:.0f} %"
            if format_spec == "duration":
                return show_duration(value, self._language)
        return printable(str(value), 200)

    def convert_field(self, value: object, conversion: str | None) -> object:
        return value


def fill(template: str, facts: Mapping[str, object], language: Language) -> str:
    """The template with its facts. Raises ValueError on a template with unbalanced braces."""
    return _FactFormatter(language).vformat(template, (), facts)
