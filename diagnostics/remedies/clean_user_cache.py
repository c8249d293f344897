"""``clean-user-cache`` (risk 2, reversible for 24 hours): old files of the user's cache make room on a full disk.

Only below the user's cache folder (XDG Base Directory: programs must survive its loss), only in the folders of
`CACHES`, of this user, untouched for 30 days, at least 4 KiB.
"""

from __future__ import annotations

from dataclasses import replace

from diagnostics.machine.interface import FolderEntry
from diagnostics.remedies.budget import DAY_S
from diagnostics.remedies.move_aside import WORTH_MIN_BYTES, Choice, MoveAside, MovePlan, make_room
from diagnostics.wording import Words

ID = "clean-user-cache"
FOLDER = "user-cache"
# Caches that refill by themselves and whose loss costs a download or a thumbnail, nothing a person has made.
CACHES = frozenset(
    (
        "BraveSoftware",
        "Firefox",  # macOS, as the next one
        "Homebrew",
        "Yarn",
        "chromium",
        "electron",
        "go-build",
        "google-chrome",
        "mesa_shader_cache",
        "mesa_shader_cache_db",
        "microsoft-edge",
        "mozilla",
        "node-gyp",
        "nvidia",
        "pip",
        "radv_builtin_shaders64",
        "com.spotify.client",
        "spotify",
        "thumbnails",
        "typescript",
        "vivaldi",
        "vscode-cpptools",
        "yarn",
    )
)
# Used in the last month means wanted; caches do not always touch the access time, so the modification counts.
AGE_MIN_S = 30 * DAY_S
# Below one block nothing is gained.
SIZE_MIN_BYTES = 4096

CleanPlan = MovePlan


def is_known_cache(path: str) -> bool:
    return "/" in path and path.split("/", 1)[0] in CACHES


def _may_go(path: str, entry: FolderEntry) -> bool:
    return is_known_cache(path) and entry.size_bytes >= SIZE_MIN_BYTES


CHOICE = Choice(FOLDER, _may_go, AGE_MIN_S, lambda path: path.split("/", 1)[0])


class CleanUserCache(MoveAside):
    """`worth_bytes` is lowered in tests only."""

    def __init__(self, *, worth_bytes: int = WORTH_MIN_BYTES) -> None:
        super().__init__(replace(CHOICE, worth_bytes=worth_bytes))


REMEDY = make_room(
    ID,
    CHOICE,
    Words(
        "Clean old cache files",
        "Programs keep copies of things they can fetch again. Old ones are put aside for a day and then deleted. "
        "Nothing that you made yourself is touched.",
    ),
    Words(
        "Очистить старые файлы кэша",
        "Программы хранят копии того, что могут загрузить снова. Старые файлы откладываются на сутки и затем "
        "удаляются. То, что создали вы сами, не затрагивается.",
    ),
    cures=("disk-space-low", "disk-filling"),
)
