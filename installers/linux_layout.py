"""What an installed agent consists of on Linux, in one place: every file of it, for the .deb and the .rpm alike.

/usr/lib/bellpull-agent          the program, as `make agent-build` made it
/usr/bin/bellpull-agent          a link to it
/usr/lib/systemd/system          the unit of machine mode, from agent/service; its state is /var/lib/bellpull;
                                 and the two that enrol with a dropped token file
/etc/xdg/autostart               the helper in each person's desktop session, from agent/service; the only file in /etc
/usr/share/man, bash-completion, zsh, fish    from the same descriptions as --help

No configuration is among them: whom the agent answers to comes with a signed token, never with an installer.
"""

import gzip
import os
import re
import shutil
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from agent.paths import Mode  # noqa: E402 - found by the line above
from agent.service import systemd, xdg  # noqa: E402
from installers.build_agent import PROGRAM, source_date  # noqa: E402
from installers.man_page import bash_completion, fish_completion, man_page, zsh_completion  # noqa: E402

PACKAGE: Final = "bellpull-agent"
PLACE: Final = Path("/usr/lib/bellpull-agent")
STATE: Final = Path("/var/lib/bellpull")
DOC: Final = Path("/usr/share/doc") / PACKAGE
SUMMARY: Final = "remote support in which you hold the door"
DESCRIPTION: Final = (
    "The agent of Bellpull watches this machine, explains what it finds, asks your",
    "support organisation for help, and lets a technician in only with your",
    "consent. A server can run nothing here, and reads nothing beyond a short",
    "published list.",
)
#: What every glibc brings. Everything else that the program links to must be in the package.
LIBC: Final = frozenset(
    {"ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1", "libc.so.6", "libdl.so.2", "libm.so.6", "libpthread.so.0",
     "librt.so.1", "libutil.so.1", "libresolv.so.2"}
)  # fmt: skip


def lay_out(built: Path, tree: Path, version: str, *, zsh: str) -> None:
    """Every file of the package below `tree`, as it will lie below /, in modes that no umask changes.

    `zsh`: the folder of $fpath that packages of this family of systems write to.
    """
    shutil.copytree(built, below(tree, PLACE), symlinks=True)
    link = below(tree, Path("/usr/bin") / PROGRAM)
    link.parent.mkdir(parents=True)
    link.symlink_to(f"../lib/{PLACE.name}/{PROGRAM}")
    day = datetime.fromtimestamp(source_date(), UTC).strftime("%Y-%m-%d")
    for place, text in {
        f"/usr/lib/systemd/system/{systemd.UNIT_NAME}": systemd.unit(
            program=PLACE / PROGRAM, state=STATE, mode=Mode.MACHINE
        ),
        **{
            f"/usr/lib/systemd/system/{name}": text
            for name, text in systemd.enrol_units(program=PLACE / PROGRAM, state=STATE).items()
        },
        str(xdg.WHERE): xdg.autostart(program=Path("/usr/bin") / PROGRAM, state=STATE),
        f"/usr/share/bash-completion/completions/{PROGRAM}": bash_completion(),
        f"{zsh}/_{PROGRAM}": zsh_completion(),
        f"/usr/share/fish/vendor_completions.d/{PROGRAM}.fish": fish_completion(),
        f"/usr/share/man/man1/{PROGRAM}.1.gz": man_page(version, day),
        f"{DOC}/copyright": (
            "Bellpull is licensed under the Apache License, version 2.0: the file LICENSE beside this one.\n"
            "The licences of Python and of the Python packages in it are in the folder licences beside this file; the\n"
            "libraries libbz2, libcrypto, libffi, libgcc_s, liblzma, libsqlite3, libssl, libstdc++, libuuid and libz\n"
            "come from the system it was built on, under the licences that its own packages name.\n"
        ),
        f"{DOC}/LICENSE": (ROOT / "LICENSE").read_text("utf-8"),
    }.items():
        file = below(tree, Path(place))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(packed(text) if file.suffix == ".gz" else text.encode())
    shutil.move(below(tree, PLACE) / "licences", below(tree, DOC) / "licences")
    plain_modes(tree)


def files_in(tree: Path, folder: str) -> list[str]:
    """The files that lie in this folder of the system, by their places there."""
    found = below(tree, Path(folder)).rglob("*")
    return sorted(f"/{path.relative_to(tree)}" for path in found if path.is_symlink() or path.is_file())


def libc_version(built: Path) -> str:
    """The newest version of glibc that anything in the folder asks for; what is linked to lies in the folder."""
    inside = {path.name for path in built.rglob("*")}
    newest = (0, 0)
    for path in sorted(built.rglob("*")):
        if not path.is_file() or path.read_bytes()[:4] != b"\x7fELF":
            continue
        told = said("objdump", "-p", str(path))
        missing = set(re.findall(r"NEEDED\s+(\S+)", told)) - inside - LIBC
        if missing:
            sys.exit(f"{path} needs {', '.join(sorted(missing))}, which the package does not hold")
        versions = re.findall(r"GLIBC_(\d+)\.(\d+)", told)
        newest = max([newest, *((int(major), int(minor)) for major, minor in versions)])
    return f"{newest[0]}.{newest[1]}"


def plain_modes(tree: Path) -> None:
    """Whatever umask the build ran under: 0755 for folders and programs, 0644 for the rest."""
    for path in [tree, *tree.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def packed(text: str) -> bytes:
    return gzip.compress(text.encode(), compresslevel=9, mtime=0)


def below(tree: Path, place: Path) -> Path:
    return tree / place.relative_to("/")


def said(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()


def build_environment() -> dict[str, str]:
    """For the packagers: the same sources give the same bytes."""
    return os.environ | {"SOURCE_DATE_EPOCH": str(source_date())}


def project_version() -> str:
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"])
