"""This Mac, read: psutil's answers, inodes by statvfs, users by the C library.

Its other sources are commands and files of the closed lists; what they print is parsed in `collectors/macos`. There is
no ring of kernel messages to read: the unified log has them. Unproven on a real Mac.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from diagnostics.machine.interface import Platform, Space, Unreadable, UnreadableKind
from diagnostics.machine.read.native import NativeMachine

# Accounts of people; macOS has some 120 of its own, all with a leading underscore.
_USERS_MAX = 1_000


class MacosMachine(NativeMachine):
    @property
    def platform(self) -> Platform:
        return Platform.MACOS

    def space(self, mount: str) -> Space:
        if sys.platform == "win32":
            raise Unreadable("this is no Mac", UnreadableKind.UNSUPPORTED)
        try:
            told = os.statvfs(mount)
        except OSError as error:
            raise Unreadable(f"{mount}: {error.strerror}") from None
        size = told.f_frsize
        # APFS makes inodes as they are needed; `f_files` is how many there could be.
        return Space(
            told.f_blocks * size, told.f_bfree * size, told.f_bavail * size, told.f_files, max(0, told.f_favail)
        )

    def user_names(self) -> Mapping[int, str]:
        if sys.platform == "win32":
            raise Unreadable("this is no Mac", UnreadableKind.UNSUPPORTED)
        import pwd

        people = [entry for entry in pwd.getpwall() if not entry.pw_name.startswith("_")]
        return {entry.pw_uid: entry.pw_name for entry in people[:_USERS_MAX]}
