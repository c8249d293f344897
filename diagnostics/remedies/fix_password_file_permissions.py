"""``fix-password-file-permissions`` (risk 2, reversible): files of passwords that others may read are closed to them.

``~/.netrc``, ``~/.pgpass`` and ``~/.my.cnf``: their programs ignore or complain about such files (psql ignores a
`.pgpass` with any right for others). Rights are only taken away.
"""

from __future__ import annotations

from collections.abc import Sequence

from diagnostics.remedies.remedy import Means
from diagnostics.remedies.set_mode import SetMode, by_mode
from diagnostics.wording import Words

FOLDER = "home"
_FILES = (".netrc", ".pgpass", ".my.cnf")


def _find(means: Means, root: str) -> Sequence[str]:
    return [path for path in _FILES if means.file_acts().read(root, path) is not None]


REMEDY = by_mode(
    "fix-password-file-permissions",
    SetMode(FOLDER, _find, lambda path, mode: mode & 0o600),
    Words(
        "Close password files to others",
        "Files in which programs keep passwords can be read by other users of this computer. They are closed to them.",
    ),
    Words(
        "Закрыть файлы паролей от других",
        "Файлы с паролями программ могут читать другие пользователи этого компьютера. Доступ для них закрывается.",
    ),
    cures=(),
)
