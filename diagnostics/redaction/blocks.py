"""Secrets that span lines: PEM and its relatives, and JSON objects or lists under a secret's name.

A small machine with memory: a block may begin in one window and end three windows later, or never (a log that was
cut). What it has seen so far decides, so no window needs to be large.

    -----BEGIN RSA PRIVATE KEY-----          -----BEGIN RSA PRIVATE KEY-----
    MIIEpAIBAAKCAQEA…                   →    <redacted:private-key>
    -----END RSA PRIVATE KEY-----            -----END RSA PRIVATE KEY-----

Also: one line with ``\\n`` inside (JSON), every line behind a log prefix, quoted or indented lines, no END at all.
Certificates and public keys lose their body too: they carry host and person names in base64.
"""

from __future__ import annotations

import re
from collections import Counter
from enum import StrEnum

from diagnostics.redaction.kinds import HOLES, MARK, Kind
from diagnostics.redaction.values import is_placeholder

MARKER = rb"-{4,5} ?(?:BEGIN|END) [A-Z0-9 ]{2,64}?-{4,5}|PuTTY-User-Key-File-[0-9]|Private-Lines: [0-9]"
_BEGIN = re.compile(rb"-{4,5} ?BEGIN ([A-Z0-9 ]{2,64}?) ?-{4,5}|Private-Lines: \d+()")
_END = re.compile(rb"-{4,5} ?END [A-Z0-9 ]{2,64}?-{4,5}")
_BASE64_LINE = re.compile(rb"[ \t]*[A-Za-z0-9+/=]+[ \t\r]*")
_PEM_HEADER = re.compile(
    rb"[ \t]*(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset|MessageID|X-[\w-]+|Subject|x-\w+): .*", re.I
)
# A body line behind a log prefix, in quotes, or with its \n written out.
_PREFIXED = re.compile(rb"(.*?[ \t:>|+\"'(\[])([A-Za-z0-9+/=]{1,128})((?:\\+[nr])*[\"',;+) \t\r]*)")
_ONE_LINE_BODY = re.compile(rb"(?:[A-Za-z0-9+/=]|\\+[nrt/]|[ \t,:-](?!-{3}))+")
# A key of 16 384 bits is 200 lines; past this the END is not coming.
BLOCK_MAX_LINES = 2000

CONTAINER = (
    rb"\\*\"[A-Za-z0-9_.-]{0,48}?(?i:secrets?|credentials?|creds|passwords?|passwds?|tokens|api_?keys|private_?keys|"
    rb"passphrases|string_?data)\\*\"[ \t\r\n]*:[ \t\r\n]*[\[{]"
)
_CONTAINER = re.compile(CONTAINER)
_JSON_PART = re.compile(rb"\\*\"(?:[^\"\\]|\\[^\"])*?\\*\"([ \t\r\n]*:)?|[{}\[\]]|-?\d[\d.eE+-]*|\"[^\"]*\Z")
CONTAINER_MAX_BYTES = 64 * 1024
# Where a window may hold a block at all; asked first, of the linear engine.
MAY_BEGIN = rb"-{4,5} ?BEGIN |Private-Lines: |" + CONTAINER


class _State(StrEnum):
    TEXT = "text"
    KEY = "key"
    CONTAINER = "container"


class Blocks:
    """``feed`` windows in order; each comes back without the block bodies in it."""

    def __init__(self) -> None:
        self._state = _State.TEXT
        self._kind = Kind.PRIVATE_KEY
        self._lines = 0
        self._depth = 0
        self._bytes = 0

    @property
    def inside(self) -> bool:
        """Is a block still open from the windows before?"""
        return self._state is not _State.TEXT

    def feed(self, data: bytes, counts: Counter[Kind]) -> bytes:
        out: list[bytes] = []
        at = 0
        while at < len(data):
            match self._state:
                case _State.TEXT:
                    at = self._text(data, at, out, counts)
                case _State.KEY:
                    at = self._key(data, at, out)
                case _State.CONTAINER:
                    at = self._container(data, at, out, counts)
        return b"".join(out)

    def _text(self, data: bytes, at: int, out: list[bytes], counts: Counter[Kind]) -> int:
        begin = _BEGIN.search(data, at)
        container = _CONTAINER.search(data, at, begin.start() if begin is not None else len(data))
        if container is not None:
            out.append(data[at : container.end()])
            self._state, self._depth, self._bytes = _State.CONTAINER, 1, 0
            return container.end()
        if begin is None:
            out.append(data[at:])
            return len(data)
        label = begin[1] or b"PRIVATE KEY"
        self._kind = Kind.PRIVATE_KEY if b"PRIVATE" in label else Kind.KEY_MATERIAL
        self._state, self._lines = _State.KEY, 0
        counts[self._kind] += 1
        out.append(data[at : begin.end()])
        following = begin.end()
        if data[following : following + 2] in (b"\r\n",) or data[following : following + 1] == b"\n":
            return following
        # Written on one line: the body stands right here.
        body = _ONE_LINE_BODY.match(data, following)
        end = _END.search(data, following)
        line_end = data.find(b"\n", following)
        line_end = len(data) if line_end < 0 else line_end
        if end is not None and end.start() <= line_end:
            out.append(self._hole())
            self._state = _State.TEXT
            out.append(end[0])
            return end.end()
        if body is not None and body.end() > following + 1:
            out.append(self._hole())
            self._state = _State.TEXT if body.end() < line_end else _State.KEY
            return body.end()
        self._state = _State.KEY
        out.append(data[following:line_end])
        return line_end

    def _hole(self) -> bytes:
        return HOLES[self._kind]

    def _key(self, data: bytes, at: int, out: list[bytes]) -> int:
        """One line of a key's body."""
        stop = data.find(b"\n", at)
        stop = len(data) if stop < 0 else stop
        line = data[at:stop]
        end = _END.search(line)
        self._lines += 1
        if end is not None:
            self._state = _State.TEXT
            prefixed = _PREFIXED.fullmatch(line[: end.start()])
            before = line[: end.start()]
            out.append(b"" if prefixed is None and _BASE64_LINE.fullmatch(before) else before)
            out.append(end[0])
            return at + end.end()
        if not line.strip():
            out.append(data[at : stop + 1])
            return stop + 1
        ended = data[stop : stop + 1]
        if _BASE64_LINE.fullmatch(line) or _PEM_HEADER.fullmatch(line):
            if self._lines <= 2:
                out.append(self._hole() + ended)
            if self._lines > BLOCK_MAX_LINES:
                self._state = _State.TEXT
            return stop + 1
        prefixed = _PREFIXED.fullmatch(line)
        if prefixed is not None and (len(prefixed[2]) >= 24 or self._lines > 2) and self._lines <= BLOCK_MAX_LINES:
            out.append(prefixed[1] + self._hole() + prefixed[3] + ended)
            return stop + 1
        self._state = _State.TEXT  # the key was cut short here
        return at

    def _container(self, data: bytes, at: int, out: list[bytes], counts: Counter[Kind]) -> int:
        last = at
        for part in _JSON_PART.finditer(data, at):
            out.append(data[last : part.start()])
            last = part.end()
            out.append(self._leaf(part, counts))
            if self._depth == 0:
                self._state = _State.TEXT
                return last
        out.append(data[last:])
        self._bytes += len(data) - at
        if self._bytes > CONTAINER_MAX_BYTES:
            self._state = _State.TEXT
        return len(data)

    def _leaf(self, part: re.Match[bytes], counts: Counter[Kind]) -> bytes:
        text = part[0]
        if text in b"{[":
            self._depth += 1
            return text
        if text in b"}]":
            self._depth -= 1
            return text
        if part[1] is not None:
            return text  # a key
        quote = re.match(rb"\\*\"", text)
        if quote is None:
            if len(text) < 4:
                return text
            counts[Kind.TOKEN] += 1
            return b'"' + HOLES[Kind.TOKEN] + b'"'
        inner = text[quote.end() : len(text) - quote.end()] if text.endswith(quote[0]) else text[quote.end() :]
        if is_placeholder(inner) or MARK.fullmatch(inner):
            return text
        counts[Kind.TOKEN] += 1
        return quote[0] + HOLES[Kind.TOKEN] + quote[0]
