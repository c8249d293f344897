"""Written bundles open with plain tools and with our reader, and nothing readable is left on disk."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from diagnostics.bundle import (
    BundleRefusedError,
    Plan,
    Refusal,
    bundle_root,
    new_identity,
    read_bundle,
    read_bundle_bytes,
    write_bundle,
)
from diagnostics.bundle import write as writing
from tests.diagnostics.bundle.conftest import BUNDLE_ID

ROOT = Path(__file__).resolve().parents[3]


def need_tools(*names: str) -> None:
    missing = [name for name in names if shutil.which(name) is None]
    if missing:
        line = f"install them with: apt-get install {' '.join(missing)}"
        if os.environ.get("CI") == "true":
            pytest.fail(line)
        pytest.skip(line)


def test_plain_age_zstd_and_tar_open_a_bundle(plan: Plan, key_pair: tuple[str, str], tmp_path: Path) -> None:
    need_tools("age", "zstd", "tar")
    spare = new_identity()
    target = tmp_path / "b.tar.zst.age"
    summary = write_bundle(plan, target, recipients=[spare[1], key_pair[1]])
    for secret in (spare[0], key_pair[0]):
        key = tmp_path / "key.txt"
        key.write_text(secret + "\n")
        unsealed = subprocess.run(["age", "-d", "-i", key, target], capture_output=True, check=True).stdout
        archive = subprocess.run(["zstd", "-d", "-c"], input=unsealed, capture_output=True, check=True).stdout
        listed = subprocess.run(["tar", "-tf", "-"], input=archive, capture_output=True, check=True)
        assert listed.stderr == b""
        names = listed.stdout.decode().split()
        assert names[:2] == ["manifest.json", "SUMMARY.md"]
        assert len(names) == summary.files + 1
        text = subprocess.run(["tar", "-xOf", "-", "logs/app.log"], input=archive, capture_output=True, check=True)
        assert text.stdout == plan.content("logs/app.log")


def test_plain_bundle_opens_with_zstd_and_tar(plan: Plan, tmp_path: Path) -> None:
    need_tools("zstd", "tar")
    target = tmp_path / "b.tar.zst"
    write_bundle(plan, target, recipients=None)
    archive = subprocess.run(["zstd", "-d", "-c", target], capture_output=True, check=True).stdout
    text = subprocess.run(["tar", "-xOf", "-", "manifest.json"], input=archive, capture_output=True, check=True).stdout
    assert json.loads(text)["id"] == BUNDLE_ID


def test_own_reader_gives_back_every_byte(plan: Plan, sealed: Callable[[], bytes], key_pair: tuple[str, str]) -> None:
    opened = read_bundle_bytes(sealed(), key_pair[0])
    assert opened.sealed
    assert dict(opened.files) == {part.entry.path: part.content() for part in plan.all_parts()}
    assert opened.manifest == plan.manifest(plan.all_parts())


def test_signature_is_over_the_root_of_the_whole(
    plan: Plan, sealed: Callable[[], bytes], key_pair: tuple[str, str]
) -> None:
    opened = read_bundle_bytes(sealed(), key_pair[0])
    assert opened.signature is not None
    assert json.loads(opened.signature)["root"] == opened.root.hex() == bundle_root(opened.manifest).hex()


def test_summary_tells_what_was_written(plan: Plan, tmp_path: Path, key_pair: tuple[str, str]) -> None:
    target = tmp_path / "b.age"
    summary = write_bundle(plan, target, recipients=[key_pair[1]])
    content = target.read_bytes()
    assert summary.bytes == len(content)
    assert summary.sha256 == hashlib.sha256(content).hexdigest()
    assert summary.files == 7
    assert summary.sealed
    assert summary.redactions == plan.preview().redactions


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX file modes")
def test_written_file_is_private(plan: Plan, tmp_path: Path) -> None:
    target = tmp_path / "b"
    write_bundle(plan, target, recipients=None)
    assert target.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_existing_file_is_never_replaced(plan: Plan, tmp_path: Path) -> None:
    target = tmp_path / "b"
    target.write_text("mine")
    with pytest.raises(BundleRefusedError) as refused:
        write_bundle(plan, target, recipients=None)
    assert refused.value.refusal is Refusal.OUTPUT
    assert target.read_text() == "mine"


@pytest.mark.parametrize("recipients", [[], ["age1nonsense"], ["AGE-SECRET-" + "KEY-1QQQ"]])
def test_wrong_recipients_are_refused_before_anything_is_written(
    plan: Plan, tmp_path: Path, recipients: list[str]
) -> None:
    with pytest.raises(BundleRefusedError) as refused:
        write_bundle(plan, tmp_path / "b", recipients=recipients)
    assert refused.value.refusal is Refusal.RECIPIENT
    assert list(tmp_path.iterdir()) == []


class FullDiskError(OSError):
    pass


class FullDisk(io.BytesIO):
    """Takes some bytes, then is full."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self._room = room

    def write(self, data: bytes, /) -> int:  # type: ignore[override]
        if self.tell() + len(data) > self._room:
            raise FullDiskError("no space left on device")
        return super().write(data)


@pytest.mark.parametrize("room", [0, 100, 400])
def test_full_disk_is_told_and_nothing_claims_success(plan: Plan, key_pair: tuple[str, str], room: int) -> None:
    with pytest.raises(FullDiskError):
        write_bundle(plan, FullDisk(room), recipients=[key_pair[1]])


@pytest.mark.parametrize("nameless", [True, False])
def test_failure_half_way_leaves_the_folder_empty(
    plan: Plan, tmp_path: Path, nameless: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not nameless:
        monkeypatch.setattr(writing, "_nameless", lambda folder: None)

    def fail(handle: int) -> None:
        raise FullDiskError("no space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(FullDiskError):
        write_bundle(plan, tmp_path / "b", recipients=None)
    assert list(tmp_path.iterdir()) == []


def test_system_without_nameless_files_writes_the_same_bundle(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "_nameless", lambda folder: None)
    write_bundle(plan, tmp_path / "b", recipients=None)
    with (tmp_path / "b").open("rb") as stream:
        assert read_bundle(stream, None).manifest.id == BUNDLE_ID
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


WRITER = textwrap.dedent(
    """
    import os, sys
    from pathlib import Path
    from diagnostics.bundle import write, write_bundle
    from tests.diagnostics.bundle.conftest import *

    folder, recipient, kill_at, nameless = Path(sys.argv[1]), sys.argv[2] or None, int(sys.argv[3]), sys.argv[4] == "1"
    noise = b"".join(b"telltale line %d %x\\n" % (n, n * 2654435761) for n in range(60_000))
    plan = plan_bundle([collected("logs/big.log", noise)], heading=HEADING, findings=FINDINGS, changes=(),
                       redactor=make_redactor())
    written = 0
    plain_write = write._Counted.write

    def counting(self, data):
        global written
        written += len(data)
        result = plain_write(self, data)
        self._target.flush()
        if written >= kill_at:
            os.kill(os.getpid(), 9)
        return result

    write._Counted.write = counting
    if not nameless:
        write._nameless = lambda folder: None
    write_bundle(plan, folder / "out", recipients=[recipient] if recipient else None)
    """
)


@pytest.mark.skipif(sys.platform != "linux", reason="kills by signal, nameless files")
@pytest.mark.parametrize("nameless", ["1", "0"])
@pytest.mark.parametrize("kill_at", [1, 20_000, 200_000])
def test_killed_writer_leaves_nothing_readable(
    tmp_path: Path, key_pair: tuple[str, str], kill_at: int, nameless: str
) -> None:
    arguments = [sys.executable, "-c", WRITER, str(tmp_path), key_pair[1], str(kill_at), nameless]
    ended = subprocess.run(arguments, cwd=ROOT, capture_output=True, timeout=60, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    if nameless == "1":
        assert left == []
    assert not (tmp_path / "out").exists()
    for path in left:
        content = path.read_bytes()
        assert content.startswith(b"age-encryption.org/v1")
        assert b"telltale" not in content
        assert path.parent.stat().st_mode & 0o777 == 0o700
