"""The one place that asks the machine for the time and for ids; everything else takes them as arguments."""

import os
import time


def now_s() -> int:
    """Seconds since 1970, whole: what statements carry."""
    return int(time.time())


def uuid7() -> str:
    """A UUIDv7 (RFC 9562, 5.7): 48 bits of milliseconds, then random. Python has none before 3.14."""
    number = time.time_ns() // 1_000_000 << 80 | int.from_bytes(os.urandom(10), "big")
    number = number & ~(0xF << 76) | 7 << 76
    number = number & ~(0x3 << 62) | 2 << 62
    digits = f"{number:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
