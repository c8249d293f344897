"""What is not read at all."""

from __future__ import annotations

import pytest

from diagnostics.redaction import Identifiers, Redactor, WithheldError, WithheldReason
from diagnostics.redaction.gate import is_excluded

SECRET = b"a secret of this device, 32 bytes"


def read(data: bytes, path: str = "logs/a.log", size: int = 1 << 20) -> bytes:
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(Redactor(Identifiers(), SECRET).stream(pieces, path=path))


EXCLUDED = [
    "/home/a/.ssh/id_ed25519",
    "/home/a/.ssh/known_hosts",
    "C:\\Users\\a\\.aws\\credentials",
    "/etc/shadow",
    "/etc/shadow-",
    "/etc/gshadow",
    "/etc/NetworkManager/system-connections/Home.nmconnection",
    "/etc/wpa_supplicant/wpa_supplicant-wlan0.conf",
    "/etc/ssl/private/server.key",
    "/srv/tls/server.pem",
    "/home/a/vault.kdbx",
    "/home/a/.config/google-chrome/Default/Login Data",
    "/home/a/.mozilla/firefox/x/logins.json",
    "/home/a/.bash_history",
    "/home/a/.netrc",
    "/home/a/.pgpass",
    "/root/.docker/config.json",
    "/home/a/.kube/config",
    "/etc/krb5.keytab",
    "/var/crash/core.1234",
    "secrets.yaml",
    "/Users/a/Library/Keychains/login.keychain-db",
    "C:\\Windows\\System32\\config\\SAM",
    "/etc/ssh/ssh_host_rsa_key",
    "/etc/wireguard/wg0.conf",
]
READ = [
    "/var/log/syslog",
    "/private/var/log/system.log",
    "logs/journal.log",
    "/var/log/apt/history.log",
    "hardware/system.txt",
    "/var/log/auth.log",
    "network/keys.txt",
    "/etc/os-release",
    "services/core-services.txt",
    "packages/openssh-keygen.txt",
    "journalctl -b -n 2000",
]


@pytest.mark.parametrize("path", EXCLUDED)
def test_file_that_holds_keys_by_its_name_is_not_read(path: str) -> None:
    with pytest.raises(WithheldError) as withheld:
        read(b"harmless words", path)
    assert withheld.value.reason is WithheldReason.EXCLUDED_PATH


@pytest.mark.parametrize("path", READ)
def test_ordinary_names_are_read(path: str) -> None:
    assert not is_excluded(path)


@pytest.mark.parametrize(
    "data",
    [
        b"\x7fELF\x02\x01\x01" + bytes(100),
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        b"PK\x03\x04" + b"text" * 100,
        b"SQLite format 3\x00" + b"text" * 100,
        b"\x1f\x8b\x08" + b"text" * 100,
        bytes(range(256)) * 20,
        "utf-16 without a mark".encode("utf-16-le") * 20,
        bytes(1000),
    ],
)
@pytest.mark.parametrize("size", [3, 1 << 20])
def test_binary_is_withheld(data: bytes, size: int) -> None:
    with pytest.raises(WithheldError) as withheld:
        read(data, size=size)
    assert withheld.value.reason is WithheldReason.BINARY


@pytest.mark.parametrize(
    "data",
    [
        b"plain\n",
        b"",
        b"\x1b[31mcolour\x1b[0m and \x07 bell, the rest of the line is text like any other line\n",
        b"before the power went\n" * 20 + bytes(60) + b"after\n" * 20,
        "Größe, размер, サイズ\n".encode(),
        "latin-1 größe\n".encode("latin-1"),
        b"HOME=/root\0TERM=xterm\0",
    ],
)
def test_text_of_any_kind_is_read(data: bytes) -> None:
    assert read(data) == data


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("size", [1, 5, 1 << 20])
def test_windows_log_in_utf_16_is_redacted_as_utf_8(encoding: str, size: int) -> None:
    mark = b"\xff\xfe" if encoding == "utf-16-le" else b"\xfe\xff"
    text = "Größe 12\r\npassword=hunter2\r\n"
    assert read(mark + text.encode(encoding), size=size).decode() == "Größe 12\r\npassword=<redacted:password>\r\n"


def test_broken_utf_16_is_read_as_far_as_it_goes() -> None:
    out = read(b"\xff\xfe" + "token=".encode("utf-16-le") + b"\x00\xd8" + "x".encode("utf-16-le") + b"\x01")
    assert out.startswith(b"token=")


def test_secret_behind_a_run_of_nul_is_gone() -> None:
    assert b"hunter2" not in read(b"text before it\n" * 30 + bytes(40) + b"password=hunter2\n")
