"""Foreign text made safe to show: log lines, process names, service descriptions.

Nothing that moves a cursor, reorders a line or ends a string stays: C0, DEL, C1, line and paragraph separators,
bidirectional marks, zero-width characters and lone surrogates are shown as `\\x1b` or `\\u202e`. Text is cut to a
length, and says so by an ellipsis. This is not redaction: names and addresses stay as they are.
"""

from __future__ import annotations

import re

_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
LINE_MAX_CHARS = 512


def _escape(match: re.Match[str]) -> str:
    number = ord(match.group())
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"


def printable(text: str | bytes, max_chars: int = LINE_MAX_CHARS) -> str:
    """One line of text without anything that acts on a terminal or a page's direction."""
    # Cut before decoding: a 50 MB line costs no more than a long one. Four bytes a character is UTF-8's most.
    if isinstance(text, bytes):
        too_long = len(text) > max_chars * 4
        text = text[: max_chars * 4].decode("utf-8", "replace")
    else:
        too_long = False
    too_long = too_long or len(text) > max_chars
    shown = _UNSAFE.sub(_escape, text[:max_chars])
    return shown + "…" if too_long else shown
