"""Makes hostile text harmless to the reader: what cannot be seen is shown by name.

Escaping stops markup; it does not stop text that lies. A log line may carry ANSI sequences, a NUL, or a
bidirectional override that turns `exe.gpj` into `jpg.exe` before the reader's eyes:

    plain("\\x1b[31mred")        == "␛[31mred"
    plain("a\\u202egpj.exe")     == "a⟦U+202E⟧gpj.exe"

Every `{{ expression }}` of our templates goes through `plain` (web/pages.py), so nobody has to remember it.
Letters of every script stay as they are; so do the joiners that Persian, Hindi and emoji need.
"""

from __future__ import annotations

import re

# Kept: tab, line feed, and U+200C/U+200D (joiners). Carriage returns are shown: a terminal would overwrite.
_UNSEEN = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f"  # C0 and delete
    "\x80-\x9f"  # C1, among them the one-byte CSI
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5"  # soft hyphen, fillers, Arabic letter mark
    "\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"  # marks, separators, overrides, isolates
    "\u3164\ufeff\uffa0\ufff9-\ufffb"  # fillers, byte order mark, interlinear annotation
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f"  # format controls, tags
    "\ud800-\udfff"  # lone surrogates, which no encoder would take
    "]"
)
_LINE_END = re.compile(r"\r\n")


def plain(text: object) -> str:
    """`text` with everything invisible or misleading made visible. Idempotent; line ends become `\\n`."""
    return _UNSEEN.sub(_show, _LINE_END.sub("\n", str(text)))


def one_line(text: object) -> str:
    """As `plain`, with tabs and line feeds shown too: for names, titles and attributes."""
    return plain(text).replace("\n", "␊").replace("\t", "␉")


def _show(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)  # the Control Pictures block
    if code == 0x7F:
        return "␡"
    return f"⟦U+{code:04X}⟧"
