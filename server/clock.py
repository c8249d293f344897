"""The server's clock and its ids, each given to whoever needs it as a function, so that tests can move time."""

import os
import time
from collections.abc import Callable

#: Whole unix seconds.
Clock = Callable[[], int]


def wall_clock() -> int:
    return int(time.time())


def uuid7(now_ms: int | None = None, random: bytes | None = None) -> str:
    """RFC 9562, section 5.7: 48 bits of unix milliseconds, version 7, 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    noise = int.from_bytes(os.urandom(10) if random is None else random, "big")
    value = (milliseconds & (1 << 48) - 1) << 80 | 7 << 76 | (noise >> 64 & 0xFFF) << 64
    value |= 0b10 << 62 | noise & (1 << 62) - 1
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
