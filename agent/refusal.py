"""What the agent answers when it will not or cannot: four fields that a person can act on.

`what` happened, what was `expected`, what was `got`, and a `hint`. Raised by our own code about local things (the
disk, a missing ticket, a wrong argument). What another program got wrong on the wire is a
`protocol.errors.RemoteProtocolError`; both have the same four fields, so `as_error` serves the socket and the CLI.
"""

from protocol.errors import ProtocolError


class Refusal(Exception):
    """A clear no, with what to do next. Its fields may be shown to the customer; they hold no secret."""

    def __init__(self, what: str, *, expected: str = "", got: str = "", hint: str = "") -> None:
        super().__init__(what, expected, got, hint)
        self.what = what
        self.expected = expected
        self.got = got
        self.hint = hint

    def __str__(self) -> str:
        named = (("expected", self.expected), ("got", self.got))
        comparison = ", ".join(f"{label} {value}" for label, value in named if value)
        sentence = f"{self.what} ({comparison})" if comparison else self.what
        return f"{sentence}; {self.hint}" if self.hint else sentence


def as_error(error: Refusal | ProtocolError) -> dict[str, str]:
    """The four fields as they travel: `{"what","expected","got","hint"}`."""
    return {"what": error.what, "expected": error.expected, "got": error.got, "hint": error.hint}
