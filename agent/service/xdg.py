"""The helper's autostart entry: Desktop Application Autostart Specification, for every desktop that keeps to it."""

import re
from pathlib import Path
from typing import Final

ENTRY_NAME: Final = "bellpull-helper.desktop"
WHERE: Final = Path("/etc/xdg/autostart") / ENTRY_NAME
#: The entry's quoting has two layers of escapes; no place we install to needs either.
_PLAIN_PATH: Final = re.compile(r"/[A-Za-z0-9/._-]+")


def autostart(*, program: Path, state: Path) -> str:
    """The text of /etc/xdg/autostart/bellpull-helper.desktop. Raises ValueError for a path it would have to quote.

    NoDisplay: nobody starts it by hand. A person who does not want it hides it for themselves, as any other entry.
    """
    for path in (program, state):
        if not _PLAIN_PATH.fullmatch(str(path)):
            raise ValueError(f"an autostart entry of ours names plain paths only, not {str(path)!r}")
    lines = [
        "[Desktop Entry]",
        "Type=Application",
        "Name=Bellpull",
        "Comment=Asks you before a technician may connect to this computer",
        f"TryExec={program}",
        f"Exec={program} --child agent.consent.desktop_helper --state {state}",
        "Terminal=false",
        "NoDisplay=true",
        "X-GNOME-Autostart-enabled=true",
    ]
    return "\n".join([*lines, ""])
