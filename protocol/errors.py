"""Whose fault it is, what was expected, what came, and what to do.

`LocalProtocolError`: we were about to break the protocol; the caller has a bug, nothing was sent.
`RemoteProtocolError`: the other side broke it; whatever carried the bytes is to be closed.

`got` may quote bytes of a hostile peer, so every field is escaped and cut before it reaches a log.
"""

from typing import Final

_FIELD_MAX_CHARS: Final = 200  # a log line stays a line, whatever the peer sent


def _plain(text: str) -> str:
    """One printable, bounded line: control characters, bidi marks and lone surrogates become escapes."""
    cut = text[:_FIELD_MAX_CHARS] + ("…" if len(text) > _FIELD_MAX_CHARS else "")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in cut)


class ProtocolError(Exception):
    """Raise one of the two subclasses: the type says whose fault it is.

    `str()` reads as one sentence:
    `the frame is too long (expected at most 65509 bytes, got 70000); update the agent`.
    """

    def __init__(self, what: str, *, expected: str = "", got: str = "", hint: str = "") -> None:
        super().__init__(what, expected, got, hint)
        self.what = _plain(what)
        self.expected = _plain(expected)
        self.got = _plain(got)
        self.hint = _plain(hint)

    def __str__(self) -> str:
        named = (("expected", self.expected), ("got", self.got))
        comparison = ", ".join(f"{label} {value}" for label, value in named if value)
        sentence = f"{self.what} ({comparison})" if comparison else self.what
        return f"{sentence}; {self.hint}" if self.hint else sentence


class LocalProtocolError(ProtocolError):
    """We were about to break the protocol: a bug on this side, found before anything was sent."""


class RemoteProtocolError(ProtocolError):
    """The other side broke the protocol: refuse, close, never continue."""
