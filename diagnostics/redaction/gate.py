"""What is not read at all: files whose name says that they hold keys, and content that is not text.

Excluding comes first because no pattern is as sure as not looking. Binary content is withheld whole: a secret in
it could be in any encoding. UTF-16 with a byte-order mark (Windows logs) is text and is turned into UTF-8.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from enum import StrEnum


class WithheldReason(StrEnum):
    EXCLUDED_PATH = "excluded-path"
    BINARY = "binary"
    NAME_LEFT = "name-left"
    CANARY_LEFT = "canary-left"


class WithheldError(Exception):
    """This file must not leave the machine. Bytes of it that were already handed out must be thrown away."""

    def __init__(self, path: str, reason: WithheldReason, detail: str) -> None:
        super().__init__(f"{path}: withheld, {detail}")
        self.path = path
        self.reason = reason
        self.detail = detail


_EXCLUDED = re.compile(
    r"""(?ix)(?:^|/)(?:
      id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?|identity|[^/]*\.(?:pem|key|p12|pfx|jks|keystore|kdbx?|ppk|asc|gpg|pgp|ovpn|
        rdp|age|wallet|agilekeychain|opvault|keychain(?:-db)?|mobileconfig|jceks|bks|der)|
      shadow-?|gshadow-?|security/opasswd|sudoers(?:\.d/.*)?|krb5\.keytab|[^/]*\.keytab|krb5cc_[^/]*|
      \.?(?:netrc|pgpass|my\.cnf|git-credentials|htpasswd|npmrc|pypirc|boto|s3cfg|rhosts|smbcredentials|dockercfg|
        bash_history|zsh_history|psql_history|mysql_history|python_history|lesshst|viminfo|node_repl_history)|
      consolehost_history\.txt|\.(?:gnupg|ssh|aws|azure|kube|docker|password-store|mozilla|thunderbird)/.*|
      (?:login\ data|cookies|web\ data|history|key[34]\.db|logins\.json|signons\.sqlite|cookies\.sqlite|places\.sqlite|
        wallet\.dat|seed\.txt|credentials|credentials\.(?:json|ya?ml|xml)|client_secret[^/]*\.json|
        service[-_]?account[^/]*\.json|secrets\.(?:ya?ml|json|toml|env))|
      config/(?:sam|system|security)|ntds\.dit|keychains/.*|microsoft/(?:credentials|protect|vault)/.*|
      ssh_host_[^/]*_key|ssl/private/.*|wpa_supplicant(?:-[^/]*)?\.conf|system-connections/.*|wireguard/.*|
      dumps?/.*\.dmp|core(?:\.\d+)?|[^/]*\.(?:dmp|core|hprof|mdmp)
    )$"""
)

_MAGIC = (
    b"\x7fELF", b"MZ", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ",
    b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf", b"Rar!", b"SQLite format 3\x00", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe",
    b"%PDF-", b"bplist0", b"LPKSHHRH", b"ElfFile\x00", b"regf", b"MDMP", b"OggS", b"RIFF", b"\x00\x00\x01\x00",
)  # fmt: skip
SNIFF_BYTES = 64 * 1024
# Text has no control bytes but NUL, which separates environments and arguments and fills logs after a power loss.
CONTROL_SHARE_MAX = 0.03
NUL_SHARE_MAX = 0.30
_TEXT_BYTES = bytes(byte for byte in range(256) if byte >= 32 or byte in b"\t\n\r\x0b\x0c\x1b\x08")


def is_excluded(path: str) -> bool:
    """By name alone; ``path`` is where the file came from or where it goes, with / or \\."""
    return _EXCLUDED.search(path.replace("\\", "/")) is not None


def is_binary(head: bytes) -> bool:
    if head.startswith(_MAGIC):
        return True
    nul = head.count(0)
    control = len(head.translate(None, _TEXT_BYTES)) - nul
    return control > len(head) * CONTROL_SHARE_MAX or nul > len(head) * NUL_SHARE_MAX


def admit(chunks: Iterable[bytes], path: str) -> Iterator[bytes]:
    """The same bytes, once it is known that they may be read as text. Raises WithheldError otherwise."""
    if is_excluded(path):
        raise WithheldError(path, WithheldReason.EXCLUDED_PATH, "files of this name hold keys or passwords")
    source = iter(chunks)
    head = bytearray()
    for chunk in source:
        head += chunk
        if len(head) >= SNIFF_BYTES:
            break
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        yield from _from_utf16(bytes(head), source)
        return
    if is_binary(bytes(head[:SNIFF_BYTES])):
        raise WithheldError(path, WithheldReason.BINARY, "expected text, got binary data")
    yield bytes(head)
    yield from source


def _from_utf16(head: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder("utf-16")("replace")
    yield decoder.decode(head).encode("utf-8", "replace")
    for chunk in rest:
        yield decoder.decode(chunk).encode("utf-8", "replace")
    yield decoder.decode(b"", True).encode("utf-8", "replace")
