"""One narrow door to the regular-expression engine, so that both engines give the same answer.

google-re2 runs in linear time whatever a hostile log line holds, at some 600 MB/s; where no wheel of it exists
the stdlib ``re`` takes its place, slower and with the same results (`leads.py` helps it). To keep that promise the
patterns given to ``compile_pattern`` stay in the common subset:

* bytes, read as Latin-1; ``\\b \\d \\w`` are ASCII in both; ``\\s`` is not used (``re`` counts ``\\v``, RE2 does not);
* no look-around, no back-references, no ``$``/``\\Z`` (they differ), no captures (RE2 pays for them);
* alternation is leftmost-first in both.

Precise work on a short, already found piece (look-behind, groups) is done with ``re`` in the rules themselves.

``RE2.Set`` would tell all families in one pass, but it answers "nothing" when its memory runs out, and says so to
nobody; a single pattern falls back to the slow engine instead. A redactor may be slow, never blind.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Protocol

from diagnostics.redaction.leads import Led

try:
    import re2
except ImportError:  # no wheel for this platform: the stdlib engine serves, see below
    re2 = None


class Engine(StrEnum):
    RE2 = "re2"
    STDLIB = "re"


DEFAULT_ENGINE = Engine.STDLIB if re2 is None else Engine.RE2

# RE2 keeps its lazily built automaton in memory up to this bound. 64 MB is for all patterns of one redactor
# together: a hostile log can fill it, and the program that redacts promised to stay small.
MEMORY_BYTES = 64 << 20


class Pattern(Protocol):
    def spans(self, data: bytes, start: int = 0) -> Iterator[tuple[int, int]]:
        """Every match from ``start`` on, left to right, not overlapping; context before ``start`` counts for \\b."""
        ...

    def found(self, data: bytes) -> bool: ...


class _Compiled:
    """Adapter over a compiled pattern of either engine (their match objects agree on ``span``)."""

    __slots__ = ("_finditer", "_search")

    def __init__(self, compiled: Any) -> None:
        self._finditer = compiled.finditer
        self._search = compiled.search

    def spans(self, data: bytes, start: int = 0) -> Iterator[tuple[int, int]]:
        for match in self._finditer(data, start):
            yield match.span()

    def found(self, data: bytes) -> bool:
        return self._search(data) is not None


def compile_pattern(source: bytes, *, engine: Engine = DEFAULT_ENGINE, share: int = 8) -> Pattern:
    """Compile ``source``; ``share`` is this pattern's part of the 64 MB, as 1/share."""
    if engine is Engine.STDLIB:
        return Led(source)
    if re2 is None:
        raise RuntimeError("expected google-re2 to be importable, it is not; use Engine.STDLIB or install it")
    options = re2.Options()
    options.max_mem = MEMORY_BYTES // share
    options.encoding = re2.Options.Encoding.LATIN1
    options.never_capture = True
    options.log_errors = False
    return _Compiled(re2.compile(source, options))
