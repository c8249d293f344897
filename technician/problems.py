"""A problem of the technician's program, said to a person: what, what was expected, what came, what to do.

Raised for files, passphrases, servers that do not answer, commands that cannot be done. What another party's bytes
got wrong is a `protocol.errors.RemoteProtocolError`; the command line shows both the same way.
"""

from dataclasses import dataclass


@dataclass(eq=False)  # exceptions must stay hashable
class Problem(Exception):
    """`exit_code` 1: refused, or a problem was found; 2: the command was used wrongly."""

    what: str
    expected: str = ""
    got: str = ""
    hint: str = ""
    exit_code: int = 1

    def __str__(self) -> str:
        compared = ", ".join(
            f"{label} {value}" for label, value in (("expected", self.expected), ("got", self.got)) if value
        )
        sentence = f"{self.what} ({compared})" if compared else self.what
        return f"{sentence}; {self.hint}" if self.hint else sentence
