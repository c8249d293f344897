"""The redactor: a stream of raw bytes in, a stream that may leave the machine out, in bounded memory.

    admit (name, binary)  →  windows  →  blocks (PEM, secret objects)  →  command lines  →  keyed, headers, URLs, tokens
      →  shapes with validators  →  the machine's own names  →  drawn tokens  →  verifier  →  out

Every step is a pass over one window of text; a step sees the marks the steps before it have left and leaves them
alone. Windows are cut where no rule can be cut in two: at a line end, never behind a key whose value is on the next
line; in a line that never ends, at a delimiter that lies in no match. What has no delimiter for 4 KiB is no text
anyone reads and becomes ``<redacted:long-run>``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from diagnostics.redaction import (
    addresses,
    commands,
    entropy,
    headers,
    key_values,
    markup,
    people,
    personal_numbers,
    tokens,
    urls,
)
from diagnostics.redaction.blocks import CONTAINER, MARKER, MAY_BEGIN, Blocks
from diagnostics.redaction.edits import Pass
from diagnostics.redaction.engine import DEFAULT_ENGINE, Engine, compile_pattern
from diagnostics.redaction.gate import WithheldError, admit
from diagnostics.redaction.identifiers import Identifiers
from diagnostics.redaction.kinds import HOLES, Kind
from diagnostics.redaction.names import Names
from diagnostics.redaction.pseudonyms import Pseudonyms
from diagnostics.redaction.report import Report
from diagnostics.redaction.verify import StreamVerifier, Verifier

WINDOW_BYTES = 256 * 1024
# How far back from a window's end the cut may lie, in a line that does not end.
CUT_ZONE_BYTES = 32 * 1024
# A run without any delimiter; the longest thing worth keeping whole is an escaped key, and that is a block.
LONG_RUN_BYTES = 4096
_DELIMITER = re.compile(rb"[\s,;&\"'{}\[\]()<>|\x00]")
_LONG_RUN = re.compile(rb"[^\s,;&\"'{}\[\]()<>|\x00]{%d,}" % LONG_RUN_BYTES)
# A window must not end behind one of these: the value is still to come.
_OPEN_END = re.compile(
    rb"(?:[:=][ \t]*[|>]?[+-]?[ \t]*\r?\n(?:[ \t][^\r\n]*\r?\n){0,64}|"
    rb"</key>\s*|\"[ \t]*:[ \t]*\r?\n[ \t]*|\blogin[ \t]+\S+[ \t]*\r?\n[ \t]*)\Z"
)
OPEN_END_BYTES = 8192


class Redactor:
    """``identifiers`` are the machine's own names, ``secret`` the device's own 16 or more random bytes.

    One redactor serves many files of one bundle or session; its `report` counts over all of them. Not shared
    between threads.
    """

    def __init__(
        self,
        identifiers: Identifiers,
        secret: bytes,
        *,
        canaries: Iterable[bytes | str] = (),
        engine: Engine = DEFAULT_ENGINE,
    ) -> None:
        self.report = Report()
        self._marks = Pseudonyms(secret)
        self._names = Names(identifiers, self._marks, engine)
        planted = [canary.encode() if isinstance(canary, str) else canary for canary in canaries]
        self._verifier = Verifier(identifiers, planted, engine=engine)
        keyed = (*headers.RULES, *urls.RULES, *markup.RULES, *tokens.RULES, *commands.RULES, key_values.RULE)
        self._passes = (
            Pass(keyed, engine=engine, share=4),
            Pass((*addresses.RULES, *personal_numbers.RULES, *people.RULES), engine=engine, share=4),
        )
        self._net = Pass((entropy.RULE,), engine=engine, share=8)
        # Blocks and command lines are rare: one scan says that a window has neither.
        lines = (*commands.LINE_RULES, *people.LINE_RULES)
        rare = b"|".join((MAY_BEGIN, *(rule.anchor for rule in lines)))
        self._rare = compile_pattern(rare, engine=engine)
        self._lines = Pass(lines, engine=engine, share=8)
        markers = re.compile(MARKER + b"|" + CONTAINER)
        self._uncuttable = markers

    def stream(self, chunks: Iterable[bytes], *, path: str) -> Iterator[bytes]:
        """The redacted file, piece by piece. Raises WithheldError when it must not leave the machine; pieces that
        were handed out before must then be thrown away."""
        counts: Counter[Kind] = Counter()
        blocks = Blocks()
        verified = StreamVerifier(self._verifier, path)
        try:
            for window in self._windows(admit(chunks, path)):
                ready = verified.feed(self._window(window, blocks, counts))
                if ready:
                    yield ready
            ready = verified.finish()
            if ready:
                yield ready
        except WithheldError as error:
            self.report.withhold(error)
            raise
        self.report.add_file(path, counts)

    def check(self, data: bytes, *, path: str) -> None:
        """Only the second look, for what this program has written itself. Raises WithheldError."""
        needle = self._verifier.leak(data)
        if needle is not None:
            raise WithheldError(path, needle.reason, f"{needle.what} was in it")

    def text(self, text: str, *, where: str = "session") -> str:
        """One short piece (a log line, a command line) with the same marks. Where a name would be left over, the
        whole piece is replaced."""
        counts: Counter[Kind] = Counter()
        blocks = Blocks()
        raw = text.encode("utf-8", "surrogateescape")
        out = b"".join(self._window(window, blocks, counts) for window in self._windows(iter((raw,))))
        needle = self._verifier.leak(out)
        if needle is not None:
            self.report.withhold(WithheldError(where, needle.reason, needle.what))
            return "<withheld>"
        self.report.add_text(counts)
        return out.decode("utf-8", "surrogateescape")

    def _window(self, data: bytes, blocks: Blocks, counts: Counter[Kind]) -> bytes:
        if blocks.inside or self._rare.found(data):
            data = blocks.feed(data, counts)
            data = self._lines.apply(data, self._marks, counts)
        for rules in self._passes:
            data = rules.apply(data, self._marks, counts)
        data = self._names.apply(data, counts)
        return self._net.apply(data, self._marks, counts)

    def _windows(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Pieces of at most WINDOW_BYTES, cut where nothing is cut in two. The same for any chunk size."""
        buffer = bytearray()
        running = False  # inside a run without delimiters that was already replaced
        for chunk in chunks:
            for at in range(0, len(chunk), WINDOW_BYTES):
                buffer += chunk[at : at + WINDOW_BYTES]
                while len(buffer) >= WINDOW_BYTES:
                    window, running = self._take(buffer, running)
                    yield window
        if running:
            _skip_run(buffer)
        if buffer:
            yield _without_long_runs(bytes(buffer))

    def _take(self, buffer: bytearray, running: bool) -> tuple[bytes, bool]:
        """Cut one window off the front of ``buffer`` (at least WINDOW_BYTES long)."""
        if running and not _skip_run(buffer):
            return b"", True
        data = bytes(buffer[:WINDOW_BYTES])
        cut = self._cut(data)
        if cut:
            del buffer[:cut]
            return _without_long_runs(data[:cut]), False
        # No place to cut: the window ends in a run that has no delimiter.
        tail = max((match.end() for match in _DELIMITER.finditer(data, len(data) - CUT_ZONE_BYTES)), default=0)
        if not tail:
            tail = max((match.end() for match in _DELIMITER.finditer(data)), default=0)
        del buffer[: len(data)]
        return _without_long_runs(data[:tail]) + HOLES[Kind.LONG_RUN], True

    def _cut(self, data: bytes) -> int:
        """Where this window may end; 0 when nowhere in the cut zone."""
        floor = len(data) - CUT_ZONE_BYTES
        cut = data.rfind(b"\n") + 1
        while cut > floor:
            opened = _OPEN_END.search(data, max(0, cut - OPEN_END_BYTES), cut)
            if opened is None:
                return cut
            cut = data.rfind(b"\n", 0, opened.start()) + 1  # in front of the line that opens it: always smaller
        return self._cut_in_line(data, floor)

    def _cut_in_line(self, data: bytes, floor: int) -> int:
        """The last delimiter of the zone's first half that lies in no match of any rule."""
        zone = data[floor - CUT_ZONE_BYTES // 2 :]
        base = len(data) - len(zone)
        taken = bytearray(len(zone))
        for rules in (self._lines, *self._passes, self._net):
            for start, end in rules.touched(zone, self._marks):
                taken[start:end] = b"\x01" * (end - start)
        for match in self._uncuttable.finditer(zone):
            taken[match.start() : match.end()] = b"\x01" * (match.end() - match.start())
        if self._names.pattern is not None:
            for start, end in self._names.pattern.spans(zone):
                taken[start:end] = b"\x01" * (end - start)
        for position in range(len(zone) - CUT_ZONE_BYTES // 2, CUT_ZONE_BYTES // 2, -1):
            if _DELIMITER.match(zone, position - 1) and not taken[position] and not taken[position - 1]:
                return base + position
        return 0


def _skip_run(buffer: bytearray) -> bool:
    """Drop the rest of a replaced run; False when the buffer holds nothing else."""
    found = _DELIMITER.search(buffer)
    del buffer[: found.start() if found is not None else len(buffer)]
    return found is not None


def _without_long_runs(data: bytes) -> bytes:
    # Where every stretch of that length holds a line end (looked for from its right end, so found at once), no line is
    # long enough: the pattern would cost more than all rules together.
    at = 0
    while len(data) - at >= LONG_RUN_BYTES:
        line_end = data.rfind(b"\n", at, at + LONG_RUN_BYTES)
        if line_end < 0:
            return _LONG_RUN.sub(HOLES[Kind.LONG_RUN], data)
        at = line_end + 1
    return data
