"""``clean-package-cache`` (risk 2, reversible for 24 hours): downloaded packages that are installed or outdated.

What ``apt-get clean``, ``dnf clean packages`` and ``pacman -Sc`` delete at once is moved aside first: package files
older than a week, never ``partial/`` (a download in progress) and never the lists.
"""

from __future__ import annotations

from diagnostics.remedies.budget import DAY_S
from diagnostics.remedies.move_aside import Choice, make_room
from diagnostics.wording import Words

FOLDER = "package-cache"
_PACKAGES = (".deb", ".rpm", ".pkg.tar.zst", ".pkg.tar.xz")

CHOICE = Choice(
    FOLDER,
    lambda path, _: path.endswith(_PACKAGES) and not path.startswith("partial/"),
    7 * DAY_S,
    lambda path: "downloaded packages",
    others_too=True,
)
REMEDY = make_room(
    "clean-package-cache",
    CHOICE,
    Words(
        "Clean downloaded packages",
        "Files of programs that were already installed are put aside for a day and then deleted. They can be "
        "downloaded again.",
    ),
    Words(
        "Очистить загруженные пакеты",
        "Файлы уже установленных программ откладываются на сутки и затем удаляются. Их можно загрузить снова.",
    ),
    cures=("disk-space-low", "disk-filling"),
    needs=("administrator",),
)
