"""`make packages`: the Debian package from dist/bellpull-agent, by dpkg-deb. Needs no root.

/usr/lib/bellpull-agent          the program, as `make agent-build` made it
/usr/bin/bellpull-agent          a link to it
/usr/lib/systemd/system          the unit of machine mode, from agent/service; its state is /var/lib/bellpull
/usr/share/man, bash-completion  from the same descriptions as --help

No configuration is in the package: whom the agent answers to comes with a signed token, never with an installer.
"""

import argparse
import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from agent.paths import Mode  # noqa: E402 - found by the line above
from agent.service import systemd  # noqa: E402
from installers.build_agent import BUILT, PROGRAM, source_date  # noqa: E402
from installers.man_page import bash_completion, man_page  # noqa: E402

PACKAGE: Final = "bellpull-agent"
PLACE: Final = Path("/usr/lib/bellpull-agent")
STATE: Final = Path("/var/lib/bellpull")
SCRIPTS: Final = ROOT / "installers" / "deb" / "scripts"
#: What every Debian brings in libc6. Everything else that the program links to must be in the package.
LIBC: Final = frozenset(
    {"ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1", "libc.so.6", "libdl.so.2", "libm.so.6", "libpthread.so.0",
     "librt.so.1", "libutil.so.1", "libresolv.so.2"}
)  # fmt: skip


def build(built: Path, target: Path, version: str) -> Path:
    """The .deb in the folder `target`."""
    architecture = _said("dpkg", "--print-architecture")
    with tempfile.TemporaryDirectory(prefix="bellpull-deb-") as made:
        tree = Path(made) / "tree"
        lay_out(built, tree, version)
        control = tree / "DEBIAN"
        control.mkdir()
        size_kib = sum(path.lstat().st_size for path in tree.rglob("*") if path.is_file()) // 1024
        (control / "control").write_text(_control(version, architecture, size_kib, libc_version(built)))
        (control / "md5sums").write_text(_md5sums(tree))
        for script in sorted(SCRIPTS.iterdir()):
            shutil.copyfile(script, control / script.name)
            (control / script.name).chmod(0o755)
        _plain_modes(tree)
        target.mkdir(parents=True, exist_ok=True)
        package = target / f"{PACKAGE}_{version}_{architecture}.deb"
        subprocess.run(
            ["dpkg-deb", "--root-owner-group", "-Zxz", "-z9", "--build", tree, package],
            env=os.environ | {"SOURCE_DATE_EPOCH": str(source_date())},
            stdout=subprocess.DEVNULL,
            check=True,
        )
    return package


def lay_out(built: Path, tree: Path, version: str) -> None:
    """Every file of the package below `tree`, as it will lie below /."""
    shutil.copytree(built, _below(tree, PLACE), symlinks=True)
    (_folder(tree, "/usr/bin") / PROGRAM).symlink_to(f"../lib/{PLACE.name}/{PROGRAM}")
    unit = systemd.unit(program=PLACE / PROGRAM, state=STATE, mode=Mode.MACHINE)
    (_folder(tree, "/usr/lib/systemd/system") / systemd.UNIT_NAME).write_text(unit)
    completion = _folder(tree, "/usr/share/bash-completion/completions") / PROGRAM
    completion.write_text(bash_completion())
    day = datetime.fromtimestamp(source_date(), UTC)
    page = _folder(tree, "/usr/share/man/man1") / f"{PROGRAM}.1.gz"
    page.write_bytes(_packed(man_page(version, day.strftime("%Y-%m-%d"))))
    doc = _folder(tree, f"/usr/share/doc/{PACKAGE}")
    shutil.move(_below(tree, PLACE) / "licences", doc / "licences")
    (doc / "copyright").write_text(
        "Bellpull is licensed under the Apache License, version 2.0: /usr/share/common-licenses/Apache-2.0\n"
        "The licences of Python and of the Python packages in it are in the folder licences beside this file; the\n"
        "libraries libbz2, libcrypto, libffi, libgcc_s, liblzma, libsqlite3, libssl, libstdc++, libuuid and libz come\n"
        "from the system it was built on, under the licences that its own packages name.\n"
    )
    (doc / "changelog.gz").write_bytes(
        _packed(
            f"{PACKAGE} ({version}) stable; urgency=medium\n\n  * Built from the sources of this version.\n\n"
            f" -- Bellpull <bellpull@localhost>  {day.strftime('%a, %d %b %Y %H:%M:%S +0000')}\n"
        )
    )


def libc_version(built: Path) -> str:
    """The newest version of glibc that anything in the folder asks for; what is linked to lies in the folder."""
    inside = {path.name for path in built.rglob("*")}
    newest = (0, 0)
    for path in sorted(built.rglob("*")):
        if not path.is_file() or path.read_bytes()[:4] != b"\x7fELF":
            continue
        told = _said("objdump", "-p", str(path))
        missing = set(re.findall(r"NEEDED\s+(\S+)", told)) - inside - LIBC
        if missing:
            sys.exit(f"{path} needs {', '.join(sorted(missing))}, which the package does not hold")
        versions = re.findall(r"GLIBC_(\d+)\.(\d+)", told)
        newest = max([newest, *((int(major), int(minor)) for major, minor in versions)])
    return f"{newest[0]}.{newest[1]}"


def _control(version: str, architecture: str, size_kib: int, libc: str) -> str:
    return f"""\
Package: {PACKAGE}
Version: {version}
Architecture: {architecture}
Maintainer: Bellpull <bellpull@localhost>
Installed-Size: {size_kib}
Depends: libc6 (>= {libc}), init-system-helpers (>= 1.52)
Section: admin
Priority: optional
Description: remote support in which you hold the door
 The agent of Bellpull watches this machine, explains what it finds, asks your
 support organisation for help, and lets a technician in only with your
 consent. A server can run nothing here, and reads nothing beyond a short
 published list.
"""


def _md5sums(tree: Path) -> str:
    """For `dpkg --verify`: finds damage on the disk. It is no protection against anybody."""
    return "".join(
        f"{hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}  {path.relative_to(tree)}\n"
        for path in sorted(tree.rglob("*"))
        if path.is_file() and not path.is_symlink() and "DEBIAN" not in path.parts
    )


def _plain_modes(tree: Path) -> None:
    """Whatever umask the build ran under: 0755 for folders and programs, 0644 for the rest."""
    for path in [tree, *tree.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def _packed(text: str) -> bytes:
    return gzip.compress(text.encode(), compresslevel=9, mtime=0)


def _below(tree: Path, place: Path) -> Path:
    return tree / place.relative_to("/")


def _folder(tree: Path, place: str) -> Path:
    folder = _below(tree, Path(place))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _said(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()


def project_version() -> str:
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"])


def hardening_score(package: Path) -> str | None:
    """What systemd says of the unit, read from its file; None where its tool is not there."""
    if shutil.which("systemd-analyze") is None:
        return None
    with tempfile.TemporaryDirectory(prefix="bellpull-deb-") as made:
        subprocess.run(["dpkg-deb", "--extract", package, made], check=True)
        unit = Path(made) / "usr/lib/systemd/system" / systemd.UNIT_NAME
        told = subprocess.run(
            ["systemd-analyze", "security", "--offline=true", "--no-pager", unit],
            capture_output=True,
            text=True,
            check=False,
        )
    found = re.search(r"Overall exposure level for \S+: (.*)", told.stdout)
    return None if found is None else found.group(1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--built", type=Path, default=BUILT, help="what `make agent-build` made (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="where the package goes (default: %(default)s)")
    parser.add_argument("--package-version", default=project_version(), help="default: %(default)s")
    arguments = parser.parse_args()
    if not (arguments.built / PROGRAM).is_file():
        sys.exit(f"{arguments.built} holds no built agent. Say: make agent-build")
    package = build(arguments.built, arguments.out, arguments.package_version)
    print(f"{package}  {package.stat().st_size / 1e6:.2f} MB")
    score = hardening_score(package)
    print(f"systemd-analyze security: {score or 'not measured (systemd-analyze is not here)'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
