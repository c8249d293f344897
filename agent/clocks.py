"""Three clocks, and how far the first is believed.

* `wall()`: unix seconds for validity. Never moves backwards: not when somebody turns the clock back, not over a
  restart (its floor is kept in the database). A leap forward of more than 24 h is held back until a second source
  agrees: a statement whose signature was verified, the system's own time service, or a person at the machine.
  The other way round, verified statements raise the floor of a machine whose clock is slow or dead: up to 24 h ahead of
  it on one signer's word, further when two different signers name times within a day of each other.
* `boot()`: seconds for durations that must count suspend (a grant's minutes).
* `mono()`: seconds for timeouts of the running program.

The server's word about time is no source: nothing here ever hears it.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from agent.store.database import Database, NotWritten
from agent.store.kept_values import KeptValues
from protocol.limits import CLOCK_JUMP_HOLD_S

# No agent of this version ran before this moment (2026-11-01 UTC).
BUILT_AT_UNIX_S: Final = 1_793_491_200
# The floor is written at most this often: a crash gives back at most this much of it.
_PERSIST_EVERY_S: Final = 600
# After a write that failed: not again before this.
_RETRY_S: Final = 60
_FLOOR: Final = "clock-floor-unix-s"
# systemd-timesyncd touches this file whenever it has set the clock from the network.
# struct timex of the kernel is 208 bytes on 64-bit systems; room to spare.
_TIMEX_BYTES: Final = 512
_TIME_ERROR: Final = 5
_TIMESYNC: Final = Path("/run/systemd/timesync/synchronized")


class Clocks(Protocol):
    def wall(self) -> int: ...

    def boot(self) -> float: ...

    def mono(self) -> float: ...


def boot_seconds() -> float:
    """Seconds since start that go on while the machine sleeps."""
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    if sys.platform == "darwin":
        # mach_continuous_time: CLOCK_MONOTONIC_RAW of macOS counts sleep, time.monotonic() does not.
        return time.clock_gettime(time.CLOCK_MONOTONIC_RAW)
    # Windows: time.monotonic() is GetTickCount64/QueryPerformanceCounter; both count sleep.
    return time.monotonic()


def _time_service_agrees() -> bool:
    """systemd's own mark, or the kernel's: chrony and ntpd set the latter when they discipline the clock."""
    return sys.platform == "linux" and (_TIMESYNC.exists() or _kernel_says_synchronised())


def _kernel_says_synchronised() -> bool:
    """adjtimex(2) with no mode set changes nothing and answers the state of the clock; TIME_ERROR is 5."""
    import ctypes  # only when a leap has to be judged

    state = int(ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES)))
    return 0 <= state < _TIME_ERROR


class SystemClocks:
    """The machine's clocks with the floor kept in `database`. Raw clocks may be given, to move them in a test."""

    def __init__(
        self,
        database: Database,
        *,
        raw_wall: Callable[[], float] = time.time,
        raw_boot: Callable[[], float] = boot_seconds,
        time_service_agrees: Callable[[], bool] = _time_service_agrees,
    ) -> None:
        self._kept = KeptValues(database)
        self._raw_wall = raw_wall
        self._raw_boot = raw_boot
        self._time_service_agrees = time_service_agrees
        self._confirmed_at = 0
        self._said: dict[str, int] = {}  # signer → the newest time it named that no clock of ours agrees with
        self._next_try = 0
        kept = self._kept.find_int(_FLOOR)
        self._fresh = kept is None
        self._persisted = BUILT_AT_UNIX_S if kept is None else max(BUILT_AT_UNIX_S, kept)
        self._reference = (self._persisted, raw_boot())

    @property
    def held_back_s(self) -> int:
        """How far the machine's clock is ahead of what is believed; 0 when it is believed."""
        return max(0, int(self._raw_wall()) - self.wall())

    def wall(self) -> int:
        now = self._follow(int(self._raw_wall()), self._raw_boot())
        # Whichever clock it came from: a floor that stood still while time went on would let a restart go back there.
        if now - self._persisted >= _PERSIST_EVERY_S and now >= self._next_try:
            self._persist(now)
        return now

    def _follow(self, raw: int, boot: float) -> int:
        wall, since = self._reference
        # Backwards is never followed: time goes on from what was already seen, by the clock that cannot be set.
        expected = wall + int(max(0.0, boot - since))
        leap = raw - expected
        if leap <= 0:
            return expected
        if leap > CLOCK_JUMP_HOLD_S and not self._believed(raw):
            return expected
        self._reference = (raw, boot)
        self._fresh = False
        return raw

    def raw_wall(self) -> int:
        """What the machine's clock says, believed or not."""
        return int(self._raw_wall())

    def boot(self) -> float:
        return self._raw_boot()

    def mono(self) -> float:
        return time.monotonic()

    def confirm(self, verified_unix_s: int, signer: str = "") -> None:
        """A second source: the time in a statement whose signature was verified (by `signer`), or a person's word.

        It raises the floor, and releases a leap that lies within a day after it. What it says beyond a day ahead of the
        machine's clock is a leap itself, and waits for another signer: none alone can take a device into the future.
        """
        raw = int(self._raw_wall())
        ahead_s = verified_unix_s - raw
        if ahead_s <= 0:
            self._confirmed_at = max(self._confirmed_at, verified_unix_s)
        believed = verified_unix_s
        if ahead_s > CLOCK_JUMP_HOLD_S:
            self._said[signer] = max(self._said.get(signer, 0), verified_unix_s)
            others = [said for who, said in self._said.items() if who != signer]
            agreeing = [said for said in others if abs(said - verified_unix_s) <= CLOCK_JUMP_HOLD_S]
            if not signer or not agreeing:
                return
            believed = min(verified_unix_s, max(agreeing))
        wall, since = self._reference
        if believed > wall + int(max(0.0, self._raw_boot() - since)):
            self._reference = (believed, self._raw_boot())
            self._persist(believed)

    def _believed(self, raw: int) -> bool:
        # A fresh installation has seen nothing yet: the machine's clock is all there is.
        return self._fresh or raw - self._confirmed_at <= CLOCK_JUMP_HOLD_S or self._time_service_agrees()

    def _persist(self, unix_s: int) -> None:
        try:
            self._kept.put(_FLOOR, unix_s)
        except NotWritten:
            # Telling the time must work on a full disk (Stop asks for it). A crash now would give back what was
            # not written; everything else on this disk refuses to promise anything meanwhile.
            self._next_try = unix_s + _RETRY_S
        else:
            self._persisted = unix_s
