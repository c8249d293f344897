"""What Windows' programs print, as UTF-8. Pure.

    ff fe 3c 00 …        UTF-16 with its mark: wevtutil /unicode:true into a file
    3c 00 45 00 …        the same without a mark, as some programs write it into a pipe
    ef bb bf 7b …        UTF-8 with a mark
    7b 22 …              UTF-8, or plain ASCII: our PowerShell scripts
    8e 82 80 …           the console's own code page (866 in Russian, 850 in German): netsh, w32tm, powercfg

A recording and every parser behind it see UTF-8 only. Bytes that fit nothing are replaced, never guessed.
"""

from __future__ import annotations

import codecs

# Of the first bytes of UTF-16 text in Latin letters every second one is zero.
_LOOKED_AT_BYTES = 64


def as_utf8(content: bytes, *, console_encoding: str = "utf-8") -> bytes:
    """`console_encoding`: Python's name of the code page (`oem` on Windows, `cp866`)."""
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, "replace").encode("utf-8")
    head = content[:_LOOKED_AT_BYTES]
    if len(head) >= 4 and head[1::2].count(0) > len(head) // 4 and head[::2].count(0) == 0:
        return content.decode("utf-16-le", "replace").encode("utf-8")
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode(console_encoding, "replace").encode("utf-8")
    return content
