"""A bundle made by an attacker: refused as a whole, with a reason, in bounded memory and time."""

from __future__ import annotations

import hashlib
import io
import os
import random
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyrage
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.bundle import (
    BundleRefusedError,
    FileEntry,
    FileStatus,
    Manifest,
    ReadLimits,
    Refusal,
    Window,
    new_identity,
    read_bundle,
    read_bundle_bytes,
    visible,
)
from diagnostics.bundle.manifest import manifest_bytes
from diagnostics.bundle.zstandard import CompressionParameter, ZstdCompressor
from tests.diagnostics.bundle.conftest import BUNDLE_ID, NOW

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Entry:
    name: str
    content: bytes = b"x\n"
    type: bytes = tarfile.REGTYPE
    link: str = ""


def packed(archive: bytes) -> bytes:
    packer = ZstdCompressor(level=3)
    return packer.compress(archive) + packer.flush()


def archive_of(entries: list[Entry], *, format_: int = tarfile.USTAR_FORMAT, manifest: bool = True) -> bytes:
    """A tar as an attacker writes it: nothing of our writer, any name, any type."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format_) as tar:
        if manifest:
            head = manifest_of(entries)
            info = tarfile.TarInfo("manifest.json")
            info.size = len(head)
            tar.addfile(info, io.BytesIO(head))
        for entry in entries:
            info = tarfile.TarInfo(entry.name)
            info.type, info.linkname = entry.type, entry.link
            info.size = len(entry.content) if entry.type == tarfile.REGTYPE else 0
            tar.addfile(info, io.BytesIO(entry.content))
    return out.getvalue()


def manifest_of(entries: list[Entry]) -> bytes:
    files = tuple(
        FileEntry(
            path=entry.name,
            collector="x",
            why="x",
            status=FileStatus.OK,
            bytes=len(entry.content),
            sha256=hashlib.sha256(entry.content).hexdigest(),
        )
        for entry in entries
    )
    return manifest_bytes(Manifest(1, BUNDLE_ID, NOW, "0", {}, Window(0, NOW), files))


def refusal_of(data: bytes, identity: str | None = None, limits: ReadLimits | None = None) -> BundleRefusedError:
    with pytest.raises(BundleRefusedError) as refused:
        read_bundle_bytes(data, identity, limits or ReadLimits())
    error = refused.value
    for words in (error.expected, error.got, error.hint):
        assert words
        assert words.isprintable()
    return error


def test_attacker_who_writes_what_we_write_is_read() -> None:
    """The tests below differ from this one in one thing each."""
    opened = read_bundle_bytes(packed(archive_of([Entry("logs/a.log"), Entry("logs/b.log")])), None)
    assert dict(opened.files) == {"logs/a.log": b"x\n", "logs/b.log": b"x\n"}
    assert not opened.sealed
    assert opened.signature is None


UNSAFE_NAMES = [
    "/etc/passwd",
    "../up.log",
    "logs/../../up.log",
    "logs/./a.log",
    "logs//a.log",
    "C:/windows/x",
    "logs/a.log:stream",
    "logs\\a.log",
    "logs/NUL",
    "logs/con.txt",
    "logs/COM1.log",
    "logs/a.log.",
    "logs/a log",
    "logs/\x1b[2Ja.log",
    "logs/a\u202egol",
    "logs/\u00e9.log",
    "~/a.log",
    "-rf",
    ".hidden",
    "a/b/c/d/e/f/g/h.log",
    "logs/" + "a" * 96,
    "logs/$HOME",
    "logs/`id`",
    "logs/<script>",
]


@pytest.mark.parametrize("name", UNSAFE_NAMES)
def test_unsafe_name_is_refused(name: str) -> None:
    raw = archive_of([Entry("logs/plain.log"), Entry("logs/x")], manifest=True)
    header = tarfile.TarInfo("placeholder")
    header.size = 2
    block = bytearray(header.tobuf(tarfile.USTAR_FORMAT, "utf-8", "surrogateescape"))
    encoded = name.encode("utf-8")[:100]
    block[:100] = encoded.ljust(100, b"\0")
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    end = raw.rstrip(b"\0").rfind(b"x\n") + 512 - 0
    whole = raw[: (end // 512) * 512] + bytes(block) + b"x\n".ljust(512, b"\0") + bytes(1024)
    if len(name.encode()) > 100:
        assert refusal_of(packed(whole)).refusal in (Refusal.CONTENT_DIFFERS, Refusal.UNSAFE_NAME)
        return
    assert refusal_of(packed(whole)).refusal is Refusal.UNSAFE_NAME


@pytest.mark.parametrize(
    ("kind", "link", "said"),
    [
        (tarfile.SYMTYPE, "/etc/shadow", "symbolic link"),
        (tarfile.SYMTYPE, "a.log", "symbolic link"),
        (tarfile.LNKTYPE, "/etc/shadow", "hard link"),
        (tarfile.FIFOTYPE, "", "FIFO"),
        (tarfile.CHRTYPE, "", "character device"),
        (tarfile.BLKTYPE, "", "block device"),
        (tarfile.DIRTYPE, "", "folder"),
        (tarfile.CONTTYPE, "", "contiguous"),
    ],
)
def test_anything_but_a_regular_file_is_refused(kind: bytes, link: str, said: str) -> None:
    error = refusal_of(packed(archive_of([Entry("logs/a.log"), Entry("logs/b", b"", kind, link)])))
    assert error.refusal is Refusal.UNSAFE_ENTRY
    assert said in error.got


@pytest.mark.parametrize("format_", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_long_names_of_other_formats_are_refused(format_: int) -> None:
    error = refusal_of(packed(archive_of([Entry("logs/" + "b" * 150)], format_=format_)))
    assert error.refusal is Refusal.UNSAFE_ENTRY


@pytest.mark.parametrize(
    ("first", "second"),
    [("logs/a.log", "logs/a.log"), ("logs/a.log", "logs/A.LOG"), ("logs/a", "logs/a/b"), ("logs/a/b", "logs/a")],
)
def test_name_that_comes_twice_is_refused(first: str, second: str) -> None:
    assert refusal_of(packed(archive_of([Entry(first), Entry(second)]))).refusal is Refusal.DUPLICATE_NAME


def test_second_manifest_is_refused() -> None:
    assert refusal_of(packed(archive_of([Entry("manifest.json")]))).refusal is Refusal.DUPLICATE_NAME


def test_ten_thousand_entries_are_refused() -> None:
    error = refusal_of(packed(archive_of([Entry(f"logs/{n}.log") for n in range(10_000)])))
    assert error.refusal is Refusal.TOO_MANY_ENTRIES


def test_huge_file_is_refused_by_its_header_alone() -> None:
    header = tarfile.TarInfo("logs/big.log")
    header.size = 8 * 1024**3 - 1
    assert refusal_of(packed(header.tobuf(tarfile.USTAR_FORMAT))).refusal is Refusal.TOO_LARGE


def test_size_in_another_number_system_is_refused() -> None:
    block = bytearray(tarfile.TarInfo("logs/big.log").tobuf(tarfile.USTAR_FORMAT))
    block[124:136] = b"\x80" + bytes(10) + b"\x05"
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    assert refusal_of(packed(bytes(block))).refusal is Refusal.DAMAGED


def test_manifest_must_come_first() -> None:
    data = packed(archive_of([Entry("logs/a.log"), Entry("manifest.json", manifest_of([]))], manifest=False))
    assert refusal_of(data).refusal is Refusal.MANIFEST


def test_empty_archive_is_refused() -> None:
    assert refusal_of(packed(bytes(10_240))).refusal is Refusal.MANIFEST


def rewritten(change: Callable[[list[Entry]], list[Entry]]) -> bytes:
    """A bundle whose manifest speaks of other entries than it holds."""
    honest = [Entry("logs/a.log", b"first\n"), Entry("logs/b.log", b"second\n")]
    head = Entry("manifest.json", manifest_of(honest))
    return packed(archive_of([head, *change(honest)], manifest=False))


@pytest.mark.parametrize(
    "change",
    [
        lambda files: [Entry("logs/a.log", b"FIRST\n"), files[1]],
        lambda files: files[:1],
        lambda files: [*files, Entry("logs/c.log")],
        lambda files: [Entry("logs/a.log", b"first\n\n"), files[1]],
    ],
    ids=["changed", "missing", "added", "longer"],
)
def test_content_that_differs_from_the_manifest_is_refused(change: Callable[[list[Entry]], list[Entry]]) -> None:
    assert refusal_of(rewritten(change)).refusal is Refusal.CONTENT_DIFFERS


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"{}",
        b"[]",
        b"not json",
        b'{"a":NaN}',
        b"[" * 50_000,
        manifest_of([]).replace(b'"schema":1', b'"schema":2'),
        manifest_of([]).replace(b'"schema":1', b'"schema":1,"extra":1'),
        manifest_of([]).replace(b'"schema":1', b'"schema":1,"schema":1'),
        manifest_of([]).replace(b",", b", "),
        manifest_of([]).replace(BUNDLE_ID.encode(), b"0000"),
        manifest_of([Entry("../x")]),
        manifest_of([Entry("logs/a"), Entry("logs/A")]),
        manifest_of([Entry("logs/a")]).replace(b'"status":"ok"', b'"status":"fine"'),
        manifest_of([Entry("logs/a")]).replace(b'"bytes":2', b'"bytes":true'),
    ],
)
def test_manifest_of_another_shape_is_refused(head: bytes) -> None:
    error = refusal_of(packed(archive_of([Entry("manifest.json", head)], manifest=False)))
    assert error.refusal in (Refusal.MANIFEST, Refusal.UNSAFE_NAME)


LITTLE = ReadLimits(content_bytes=4 << 20, ratio_from_bytes=1 << 20, stream_bytes=1 << 20)


def test_content_over_the_limit_is_refused() -> None:
    noise = random.Random(1).randbytes(100_000)
    entries = [Entry(f"logs/{n}.log", noise + b"%d" % n) for n in range(60)]
    assert refusal_of(packed(archive_of(entries)), limits=LITTLE).refusal is Refusal.BOMB


def test_ratio_over_the_limit_is_refused() -> None:
    entries = [Entry("logs/zero.log", bytes(3 << 20))]
    assert refusal_of(packed(archive_of(entries)), limits=LITTLE).refusal is Refusal.BOMB


def test_stream_that_never_ends_is_refused() -> None:
    class Endless(io.RawIOBase):
        def read(self, size: int = -1, /) -> bytes:
            return packed(b"x")[:4].ljust(size if size > 0 else 4096, b"\0")

    with pytest.raises(BundleRefusedError):
        read_bundle(Endless(), None, LITTLE)  # type: ignore[arg-type]


def test_window_larger_than_ours_is_refused() -> None:
    packer = ZstdCompressor(
        options={CompressionParameter.window_log: 27, CompressionParameter.enable_long_distance_matching: 1}
    )
    data = packer.compress(random.Random(3).randbytes(1 << 20) * 40) + packer.flush()
    error = refusal_of(data)
    assert error.refusal is Refusal.DAMAGED
    assert "window" in error.expected


@pytest.mark.parametrize("tail", [b"\0", b"more", packed(b"second frame"), b"\x50\x2a\x4d\x18\x04\0\0\0abcd"])
def test_bytes_behind_the_end_are_refused(tail: bytes) -> None:
    good = packed(archive_of([Entry("logs/a.log")]))
    assert refusal_of(good + tail).refusal is Refusal.DAMAGED


@pytest.mark.parametrize("cut", [1, 4, 5, 100, -1, -4, -20])
def test_bundle_cut_short_is_refused(cut: int) -> None:
    good = packed(archive_of([Entry("logs/a.log")]))
    assert refusal_of(good[:cut]).refusal in (Refusal.DAMAGED, Refusal.NOT_A_BUNDLE)


def test_archive_without_end_mark_is_refused() -> None:
    archive = archive_of([Entry("logs/a.log")])
    assert refusal_of(packed(archive.rstrip(b"\0").ljust(2560, b"\0"))).refusal is Refusal.DAMAGED


@pytest.mark.parametrize(
    "data", [b"", b"PK\x03\x04zip", b"\x1f\x8bgzip", b"age-encryption.org/v2\n", b"-----BEGIN AGE"]
)
def test_other_files_are_no_bundles(data: bytes) -> None:
    assert refusal_of(data).refusal is Refusal.NOT_A_BUNDLE


def test_sealed_bundle_needs_a_key(sealed: Callable[[], bytes]) -> None:
    assert refusal_of(sealed()).refusal is Refusal.SEALED


def test_sealed_bundle_needs_the_right_key(sealed: Callable[[], bytes]) -> None:
    assert refusal_of(sealed(), new_identity()[0]).refusal is Refusal.WRONG_KEY


def test_key_that_is_none_is_said_so(sealed: Callable[[], bytes]) -> None:
    assert refusal_of(sealed(), "hello").refusal is Refusal.WRONG_KEY


@pytest.mark.parametrize("share", [0.3, 0.6, 0.999])
def test_sealed_bundle_cut_short_is_refused(
    sealed: Callable[[], bytes], key_pair: tuple[str, str], share: float
) -> None:
    data = sealed()
    assert refusal_of(data[: int(len(data) * share)], key_pair[0]).refusal is Refusal.DAMAGED


def test_any_changed_byte_of_a_sealed_bundle_is_noticed(sealed: Callable[[], bytes], key_pair: tuple[str, str]) -> None:
    data = sealed()
    rng = random.Random(5)
    for _ in range(60):
        at = rng.randrange(len(data))
        changed = data[:at] + bytes((data[at] ^ (1 << rng.randrange(8)),)) + data[at + 1 :]
        with pytest.raises(BundleRefusedError):
            read_bundle_bytes(changed, key_pair[0])


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.binary(max_size=2000))
def test_any_bytes_are_refused_and_never_crash_the_reader(data: bytes) -> None:
    for candidate in (data, b"\x28\xb5\x2f\xfd" + data, packed(data), b"age-encryption.org/v1\n" + data):
        with pytest.raises(BundleRefusedError):
            read_bundle_bytes(candidate, IDENTITY if candidate.startswith(b"age") else None)


IDENTITY = new_identity()[0]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.integers(0, 1023), st.binary(min_size=1, max_size=40))
def test_any_header_bytes_are_refused_or_read_whole(at: int, noise: bytes) -> None:
    archive = bytearray(archive_of([Entry("logs/a.log")]))
    archive[at : at + len(noise)] = noise
    try:
        opened = read_bundle_bytes(packed(bytes(archive)), None)
    except BundleRefusedError:
        return
    assert list(opened.files) == ["logs/a.log"]


BOMB = """
import io, resource, sys, time
from diagnostics.bundle import BundleRefusedError, read_bundle
stream = open(sys.argv[1], "rb")
begun = time.monotonic()
try:
    read_bundle(stream, sys.argv[2] or None)
except BundleRefusedError as error:
    print(error.refusal, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, time.monotonic() - begun)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="getrusage")
@pytest.mark.parametrize("kind", ["zeros", "many-large-files", "sealed"])
def test_bomb_costs_bounded_memory_and_time(tmp_path: Path, kind: str) -> None:
    """20 GB in 2 MB; 10 000 files of 30 MiB; the same sealed."""
    packer = ZstdCompressor(level=3)
    path = tmp_path / "bomb"
    header = tarfile.TarInfo("logs/a.log")
    header.size = 30 << 20
    parts: list[bytes] = []
    names = iter(range(10_000))
    zeros = bytes(30 << 20)
    for _ in range(24 if kind == "many-large-files" else 40):
        if kind != "zeros":
            header.name = f"logs/{next(names)}.log"
        parts.append(packer.compress(header.tobuf(tarfile.USTAR_FORMAT) + zeros))
    parts.append(packer.flush())
    data = b"".join(parts)
    secret, recipient = new_identity()
    if kind == "sealed":
        data = pyrage.encrypt(data, [pyrage.x25519.Recipient.from_str(recipient)])
    path.write_bytes(data)
    arguments = [sys.executable, "-c", BOMB, str(path), secret if kind == "sealed" else ""]
    begun = time.monotonic()
    said = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True).stdout.split()
    assert said[0] in (Refusal.BOMB, Refusal.DUPLICATE_NAME)
    assert int(said[1]) <= 512
    assert time.monotonic() - begun < 30


def test_nothing_is_written_to_disk_while_reading(
    sealed: Callable[[], bytes], key_pair: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = sealed()
    opened: list[object] = []
    real = os.open

    def watched(path: object, flags: int, *rest: object, **more: object) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            opened.append(path)
        return real(path, flags, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", watched)
    monkeypatch.chdir(tmp_path)
    read_bundle_bytes(data, key_pair[0])
    assert opened == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain text äöü 日本", "plain text äöü 日本"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("a\u202eb\u2066c", "a\\u202eb\\u2066c"),
        ("nul\0bell\x07", "nul\\x00bell\\x07"),
        ("two\nlines\tand tab", "two\nlines\tand tab"),
        ("cr\rover", "cr\\x0dover"),
        ("tag\U000e0041", "tag\\U000e0041"),
    ],
)
def test_text_is_shown_without_moving_anything(raw: str, shown: str) -> None:
    assert visible(raw) == shown
