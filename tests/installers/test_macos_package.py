"""What the .pkg would lay out, read by Python's own reader of property lists. No Mac has built or run it."""

import plistlib
import subprocess
from pathlib import Path

import pytest

from installers.macos.build import HERE, STATE, lay_out, pkgbuild

SHELL = [HERE / "scripts" / "preinstall", HERE / "scripts" / "postinstall", HERE / "uninstall.sh"]


def test_the_layout_starts_the_service_and_the_helper(tmp_path: Path) -> None:
    built = tmp_path / "built"
    built.mkdir()
    (built / "bellpull-agent").write_text("stand-in")
    (built / "bellpull-agent").chmod(0o700)
    tree = tmp_path / "tree"
    lay_out(built, tree, "0.1.0")
    daemon = plistlib.loads((tree / "Library/LaunchDaemons/org.bellpull.agent.plist").read_bytes())
    helper = plistlib.loads((tree / "Library/LaunchAgents/org.bellpull.helper.plist").read_bytes())
    program = "/Library/Bellpull/bellpull-agent"
    assert daemon["ProgramArguments"] == [program, "run", "--state", str(STATE), "--mode", "machine"]
    assert helper["ProgramArguments"] == [program, "--child", "agent.consent.desktop_helper", "--state", str(STATE)]
    assert helper["LimitLoadToSessionType"] == "Aqua", "a session without a screen has nobody to ask"
    assert (tree / program.lstrip("/")).stat().st_mode & 0o777 == 0o755
    # launchd refuses property lists that others may write.
    assert (tree / "Library/LaunchDaemons/org.bellpull.agent.plist").stat().st_mode & 0o777 == 0o644
    assert (tree / "usr/local/share/man/man1/bellpull-agent.1").read_text().startswith(".TH BELLPULL-AGENT")


@pytest.mark.parametrize("script", SHELL, ids=lambda path: path.name)
def test_its_scripts_are_shell(script: Path) -> None:
    subprocess.run(["sh", "-n", script], check=True)
    assert script.stat().st_mode & 0o111


def test_it_is_signed_when_somebody_can() -> None:
    unsigned = pkgbuild(Path("/t"), Path("/o.pkg"), "0.1.0", None)
    signed = pkgbuild(Path("/t"), Path("/o.pkg"), "0.1.0", "Developer ID Installer: Example")
    assert "--sign" not in unsigned
    assert signed[signed.index("--sign") + 1] == "Developer ID Installer: Example"
    assert signed[-1] == unsigned[-1] == "/o.pkg"
