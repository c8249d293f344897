"""The two Windows installers, built by their real tools around a stand-in and looked into. No Windows runs them."""

import shutil
import subprocess
from pathlib import Path

import pytest

from agent.service import windows
from installers.windows.build import SCRIPT, build_msi, build_setup

pytestmark = pytest.mark.soak


def needs(*programs: str, package: str) -> None:
    if any(shutil.which(program) is None for program in programs):
        pytest.skip(f"{', '.join(programs)}: apt-get install {package}")


@pytest.fixture
def payload(tmp_path: Path) -> Path:
    folder = tmp_path / "payload"
    (folder / "_internal" / "web").mkdir(parents=True)
    (folder / "licences" / "a&b").mkdir(parents=True)
    (folder / "bellpull-agent.exe").write_bytes(b"MZ stand-in")
    (folder / "_internal" / "web" / "page.html").write_text("<p>")
    (folder / "licences" / "a&b" / 'LICENSE "x".txt'.replace('"', "'")).write_text("PSF")
    return folder


def table(msi: Path, name: str) -> list[dict[str, str]]:
    """A table of the database that an MSI is: names, types, key, then the rows."""
    told = subprocess.run(["msiinfo", "export", msi, name], capture_output=True, text=True, check=True).stdout
    names, _, _, *rows = [line.split("\t") for line in told.replace("\r", "").splitlines()]
    return [dict(zip(names, row, strict=True)) for row in rows]


def test_the_msi_brings_every_file_and_the_service(payload: Path, tmp_path: Path) -> None:
    needs("wixl", "msiinfo", "msiextract", package="wixl msitools")
    msi = build_msi(payload, tmp_path / "out", "0.1.0")
    subprocess.run(["msiextract", "-C", tmp_path / "x", msi], check=True, capture_output=True)
    (inside,) = (tmp_path / "x").rglob("Bellpull")
    packed = {path.relative_to(inside): path.read_bytes() for path in inside.rglob("*") if path.is_file()}
    assert packed == {path.relative_to(payload): path.read_bytes() for path in payload.rglob("*") if path.is_file()}

    (service,) = table(msi, "ServiceInstall")
    program = next(file for file in table(msi, "File") if file["FileName"].endswith("bellpull-agent.exe"))
    assert (service["Name"], service["DisplayName"]) == (windows.SERVICE_NAME, windows.DISPLAY_NAME)
    assert service["StartType"] == "2", "SERVICE_AUTO_START"
    assert service["Component_"] == program["Component_"], "the image path is this component's key file"
    own = windows.image_path(program=Path("x"), state=windows.STATE)
    assert own == f'"x" {service["Arguments"]}', "the same command as everywhere else"
    (control,) = table(msi, "ServiceControl")
    # 1 start at install, 2 stop at install, 32 stop and 128 delete at uninstall: msidbServiceControlEvent
    assert int(control["Event"]) == 1 | 2 | 32 | 128
    (upgrade, *_) = table(msi, "Upgrade")
    assert upgrade["VersionMax"] == "0.1.0"
    properties = {row["Property"]: row["Value"] for row in table(msi, "Property")}
    assert properties["ProductVersion"] == "0.1.0"
    assert not [name for name in properties if "TOKEN" in name.upper()], "a property would be in the installer's log"


def test_a_file_keeps_its_component_from_version_to_version(payload: Path, tmp_path: Path) -> None:
    """Else an upgrade would take files away after it brought them."""
    needs("wixl", "msiinfo", package="wixl msitools")
    seen = []
    for version in ("0.1.0", "0.1.1"):
        seen.append({row["ComponentId"] for row in table(build_msi(payload, tmp_path / version, version), "Component")})
        (payload / "_internal" / "new.dll").write_bytes(b"new")
    assert seen[0] < seen[1]


def test_the_setup_is_built_without_a_warning_and_holds_the_payload(payload: Path, tmp_path: Path) -> None:
    needs("makensis", package="nsis")
    setup = build_setup(payload, tmp_path / "out", "0.1.0")
    assert setup.read_bytes()[:2] == b"MZ"
    assert b"NullsoftInst" in setup.read_bytes()
    if shutil.which("7z") is not None:
        listed = subprocess.run(["7z", "l", setup], capture_output=True, text=True, check=True).stdout
        for name in ("bellpull-agent.exe", "page.html", "uninstall.exe"):
            assert name in listed


def test_the_setup_makes_the_same_service_known() -> None:
    script = SCRIPT.read_text("utf-8")
    create = windows.create_commands(program=Path("$INSTDIR\\bellpull-agent.exe"), state=Path("${STATE}"))
    said = create[0][create[0].index("binPath=") + 1].replace('"', '\\"')
    assert f"create {windows.SERVICE_NAME.replace('BellpullAgent', '${SERVICE}')} start= delayed-auto" in script
    assert f'binPath= "{said}"' in script
    assert f'!define SERVICE "{windows.SERVICE_NAME}"' in script
    assert windows.DESCRIPTION in script
    assert f"\\{windows.DROPPED_FILE}" in script
    assert " ".join(create[2][3:]) in script
