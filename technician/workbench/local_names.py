"""Names for files that come from a customer's machine: what lies there never decides where something lies here.

"Documents/../x.desktop"  →  "x.desktop.file"       a name alone, never a path, never hidden, never started by a click
"""

import re
from pathlib import Path
from typing import Final

#: Letters and digits of any script, and what names are made of; the rest becomes `_`.
_ODD: Final = re.compile(r"[^\w .()\[\]+=@,-]")
_NAME_MAX_BYTES: Final = 180
#: Names that Windows keeps for devices, with any ending.
_DEVICES: Final = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10))}
)
#: What a desktop starts when it is clicked: such a file gets another ending here. It is evidence, not a program.
_STARTED: Final = frozenset(
    re.findall(
        r"\w+",
        """appimage application bat bash cmd com command cpl desktop exe hta jar js jse lnk msc msi msp pif ps1 py pyw
        reg run scf scr sh url vb vbe vbs workflow ws wsf wsh""",
    )
)


def local_name(path: str) -> str:
    """A harmless name of this machine for the last part of `path`."""
    name = _ODD.sub("_", path.rsplit("/", 1)[-1]).strip(" .") or "file"
    if name.split(".", 1)[0].casefold() in _DEVICES:
        name = f"_{name}"
    while len(name.encode()) > _NAME_MAX_BYTES:
        stem, dot, ending = name.rpartition(".")
        name = stem[:-1] + dot + ending if len(stem) > 1 and len(ending) < 20 else name[:-1]
    if name.rpartition(".")[2].casefold() in _STARTED and "." in name:
        name += ".file"
    return name


def free_path(folder: Path, name: str) -> Path:
    """`name` in `folder`, with a number before its ending when it is taken."""
    stem, dot, ending = name.rpartition(".") if "." in name[1:] else (name, "", "")
    number, path = 1, folder / name
    while path.exists() or path.is_symlink():
        number += 1
        path = folder / f"{stem} ({number}){dot}{ending}"
    return path
