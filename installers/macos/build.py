"""`python installers/macos/build.py`, on a Mac: dist/bellpull-agent as a .pkg, by pkgbuild. Proven on no Mac yet.

/Library/Bellpull                 the program, as installers/build_agent.py made it there, and uninstall.sh
/Library/LaunchDaemons            the service, as root; its state is /Library/Application Support/bellpull
/Library/LaunchAgents             the helper in each person's session
/usr/local/share/man/man1         the manual page

No configuration is among them: whom the agent answers to comes with a signed token, `sudo bellpull-agent enrol TOKEN`.
Unsigned: signing and notarising need an identity of Apple's (`--sign NAME` is handed to pkgbuild).
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from agent.paths import Mode  # noqa: E402 - found by the line above
from agent.service import launchd  # noqa: E402
from installers.build_agent import BUILT, PROGRAM, source_date  # noqa: E402
from installers.linux_layout import below, plain_modes, project_version  # noqa: E402
from installers.man_page import man_page  # noqa: E402

HERE: Final = ROOT / "installers" / "macos"
IDENTIFIER: Final = "org.bellpull.agent"
PLACE: Final = Path("/Library/Bellpull")
STATE: Final = Path("/Library/Application Support/bellpull")


def lay_out(built: Path, tree: Path, version: str) -> None:
    """Every file of the package below `tree`, as it will lie below /."""
    shutil.copytree(built, below(tree, PLACE), symlinks=True)
    shutil.copy(HERE / "uninstall.sh", below(tree, PLACE) / "uninstall.sh")
    program = PLACE / PROGRAM
    day = datetime.fromtimestamp(source_date(), UTC).strftime("%Y-%m-%d")
    for place, content in {
        f"/Library/LaunchDaemons/{launchd.LABEL}.plist": launchd.property_list(
            program=program, state=STATE, mode=Mode.MACHINE
        ),
        f"/Library/LaunchAgents/{launchd.HELPER_LABEL}.plist": launchd.helper_property_list(
            program=program, state=STATE
        ),
        f"/usr/local/share/man/man1/{PROGRAM}.1": man_page(version, day).encode(),
    }.items():
        file = below(tree, Path(place))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    plain_modes(tree)


def pkgbuild(tree: Path, package: Path, version: str, sign: str | None) -> list[str]:
    argv = ["pkgbuild", "--root", str(tree), "--scripts", str(HERE / "scripts"), "--identifier", IDENTIFIER]
    argv += ["--version", version, "--install-location", "/", "--ownership", "recommended"]
    return [*argv, *(["--sign", sign] if sign else []), str(package)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--built", type=Path, default=BUILT, help="what build_agent.py made (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    parser.add_argument("--package-version", default=project_version())
    parser.add_argument("--sign", help="the name of an installer identity in the keychain")
    arguments = parser.parse_args()
    if shutil.which("pkgbuild") is None:
        sys.exit("pkgbuild is a program of macOS: a .pkg is built on a Mac")
    with tempfile.TemporaryDirectory(prefix="bellpull-pkg-") as made:
        tree = Path(made) / "tree"
        lay_out(arguments.built, tree, arguments.package_version)
        arguments.out.mkdir(parents=True, exist_ok=True)
        package = arguments.out / f"bellpull-agent-{arguments.package_version}.pkg"
        subprocess.run(pkgbuild(tree, package, arguments.package_version, arguments.sign), check=True)
    print(package)
    return 0


if __name__ == "__main__":
    sys.exit(main())
