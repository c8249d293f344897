"""`python installers/windows/build.py`: a setup for people (NSIS) and an MSI for administrators (wixl), on Linux.

    dist/bellpull-agent (built on a Windows) ─► makensis bellpull.nsi ─► BellpullSetup-VERSION.exe
                                             └► wixl (written here)   ─► Bellpull-VERSION-x64.msi

On Debian: apt-get install nsis wixl. Neither holds any configuration; the MSI is made for a policy that lays the signed
token as a file into C:\\ProgramData\\bellpull. Around a stand-in both are built and looked into by
tests/installers/test_windows_packages.py; no Windows has run them yet.
"""

import argparse
import hashlib
import shutil
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Final
from xml.sax.saxutils import quoteattr

ROOT: Final = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from agent.service import windows  # noqa: E402 - found by the line above
from installers.linux_layout import project_version  # noqa: E402

SCRIPT: Final = ROOT / "installers" / "windows" / "bellpull.nsi"
PROGRAM: Final = "bellpull-agent.exe"
#: The product for ever: what an MSI of a later version upgrades. Never changed.
UPGRADE_CODE: Final = "6F0B7C1E-5E0D-4C7A-9C0B-2B1D8E6A4F93"
#: Names of components are derived in here, so that a file has the same one in every version.
_COMPONENTS: Final = uuid.UUID("0d9a1c9e-3c0a-4d0e-8c68-9a0f0e6b8a51")


def build_setup(payload: Path, target: Path, version: str) -> Path:
    """The .exe for people, in the folder `target`."""
    target.mkdir(parents=True, exist_ok=True)
    setup = (target / f"BellpullSetup-{version}.exe").absolute()
    defines = [f"-DPAYLOAD={payload.absolute()}", f"-DVERSION={version}", f"-DOUT={setup}"]
    _run(["makensis", "-V2", "-WX", *defines, str(SCRIPT)])
    return setup


def build_msi(payload: Path, target: Path, version: str) -> Path:
    """The .msi for administrators, in the folder `target`."""
    target.mkdir(parents=True, exist_ok=True)
    msi = (target / f"Bellpull-{version}-x64.msi").absolute()
    with tempfile.TemporaryDirectory(prefix="bellpull-msi-") as made:
        source = Path(made) / "bellpull.wxs"
        # wixl looks for files beside the source only.
        (Path(made) / "payload").symlink_to(payload.absolute())
        source.write_text(wxs(payload, version), "utf-8")
        _run(["wixl", "--arch", "x64", "--output", str(msi), str(source)])
    return msi


def wxs(payload: Path, version: str) -> str:
    """The WiX source. The service is made, started, stopped and removed by Windows Installer's own tables."""
    components: list[str] = []
    tree = _folder(payload, payload, components, indent=10)
    references = "\n".join(f'      <ComponentRef Id="{each}"/>' for each in components)
    return f"""<?xml version="1.0" encoding="utf-8"?>
<Wix xmlns="http://schemas.microsoft.com/wix/2006/wi">
  <Product Id="*" Name="Bellpull" Language="1033" Version={quoteattr(version)} Manufacturer="Bellpull"
           UpgradeCode="{UPGRADE_CODE}">
    <Package InstallerVersion="500" Compressed="yes" InstallScope="perMachine"/>
    <MajorUpgrade DowngradeErrorMessage="A newer version of Bellpull is installed."/>
    <Media Id="1" Cabinet="bellpull.cab" EmbedCab="yes"/>
    <Directory Id="TARGETDIR" Name="SourceDir">
      <Directory Id="ProgramFiles64Folder">
        <Directory Id="INSTALLDIR" Name="Bellpull">
{tree}
        </Directory>
      </Directory>
    </Directory>
    <Feature Id="Agent" Level="1" Title="Bellpull agent">
{references}
    </Feature>
  </Product>
</Wix>
"""


def _folder(payload: Path, folder: Path, components: list[str], *, indent: int) -> str:
    lines = []
    pad = " " * indent
    for path in sorted(folder.iterdir()):
        inside = path.relative_to(payload).as_posix()
        name = hashlib.sha256(inside.encode()).hexdigest()[:20]
        if path.is_dir():
            lines.append(f'{pad}<Directory Id="d{name}" Name={quoteattr(path.name)}>')
            lines.append(_folder(payload, path, components, indent=indent + 2))
            lines.append(f"{pad}</Directory>")
            continue
        components.append(f"c{name}")
        guid = str(uuid.uuid5(_COMPONENTS, inside)).upper()
        lines.append(f'{pad}<Component Id="c{name}" Guid="{guid}" Win64="yes">')
        source = quoteattr(f"payload/{inside}")
        lines.append(f'{pad}  <File Id="f{name}" Name={quoteattr(path.name)} Source={source} KeyPath="yes"/>')
        if inside == PROGRAM:
            lines += [f"{pad}  {line}" for line in _service()]
        lines.append(f"{pad}</Component>")
    return "\n".join(line for line in lines if line)


def _service() -> list[str]:
    arguments = f'--child agent.service.windows_service --state "{windows.STATE}"'
    name = quoteattr(windows.SERVICE_NAME)
    return [
        f'<ServiceInstall Id="service" Name={name} DisplayName={quoteattr(windows.DISPLAY_NAME)}',
        f'    Description={quoteattr(windows.DESCRIPTION)} Type="ownProcess" Start="auto" ErrorControl="normal"',
        f'    Account="LocalSystem" Vital="yes" Arguments={quoteattr(arguments)}/>',
        f'<ServiceControl Id="control" Name={name} Start="install" Stop="both" Remove="uninstall" Wait="yes"/>',
    ]


def _run(argv: list[str]) -> None:
    if shutil.which(argv[0]) is None:
        package = {"makensis": "nsis"}.get(argv[0], argv[0])
        sys.exit(f"{argv[0]} is not here. Say: apt-get install {package}")
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{argv[0]}: {done.stdout[-2000:]}{done.stderr[-2000:]}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--payload", type=Path, default=ROOT / "dist" / "bellpull-agent", help="built on a Windows")
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    parser.add_argument("--package-version", default=project_version())
    arguments = parser.parse_args()
    if not (arguments.payload / PROGRAM).is_file():
        sys.exit(f"{arguments.payload} holds no {PROGRAM}: it is built on a Windows, by installers/build_agent.py")
    for make in (build_setup, build_msi):
        package = make(arguments.payload, arguments.out, arguments.package_version)
        print(f"{package}  {package.stat().st_size / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
