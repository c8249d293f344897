"""Where the agent keeps what it keeps: one state folder, private to its owner.

    STATE/identity/       keys (0600), enrolment.json          0700
    STATE/agent.db        everything that changes              0600
    STATE/run/agent.sock  the local socket                     0700 (user mode), 0755 (machine mode: peers are checked)
    STATE/bundles/        sealed bundles waiting for upload    0700
    STATE/log/agent.log   rotating, bounded, no personal data  0700
    STATE/config.toml     the owner's settings                 optional

User mode: the state of the person who started it. Machine mode (root, LocalSystem): the machine's own folder, always
named explicitly, because a service's home is not where its data belongs.
"""

import os
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from agent.refusal import Refusal

# sun_path holds 108 bytes with its NUL on Linux, 104 on macOS.
SOCKET_PATH_MAX_BYTES: Final = 103


class Mode(StrEnum):
    USER = "user"
    MACHINE = "machine"


@dataclass(frozen=True)
class StateFolder:
    root: Path
    mode: Mode

    @property
    def identity(self) -> Path:
        return self.root / "identity"

    @property
    def database(self) -> Path:
        return self.root / "agent.db"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def socket(self) -> Path:
        return self.run / "agent.sock"

    @property
    def lock(self) -> Path:
        return self.run / "agent.lock"

    @property
    def bundles(self) -> Path:
        return self.root / "bundles"

    @property
    def log(self) -> Path:
        return self.root / "log" / "agent.log"

    @property
    def config(self) -> Path:
        return self.root / "config.toml"

    def make(self) -> None:
        """The folders with their modes; an existing folder of somebody else, or open to others, is refused."""
        for folder, mode in (
            (self.root, 0o755 if self.mode is Mode.MACHINE else 0o700),
            (self.identity, 0o700),
            (self.run, 0o755 if self.mode is Mode.MACHINE else 0o700),
            (self.bundles, 0o700),
            (self.log.parent, 0o700),
        ):
            try:
                folder.mkdir(mode=mode, parents=True, exist_ok=True)
                if sys.platform != "win32":
                    _own(folder, mode)
            except OSError as error:
                raise Refusal(
                    "the agent's state folder cannot be made",
                    expected=f"a folder {folder} that this user may write",
                    got=error.strerror or str(error),
                    hint="Name another one with --state DIR.",
                ) from error
        if len(os.fsencode(self.socket)) > SOCKET_PATH_MAX_BYTES:
            raise Refusal(
                "the path of the state folder is too long for a socket",
                expected=f"at most {SOCKET_PATH_MAX_BYTES} bytes for {self.socket.name} with its folder",
                got=f"{len(os.fsencode(self.socket))} bytes",
                hint="Name a shorter one with --state DIR.",
            )


def _own(folder: Path, mode: int) -> None:
    if sys.platform == "win32":
        return
    status = folder.lstat()
    if status.st_uid != os.geteuid():
        raise Refusal(
            "the agent's state folder belongs to another user",
            expected=f"{folder} owned by user {os.geteuid()}",
            got=f"user {status.st_uid}",
            hint="Run the command as that user, or name another folder with --state DIR.",
        )
    if status.st_mode & 0o077 & ~mode:
        folder.chmod(mode)


def default_mode() -> Mode:
    if sys.platform == "win32":
        return Mode.USER
    return Mode.MACHINE if os.geteuid() == 0 else Mode.USER


def state_folder(named: Path | None, mode: Mode | None = None) -> StateFolder:
    """The folder named by the user, or the platform's own for this mode. Nothing is made yet."""
    if named is not None:
        return StateFolder(named.absolute(), mode or Mode.USER)
    chosen = mode or default_mode()
    import platformdirs  # 0.02 s that most starts do not need

    if chosen is Mode.MACHINE:
        found = platformdirs.site_data_dir("bellpull", appauthor=False)
        # On Linux site_data_dir is /usr/share: programs' data, not a machine's. State belongs into /var/lib.
        return StateFolder(Path("/var/lib/bellpull" if sys.platform == "linux" else found), chosen)
    return StateFolder(Path(platformdirs.user_data_dir("bellpull", appauthor=False)), chosen)
