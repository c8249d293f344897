"""Literal replacement of the machine's own names, fast enough for a log that names its host in every line.

One automaton over all names in all their spellings tells whether a window holds any. A spelling that occurs often
and only ever as a whole word is then replaced by ``bytes.replace`` (500 MB/s); the rest one by one. The word test
knows that ``_`` ends a word, and that the letter before may belong to an escape (``\\nanna``, ``%20anna``,
``\\x1b[1manna``).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import lru_cache
from urllib.parse import quote

from diagnostics.redaction.edits import Edit
from diagnostics.redaction.engine import Engine, Pattern, compile_pattern
from diagnostics.redaction.identifiers import Identifier, Identifiers
from diagnostics.redaction.kinds import Kind
from diagnostics.redaction.pseudonyms import Pseudonyms

# From here on a name is so particular that it is replaced inside longer words too: host names in unit names,
# account names in file names.
PARTICULAR_CHARACTERS = 8
# Below this many hits in a window one-by-one is as fast as the bulk way.
BULK_HITS = 16

_ESCAPE_BEFORE = re.compile(
    rb"(?:\\[nrtbfv0]|%[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}|\\[0-7]{3}|\x1b\[[0-9;]*[A-Za-z])\Z"
)
_CONTEXT_BEFORE = (
    rb"(?i:(?:/home/|/Users/|\\Users\\{1,2}|\buser(?:name)?\\?[\"']?[ \t]*[=:]?[ \t]*\\?[\"']?|"
    rb"\b(?:login|logname|acct|ruser|owner)\\?[\"']?[=:][ \t]*\\?[\"']?|"
    rb"\bfor (?:user |invalid user )?|\bby |\bsudo: +|\bsu: |\buid=[0-9]+\(|~))"
)


@lru_cache(maxsize=512)
def spellings(value: str) -> frozenset[bytes]:
    """The forms a name takes in logs: as it is, percent-encoded, JSON-escaped, in other letter cases."""
    cases = {value, value.lower(), value.upper(), value.title(), value.capitalize()}
    forms = {form.encode("utf-8", "surrogateescape") for form in cases}
    forms |= {quote(form.encode("utf-8", "surrogateescape"), safe="").encode() for form in cases}
    forms |= {json.dumps(form)[1:-1].encode() for form in cases}
    if not value.isascii():
        # systemd and ls write bytes as \303\251 or \xc3\xa9.
        raw = value.encode("utf-8", "surrogateescape")
        forms.add(b"".join(b"\\%03o" % byte if byte > 127 else bytes((byte,)) for byte in raw))
        forms.add(b"".join(b"\\x%02x" % byte if byte > 127 else bytes((byte,)) for byte in raw))
    return frozenset(forms)


def mac_spellings(digits: str) -> frozenset[bytes]:
    pairs = [digits[index : index + 2] for index in range(0, 12, 2)]
    forms = {":".join(pairs), "-".join(pairs), "_".join(pairs), digits}
    forms.add(".".join(digits[index : index + 4] for index in (0, 4, 8)))
    return frozenset(form.encode() for form in forms)


def literal_pattern(words: frozenset[bytes] | set[bytes]) -> bytes:
    """Alternation, longest first; letter case counts only outside of ASCII (both engines fold ASCII alike)."""
    ordered = sorted(words, key=lambda word: (-len(word), word))
    plain = [re.escape(word) for word in ordered if word.isascii()]
    other = [re.escape(word) for word in ordered if not word.isascii()]
    parts = ([b"(?i:%s)" % b"|".join(plain)] if plain else []) + other
    return b"|".join(parts)


def is_word_start(data: bytes, start: int, *, ascii_name: bool) -> bool:
    if start == 0:
        return True
    before = data[start - 1]
    if before > 127:
        return ascii_name
    if not chr(before).isalnum():
        return True
    return _ESCAPE_BEFORE.search(data, max(0, start - 12), start) is not None


def is_word_end(data: bytes, end: int, *, ascii_name: bool) -> bool:
    if end >= len(data):
        return True
    after = data[end]
    return ascii_name if after > 127 else not chr(after).isalnum()


class Names:
    def __init__(self, identifiers: Identifiers, marks: Pseudonyms, engine: Engine) -> None:
        self._marks: dict[bytes, tuple[Identifier, bytes]] = {}
        for item in identifiers.everywhere:
            for form in mac_spellings(item.value) if item.kind is Kind.MAC else spellings(item.value):
                self._marks.setdefault(form.lower() if form.isascii() else form, (item, _mark(item, marks)))
        words = set(self._marks)
        self._pattern: Pattern | None = None
        if words:
            self._pattern = compile_pattern(literal_pattern(words), engine=engine)
        # A name inside a longer name must not be replaced in bulk before the longer one.
        self._inner = {word for word in words if any(word in other for other in words if other != word)}
        self._context = _ContextNames(identifiers.in_context, marks, engine) if identifiers.in_context else None
        self._holds_another = lru_cache(maxsize=1024)(self._holds_another_name)
        self._glued = lru_cache(maxsize=256)(lambda word: _glued_pattern(word, engine))

    @property
    def pattern(self) -> Pattern | None:
        """Where a name may stand; a stream is never cut inside one."""
        return self._pattern

    def apply(self, data: bytes, counts: Counter[Kind]) -> bytes:
        if self._pattern is not None:
            spans = list(self._pattern.spans(data))
            if spans:
                data, changed = self._bulk(data, spans, counts)
                data = self._single(data, list(self._pattern.spans(data)) if changed else spans, counts)
        return data if self._context is None else self._context.apply(data, counts)

    def _bulk(self, data: bytes, spans: list[tuple[int, int]], counts: Counter[Kind]) -> tuple[bytes, bool]:
        """Replace what occurs often and only as a whole word; the second answer says whether anything was."""
        if len(spans) < BULK_HITS:
            return data, False
        changed = False
        for word, hits in Counter(data[start:end] for start, end in spans).most_common(8):
            key = word.lower() if word.isascii() else word
            if hits < BULK_HITS or key in self._inner or self._glued(word).found(data):
                continue
            item, mark = self._marks[key]
            counts[item.kind] += data.count(word)
            data = data.replace(word, mark)
            changed = True
        return data, changed

    def _single(self, data: bytes, spans: list[tuple[int, int]], counts: Counter[Kind]) -> bytes:
        assert self._pattern is not None  # noqa: S101 — asked by apply
        pieces: list[bytes] = []
        last = 0
        pending = iter(spans)
        while (span := next(pending, None)) is not None:
            start, end = span
            word = data[start:end]
            item, mark = self._marks[word.lower() if word.isascii() else word]
            if self._stands(data, start, end, item):
                pieces += (data[last:start], mark)
                counts[item.kind] += 1
                last = end
            elif self._holds_another(word):
                pending = self._pattern.spans(data, start + 1)
        pieces.append(data[last:])
        return b"".join(pieces)

    def _stands(self, data: bytes, start: int, end: int, item: Identifier) -> bool:
        if len(item.value) >= PARTICULAR_CHARACTERS or item.kind is Kind.MAC:
            return True
        plain = data[start:end].isascii()
        return is_word_start(data, start, ascii_name=plain) and is_word_end(data, end, ascii_name=plain)

    def _holds_another_name(self, word: bytes) -> bool:
        """Could a name begin inside this one? Then a rejected word is searched again from its second byte."""
        inside = word[1:].lower() if word.isascii() else word[1:]
        return any(
            inside[at:].startswith(other) or other.startswith(inside[at:])
            for at in range(len(inside))
            for other in self._marks
        )


class _ContextNames:
    """Names that are words: only behind what announces a name."""

    def __init__(self, items: tuple[Identifier, ...], marks: Pseudonyms, engine: Engine) -> None:
        people = {item.value.lower().encode(): item for item in items if item.kind in (Kind.USER, Kind.PERSON)}
        self._marks = {word: _mark(item, marks) for word, item in people.items()}
        self._pattern: Pattern | None = None
        if people:
            words = b"|".join(re.escape(word) for word in people)
            self._find = re.compile(_CONTEXT_BEFORE + rb"(?i:(" + words + rb"))(?![A-Za-z0-9])")
            self._pattern = compile_pattern(_CONTEXT_BEFORE + rb"(?i:" + words + rb")", engine=engine)

    def apply(self, data: bytes, counts: Counter[Kind]) -> bytes:
        if self._pattern is None or not self._pattern.found(data):
            return data
        edits: list[Edit] = []
        for match in self._find.finditer(data):
            edits.append(Edit(match.start(1), match.end(1), self._marks[match[1].lower()], Kind.USER))
        pieces: list[bytes] = []
        last = 0
        for edit in edits:
            pieces += (data[last : edit.start], edit.text)
            counts[edit.kind] += 1
            last = edit.end
        pieces.append(data[last:])
        return b"".join(pieces)


def _mark(item: Identifier, marks: Pseudonyms) -> bytes:
    if item.kind is Kind.MAC:
        return marks.mac(bytes.fromhex(item.value))
    return marks.mark(item.kind, item.value.encode("utf-8", "surrogateescape"))


def _glued_pattern(word: bytes, engine: Engine) -> Pattern:
    """Does ``word`` stand inside a longer word anywhere? Then the bulk way is not open."""
    text = re.escape(word)
    edge = rb"[A-Za-z0-9]" if word.isascii() else rb"[A-Za-z0-9\x80-\xff]"
    return compile_pattern(edge + text + rb"|" + text + edge, engine=engine)
