"""Names inside a bundle: made by us, so a narrow alphabet is enough and everything else is an attack or a mistake.

The rules hold on every system a support engineer may unpack on with plain tools: no device names of Windows, no
alternate streams, nothing that two letter cases make one.
"""

from __future__ import annotations

import re

from diagnostics.bundle.refusal import BundleRefusedError, Refusal

# ustar's own field; ours are under 60.
NAME_MAX_BYTES = 100
DEPTH_MAX = 6
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+@=,-]*")
_WINDOWS_DEVICES = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9]|conin\$|conout\$|clock\$)(?:\..*)?", re.IGNORECASE)


def check_name(path: str) -> None:
    """Raises BundleRefusedError unless ``path`` is relative, plain and short."""
    wrong = _what_is_wrong(path)
    if wrong is not None:
        raise BundleRefusedError(
            Refusal.UNSAFE_NAME,
            expected="a plain relative name such as logs/syslog.log",
            got=f"{path[:80]!a} ({wrong})",
            hint="nothing was unpacked; tell the customer's side that this bundle was made by something else",
        )


def _what_is_wrong(path: str) -> str | None:
    parts = path.split("/")
    if not path or len(path.encode("utf-8", "replace")) > NAME_MAX_BYTES:
        return f"longer than {NAME_MAX_BYTES} bytes, or empty"
    if len(parts) > DEPTH_MAX:
        return f"more than {DEPTH_MAX} levels deep"
    for part in parts:
        if part == "":
            return "absolute, or with an empty part"
        if part in (".", ".."):
            return "leads upwards"
        if not _PART.fullmatch(part):
            return "holds a character that names here never have"
        if part.endswith("."):
            return "ends in a dot"
        if _WINDOWS_DEVICES.fullmatch(part):
            return "names a device on Windows"
    return None


def place_of(path: str) -> str:
    """How files are grouped in a preview: ``logs/syslog.log`` → ``logs``, the leading files → ``overview``."""
    return path.split("/", 1)[0] if "/" in path else "overview"
