"""Nonces handed out to programs that sign in over HTTP: each used once, within 60 s, bounded in number."""

from collections import OrderedDict
from collections.abc import Callable

from protocol.limits import NONCE_BYTES
from server.clock import Clock
from server.refusal import Refusal

CHALLENGE_S = 60
#: A flood of challenges pushes out the oldest, never the memory limit. Quotas by address come before.
CHALLENGES_MAX = 20_000


class Challenges:
    def __init__(self, now: Clock, random: Callable[[int], bytes], *, open_s: int = CHALLENGE_S) -> None:
        self._now = now
        self._random = random
        self._open_s = open_s
        self._open: OrderedDict[bytes, int] = OrderedDict()

    def new(self) -> bytes:
        nonce = self._random(NONCE_BYTES)
        self._open[nonce] = self._now() + self._open_s
        while len(self._open) > CHALLENGES_MAX:
            self._open.popitem(last=False)
        return nonce

    def use(self, nonce: bytes) -> bytes:
        """Take the nonce out for good, or refuse."""
        expires_at = self._open.pop(nonce, 0)
        if expires_at < self._now():
            raise Refusal(
                401,
                "this login answers no open challenge",
                expected=f"a nonce of GET /api/challenge, used once, within {self._open_s} s",
                hint="Sign in again.",
            )
        return nonce
