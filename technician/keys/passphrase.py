"""Where a passphrase comes from: a file of mode 0600, or the keyboard. Never an argument or an environment variable.

It is asked for once a command and remembered until the command ends, since an organisation's three keys share one.
"""

import getpass
import sys
from pathlib import Path
from typing import Final

from technician.private_files import read_private
from technician.problems import Problem

#: Argon2id makes each guess cost 0.1 s and 64 MiB; below this length that does not help.
PASSPHRASE_MIN_CHARS: Final = 12


class Passphrases:
    """Asks once, then remembers. `file`: read from there instead of the keyboard."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._known: str | None = None

    def existing(self, what: str) -> str:
        """The passphrase of a key that is there."""
        if self._known is None:
            self._known = self._from_file() if self._file else _ask(f"Passphrase of {what}: ")
        return self._known

    def new(self, what: str) -> str:
        """A new passphrase, typed twice; at least 12 characters."""
        if self._known is not None:
            return self._known
        if self._file:
            chosen = self._from_file()
        else:
            chosen = _ask(f"New passphrase for {what} (at least {PASSPHRASE_MIN_CHARS} characters): ")
            if _ask("The same again: ") != chosen:
                raise Problem("the two passphrases differ", hint="Nothing was made. Try again.")
        if len(chosen) < PASSPHRASE_MIN_CHARS:
            raise Problem(
                "the passphrase is too short",
                expected=f"at least {PASSPHRASE_MIN_CHARS} characters",
                got=f"{len(chosen)}",
                hint="Four or five unrelated words are easy to remember and long enough.",
            )
        self._known = chosen
        return chosen

    def _from_file(self) -> str:
        if self._file is None:
            raise Problem("no passphrase file was named")
        data = read_private(self._file, what="passphrase file")
        try:
            text = data.decode().rstrip("\r\n")
        except UnicodeDecodeError:
            raise Problem("the passphrase file is not UTF-8 text", got=str(self._file)) from None
        if not text or "\n" in text:
            raise Problem("the passphrase file holds no passphrase", expected="one line", got=str(self._file))
        return text


def _ask(prompt: str) -> str:
    if not sys.stdin.isatty() and not _has_terminal():
        raise Problem(
            "a passphrase is needed and there is no keyboard to ask at",
            expected="a terminal, or --passphrase-file FILE (mode 600)",
            got="neither",
            exit_code=2,
        )
    try:
        return getpass.getpass(prompt)
    except EOFError:
        raise Problem("no passphrase was typed") from None


def _has_terminal() -> bool:
    """getpass asks at the controlling terminal even when stdin is a pipe."""
    if sys.platform == "win32":
        return False
    try:
        with Path("/dev/tty").open():
            return True
    except OSError:
        return False
