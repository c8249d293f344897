"""A customer's bundle opened on the technician's machine: in memory, as text, with a verdict on who made it.

    sealed bytes ── diagnostics reads it as hostile ──► files in memory ── whose signature? ──► JudgedBundle

Never extracted to disk. The maker counts as known when the device's certificate leads to our root, its key signed this
very manifest, and it is the device the ticket is about; else the doubt is said and the content still shown as text.
"""

import io
from dataclasses import dataclass
from typing import BinaryIO

from diagnostics.bundle.manifest import SUMMARY_PATH, FileEntry
from diagnostics.bundle.read import OpenedBundle, read_bundle
from diagnostics.bundle.refusal import BundleRefusedError
from protocol import strict_json
from protocol.errors import ProtocolError
from protocol.fields import device_id
from protocol.statements import VerifyKey, verify
from protocol.tickets import BundleSeal, BundleSignature
from protocol.trust import Trust
from technician.keys.technician_keys import TechnicianKeys
from technician.problems import Problem


@dataclass(frozen=True)
class JudgedBundle:
    """`doubt` empty: made by `device` of `customer`, certified. Else why that is not proven."""

    opened: OpenedBundle
    device: str | None
    customer: str | None
    doubt: str

    @property
    def summary(self) -> str:
        """What to read first, safe to show as text."""
        return self.opened.shown(SUMMARY_PATH) if SUMMARY_PATH in self.opened.files else "It has no summary."

    @property
    def redactions(self) -> dict[str, int]:
        """Kind → how many were replaced in all files."""
        total: dict[str, int] = {}
        for entry in self.opened.manifest.files:
            for kind, count in entry.redactions.items():
                total[kind] = total.get(kind, 0) + count
        return dict(sorted(total.items(), key=lambda item: -item[1]))

    def entry(self, path: str) -> FileEntry:
        """The manifest's line for a file that is there."""
        for entry in self.opened.manifest.present:
            if entry.path == path:
                return entry
        raise Problem("the bundle holds no such file", expected="one that its list names", got=path[:120])

    def shown(self, path: str) -> str:
        """One file as text: control characters and overrides written out."""
        return self.opened.shown(self.entry(path).path)


def open_bundle(stream: BinaryIO, keys: TechnicianKeys | None, trust: Trust | None, now: int) -> JudgedBundle:
    """Read and judge a bundle. Without keys only a plain one opens; without trust nobody is known."""
    try:
        opened = read_bundle(stream, None) if keys is None else keys.open_bundle(stream)
    except BundleRefusedError as error:
        raise Problem(
            f"the bundle was refused: {error.refusal.value}", expected=error.expected, got=error.got, hint=error.hint
        ) from None
    return judge(opened, trust, now)


def open_bundle_bytes(data: bytes, keys: TechnicianKeys, trust: Trust, now: int) -> JudgedBundle:
    return open_bundle(io.BytesIO(data), keys, trust, now)


def judge(opened: OpenedBundle, trust: Trust | None, now: int) -> JudgedBundle:
    if opened.signature is None:
        return JudgedBundle(opened, None, None, "nobody signed it")
    try:
        seal = strict_json.parse(opened.signature, BundleSeal, what="bundle's signature")
        body = verify(seal.signature, BundleSignature, VerifyKey(seal.device_key)).body
    except ProtocolError as error:
        return JudgedBundle(opened, None, None, f"its signature does not hold: {error}")
    named = (body.files_root, body.bundle, body.device)
    if named != (opened.root, opened.manifest.id, device_id(seal.device_key)):
        return JudgedBundle(opened, None, None, "its signature is of another bundle or device")
    if trust is None:
        return JudgedBundle(opened, body.device, None, "no organisation is pinned here, so the device is not proven")
    if seal.device is None:
        return JudgedBundle(opened, body.device, None, "the device had no certificate when it made this")
    try:
        certificate = trust.device(seal.device, now).body
    except ProtocolError as error:
        return JudgedBundle(opened, body.device, None, str(error))
    if certificate.signing_key != seal.device_key:
        return JudgedBundle(opened, body.device, None, "the certificate in it is of another device")
    return JudgedBundle(opened, body.device, certificate.customer, "")
