"""Where to cut a window of a log: at a line start, so that the first line kept is a whole one."""

from __future__ import annotations

# The end of a line that is longer than the whole window: enough to see what it is.
ENDLESS_LINE_KEPT_BYTES = 64 * 1024


def cut_at_line(content: bytes) -> bytes:
    """Drop the broken first line of a window. Without any line end inside, keep the end of the endless line."""
    first = content.find(b"\n")
    if first < 0 or first == len(content) - 1:
        return content[-ENDLESS_LINE_KEPT_BYTES:]
    return content[first + 1 :]
