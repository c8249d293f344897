"""The names of one machine, as values: what the redactor must find and the verifier must not.

``everywhere`` holds names that mean only this machine and its people; they are replaced wherever they stand as a
word. ``in_context`` holds names that are also ordinary words (a user called ``mark``): replaced only where the
place says that a name stands there, and not a reason for the verifier to withhold a file.
"""

from __future__ import annotations

from dataclasses import dataclass

from diagnostics.redaction.kinds import Kind


@dataclass(frozen=True, slots=True, order=True)
class Identifier:
    kind: Kind
    value: str


@dataclass(frozen=True, slots=True)
class Identifiers:
    everywhere: tuple[Identifier, ...] = ()
    in_context: tuple[Identifier, ...] = ()
