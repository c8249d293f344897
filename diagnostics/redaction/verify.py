"""The second look, made by other code: is any of the machine's names, or a planted canary, still there?

Nothing here calls the rules, the spellings or the word test of the first pass; a mistake there must not be repeated
here. The verifier builds its own needles from the same `Identifiers` and looks for them in the finished output, in
plain, percent-encoded, JSON-escaped, hexadecimal and base64 form (all three alignments). One hit and the whole file
is withheld: a rule that failed once on a file may have failed more often.

What it cannot see: secrets nobody knew of beforehand. Those are the rules' business alone.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote_from_bytes

from diagnostics.redaction.engine import Engine, Pattern, compile_pattern
from diagnostics.redaction.gate import WithheldError, WithheldReason
from diagnostics.redaction.identifiers import Identifiers
from diagnostics.redaction.kinds import Kind

# Encoded forms of shorter names would be found in noise: 6 bytes make 8 base64 letters, 1 in 10^14.
ENCODED_MIN_BYTES = 6
CANARY_MIN_BYTES = 4


@dataclass(frozen=True, slots=True)
class Needle:
    """``as_word``: only counts with no letter or digit beside it."""

    reason: WithheldReason
    what: str
    as_word: bool


def _needles(identifiers: Identifiers, canaries: Iterable[bytes]) -> dict[bytes, Needle]:
    needles: dict[bytes, Needle] = {}
    for item in identifiers.everywhere:
        raw = item.value.encode("utf-8", "surrogateescape")
        found = Needle(WithheldReason.NAME_LEFT, f"a {item.kind.value} of this machine", item.kind is not Kind.MAC)
        if item.kind is Kind.MAC:
            octets = bytes.fromhex(item.value)
            for separator in (":", "-"):
                needles[octets.hex(separator).encode()] = found
            needles[item.value.encode()] = found
            continue
        needles[raw.lower() if raw.isascii() else raw] = found
        if len(raw) >= ENCODED_MIN_BYTES:
            anywhere = Needle(found.reason, found.what, False)
            needles |= dict.fromkeys(_encoded(raw), anywhere)
    for canary in canaries:
        if len(canary) < CANARY_MIN_BYTES:
            raise ValueError(f"expected canaries of at least {CANARY_MIN_BYTES} bytes, got {len(canary)}")
        planted = Needle(WithheldReason.CANARY_LEFT, "a planted canary", False)
        needles[canary.lower() if canary.isascii() else canary] = planted
        needles |= dict.fromkeys(_encoded(canary), planted)
    return needles


def _encoded(raw: bytes) -> set[bytes]:
    forms = {raw.hex().encode(), quote_from_bytes(raw, safe="").lower().encode()}
    forms.add(
        "".join(f"\\u{ord(c):04x}" if ord(c) > 126 else c for c in raw.decode("utf-8", "replace")).lower().encode()
    )
    forms.add(bytes(byte for pair in zip(raw, bytes(len(raw)), strict=True) for byte in pair))  # UTF-16
    for shift in range(3):
        whole = base64.b64encode(bytes(shift) + raw)
        # Cut what depends on the neighbours: the letters that share bits with a byte before or after.
        start = (0, 2, 3)[shift]
        stop = len(whole) - (0, 3, 2)[(shift + len(raw)) % 3]
        forms.add(whole[start:stop])
        forms.add(whole[start:stop].replace(b"+", b"-").replace(b"/", b"_"))
    # A form that is the name itself would drop the question whether it stands alone.
    return {form for form in forms if len(form) >= ENCODED_MIN_BYTES and form.lower() != raw.lower()}


class Verifier:
    """Feed the finished output in order; what comes back has been looked at, with the borders between pieces."""

    def __init__(self, identifiers: Identifiers, canaries: Iterable[bytes], *, engine: Engine) -> None:
        self._exact: dict[bytes, Needle] = {}
        self._folded: dict[bytes, Needle] = {}
        for word, needle in _needles(identifiers, canaries).items():
            # base64 is the only form in which letter case carries meaning.
            (self._exact if word.lower() != word else self._folded)[word] = needle
        words = sorted(self._folded, key=len, reverse=True)
        exact = sorted(self._exact, key=len, reverse=True)
        sources = [b"(?i:%s)" % re.escape(word) if word.isascii() else re.escape(word) for word in words]
        sources += [re.escape(word) for word in exact]
        self.longest_bytes = max((len(word) for word in (*words, *exact)), default=0)
        self._pattern: Pattern | None = compile_pattern(b"|".join(sources), engine=engine) if sources else None

    def leak(self, data: bytes) -> Needle | None:
        """The first needle that is still there."""
        if self._pattern is None or not self._pattern.found(data):
            return None
        position = 0
        while True:
            for start, end in self._pattern.spans(data, position):
                word = data[start:end]
                needle = self._exact.get(word) or self._folded.get(word.lower()) or self._folded.get(word)
                if needle is None:
                    raise AssertionError("a needle matched that was never planted")
                if not needle.as_word or _stands_alone(data, start, end):
                    return needle
                position = start + 1
                break
            else:
                return None


# Letters of an escape sequence belong to the escape, not to the name behind it.
_ESCAPED = re.compile(rb"(?:\\[a-z]|%[0-9A-Fa-f][0-9A-Fa-f]|\[[0-9;]*m)\Z")


def _stands_alone(data: bytes, start: int, end: int) -> bool:
    before, after = data[max(0, start - 1) : start], data[end : end + 1]
    if after and (after.isalnum() or (after[0] > 127 and data[end - 1] > 127)):
        return False
    if before and before[0] > 127:
        return data[start] < 128
    return not before.isalnum() or _ESCAPED.search(data, max(0, start - 8), start) is not None


class StreamVerifier:
    """The verifier over a stream: hands a piece on once nothing that begins in it can still become a needle."""

    def __init__(self, verifier: Verifier, path: str) -> None:
        self._verifier = verifier
        self._path = path
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        self._held += data
        self._check()
        keep = self._verifier.longest_bytes + 16
        ready, self._held = self._held[:-keep], self._held[-keep:]
        return ready

    def finish(self) -> bytes:
        self._check()
        ready, self._held = self._held, b""
        return ready

    def _check(self) -> None:
        needle = self._verifier.leak(self._held)
        if needle is not None:
            raise WithheldError(self._path, needle.reason, f"{needle.what} was still in it after redaction")
