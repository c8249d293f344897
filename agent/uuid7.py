"""UUIDv7 (RFC 9562, 5.7): ids that sort by the time they were made. Python has them from 3.14 on.

48 bits unix milliseconds · 4 bits 0111 · 12 bits random · 2 bits 10 · 62 bits random
"""

import os
import time


def uuid7() -> str:
    return uuid7_from(time.time_ns() // 1_000_000, os.urandom(10))


def uuid7_from(unix_ms: int, random: bytes) -> str:
    """`random`: exactly 10 bytes, of which 74 bits are used."""
    if len(random) != 10:
        raise ValueError(f"expected 10 random bytes, got {len(random)}")
    raw = bytearray((unix_ms & (1 << 48) - 1).to_bytes(6, "big") + random)
    raw[6] = raw[6] & 0x0F | 0x70
    raw[8] = raw[8] & 0x3F | 0x80
    digits = raw.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
