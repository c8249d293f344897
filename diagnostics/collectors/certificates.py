"""Certificates of the servers this machine talks to, and those somebody put on it by hand.

    {"server": "desk.example.org:443", "der": "MIIB…", "trust_error": "", "error": ""}        of read/web.py
    /usr/local/share/ca-certificates/office-proxy.crt   -----BEGIN CERTIFICATE-----           roots added by hand
    /etc/ssl/certs/ssl-cert-mail.pem                                                          regular files only

What the distribution ships is a link in /etc/ssl/certs and left out: its roots end by its own updates.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass

from diagnostics.collectors.contract import Collector, Cost, Personal
from diagnostics.machine.interface import EntryKind, Machine, Native, Platform, Unreadable
from diagnostics.machine.roots import CERTIFICATE_FOLDERS
from diagnostics.observations import UnreadSource
from diagnostics.plain_text import printable
from diagnostics.strict_json import decode
from diagnostics.system_observations import Certificates, SeenCertificate

# A bundle of all roots has 200 KiB and is not what somebody put here by hand.
FILE_MAX_BYTES = 64 * 1024
FILES_MAX = 40
_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----\s+[A-Za-z0-9+/=\s]{1,20000}?-----END CERTIFICATE-----")
_BLOCKS_MAX = 10
_ENDINGS = (".pem", ".crt", ".cer")


@dataclass(frozen=True, slots=True)
class _Answer:
    server: str
    der: str
    trust_error: str
    error: str


def parse_certificate(content: bytes, where: str, *, is_server: bool, trust_error: str = "") -> SeenCertificate:
    """DER, or one PEM block. ValueError on anything else."""
    # 40 ms that only those pay who have a certificate to look at.
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    load = x509.load_pem_x509_certificate if content.startswith(b"-----") else x509.load_der_x509_certificate
    certificate = load(content)

    def named(name: x509.Name) -> str:
        for oid in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME):
            for attribute in name.get_attributes_for_oid(oid):
                return printable(attribute.value, 120)
        return "?"

    subject = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return SeenCertificate(
        where=printable(where, 300),
        is_server=is_server,
        subject=printable(subject[0].value, 120) if subject else named(certificate.subject),
        issuer=named(certificate.issuer),
        not_before_unix_s=int(certificate.not_valid_before_utc.timestamp()),
        not_after_unix_s=int(certificate.not_valid_after_utc.timestamp()),
        trust_error=printable(trust_error, 200),
    )


def _servers(machine: Machine) -> Iterator[SeenCertificate | UnreadSource]:
    try:
        answers = decode(tuple[_Answer, ...], machine.native(Native.SERVER_CERTIFICATES))
    except Unreadable as unreadable:
        yield UnreadSource("servers", unreadable.reason)
        return
    for answer in answers:
        if answer.error:
            yield UnreadSource(printable(answer.server, 300), printable(answer.error, 200))
            continue
        try:
            der = base64.b64decode(answer.der, validate=True)
            yield parse_certificate(der, answer.server, is_server=True, trust_error=answer.trust_error)
        except ValueError:
            yield UnreadSource(printable(answer.server, 300), "its certificate cannot be read")


def _files(machine: Machine) -> Iterator[SeenCertificate | UnreadSource]:
    paths: list[str] = []
    for folder in CERTIFICATE_FOLDERS if machine.platform is Platform.LINUX else ():
        try:
            entries = machine.list_folder(folder)
        except Unreadable:
            continue  # another family of distributions
        paths += [
            f"{folder}/{entry.name}"
            for entry in entries
            if entry.kind is EntryKind.FILE and entry.name.endswith(_ENDINGS) and entry.size_bytes <= FILE_MAX_BYTES
        ]
    for path in paths[:FILES_MAX]:
        try:
            blocks = _BLOCK.findall(machine.read_file(path, max_bytes=FILE_MAX_BYTES))[:_BLOCKS_MAX]
            yield from (parse_certificate(block, path, is_server=False) for block in blocks)
        except Unreadable as unreadable:
            yield UnreadSource(printable(path, 300), unreadable.reason)
        except ValueError:
            yield UnreadSource(printable(path, 300), "holds no certificate that can be read")


def _stores(machine: Machine) -> Iterator[SeenCertificate | UnreadSource]:
    """Windows keeps certificates in stores instead of folders."""
    if machine.platform is not Platform.WINDOWS:
        return
    from diagnostics.collectors.windows.certificates import stored_certificates

    try:
        for store, der in stored_certificates(machine):
            try:
                yield parse_certificate(der, store, is_server=False)
            except ValueError:
                yield UnreadSource(store, "holds a certificate that cannot be read")
    except Unreadable as unreadable:
        yield UnreadSource("certificate stores", unreadable.reason)


def collect_certificates(machine: Machine) -> Certificates:
    told = [*_servers(machine), *_files(machine), *_stores(machine)]
    certificates = tuple(item for item in told if isinstance(item, SeenCertificate))
    unread = tuple(item for item in told if isinstance(item, UnreadSource))
    if not certificates:
        raise Unreadable(unread[0].reason if unread else "no certificate is there to look at")
    return Certificates(certificates, unread)


CERTIFICATES = Collector(
    id="certificates",
    collect=collect_certificates,
    may_contain=frozenset({Personal.HOST_NAMES, Personal.FILE_PATHS}),
    cost=Cost.NETWORK,
)
