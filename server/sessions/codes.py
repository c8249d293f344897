"""Codes that customers type: which technician waits behind which, and how often anybody may guess. Pure; in memory.

A code lives ten minutes, is taken once by one device, and is not given out again while anybody may remember it. Wrong
ones are counted by device and by all devices together: with 1 000 tries in ten minutes against one open code of 10^9,
somebody guesses right once in a million times ten minutes, and then has told a technician their own device's name.
"""

from collections.abc import Callable, Set
from dataclasses import dataclass
from typing import Final

from protocol.messages.codes import CODE_DIGITS, CODE_S
from server.quotas import Quota
from server.refusal import Refusal

#: Tries of one device within the life of a code.
TRIES_MAX: Final = 5
#: Tries of all devices together in that time.
TRIES_OF_ALL_MAX: Final = 1000
#: A technician speaks on few telephones at one time.
OPEN_MAX: Final = 3
#: A code that is over names nobody else for so long.
_FORGOTTEN_S: Final = 3600.0


@dataclass
class _Open:
    serial: str
    customers: Set[str] | None
    expires_s: float
    device: str | None = None
    ticket: str | None = None


@dataclass(frozen=True)
class Waiting:
    """`device` and `ticket` once a customer has typed it."""

    expires_in_s: int
    device: str | None
    ticket: str | None


class Codes:
    """`number`: a random number below its argument (secrets.randbelow)."""

    def __init__(self, number: Callable[[int], int]) -> None:
        self._number = number
        self._codes: dict[str, _Open] = {}
        self._tries = Quota(rate_s=TRIES_MAX / CODE_S, burst=TRIES_MAX)
        self._all_tries = Quota(rate_s=TRIES_OF_ALL_MAX / CODE_S, burst=TRIES_OF_ALL_MAX)

    def make(self, serial: str, customers: Set[str] | None, now_s: float) -> str:
        """A new code for this technician. Refusal when they have too many open."""
        self._forget(now_s)
        own = [code for code in self._codes.values() if code.serial == serial and code.expires_s > now_s]
        if len(own) >= OPEN_MAX:
            raise Refusal(
                429,
                "you have too many codes open",
                expected=f"at most {OPEN_MAX} at one time",
                got=str(len(own)),
                hint="They end after ten minutes.",
                retry_after_s=int(min(code.expires_s for code in own) - now_s) + 1,
            )
        while (code := f"{self._number(10**CODE_DIGITS):0{CODE_DIGITS}}") in self._codes:
            continue
        self._codes[code] = _Open(serial, customers, now_s + CODE_S)
        return code

    def may_try(self, device: str, now_s: float) -> float:
        """0 when this device may try a code now (and has used up one try), else how many seconds until it may."""
        wait_s = self._tries.take(device, now_s)
        return wait_s or self._all_tries.take("all", now_s)

    def typed(self, code: str, device: str, ticket: str, visible_to: Callable[[Set[str]], bool], now_s: float) -> bool:
        """Somebody at `device` typed it. `visible_to`: whether the device belongs to one of these customers.

        False for a code that is wrong, over, taken by another device, or of a technician who may not see the device:
        from outside these are one and the same.
        """
        found = self._codes.get(code)
        if found is None or found.expires_s <= now_s or found.device not in (None, device):
            return False
        if found.customers is not None and not visible_to(found.customers):
            return False
        found.device, found.ticket = device, ticket
        return True

    def look(self, code: str, serial: str, now_s: float) -> Waiting | None:
        """How it stands, for the technician whose code it is; None for everybody else, and when it is over."""
        found = self._codes.get(code)
        if found is None or found.serial != serial or found.expires_s <= now_s:
            return None
        return Waiting(int(found.expires_s - now_s), found.device, found.ticket)

    def _forget(self, now_s: float) -> None:
        gone = [code for code, kept in self._codes.items() if kept.expires_s + _FORGOTTEN_S <= now_s]
        for code in gone:
            del self._codes[code]
