"""A recording that can be given away: the same answers, with what names a person or a secret taken out.

    what was noted ──Redactor──▶ text with marks ──stand-ins──▶ text that the collectors can still read

The redactor's marks (`<ip-private:4c9a01d7>`, `<user:7f3a91c0>`) say what was there, and no parser of addresses or
paths takes them. So each mark becomes a stand-in of its own shape: an address that is none of this network, a name that
is nobody's. The same thing has the same stand-in wherever it stands, so a route still leads to its gateway; without the
secret of this recording, which is thrown away, nobody gets back.

Binary files are turned into text first where that is possible (property lists), cut to what is judged (wtmp), or
withheld. Certificates are public and stay. Numbers are numbers: sizes, counters and times are not touched.
"""

from __future__ import annotations

import hashlib
import hmac
import plistlib
import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from typing import Final

from diagnostics.machine import commands
from diagnostics.machine.interface import UnreadableKind
from diagnostics.machine.recorded import CommandAnswer, Refusal, ResolverAnswer
from diagnostics.machine.recording import RecordingMachine
from diagnostics.redaction import Identifiers, Redactor, WithheldError
from diagnostics.redaction.kinds import MARK, Kind
from diagnostics.redaction.pseudonyms import Pseudonyms

# Commands whose arguments name an address or a job; those of the others are our own words, and must stay the question.
_ARGUMENT_NAMES: Final = frozenset({"ping", "sntp", "pkgutil"})
_OUR_COMMANDS: Final = frozenset(command.argv for command in commands.FIXED.values())
_CERTIFICATE: Final = re.compile(rb"\s*(?:-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*)+")
# Names of programs and of who installed them; the rules take `displayName` for a person's. Looked through, not changed.
_SOFTWARE: Final = re.compile(r"/Library/Receipts/InstallHistory\.plist|/Applications/[^/]+/Contents/Info\.plist")
# netstat of macOS and BSD puts the port behind one more dot: no address by anybody's rules.
_DOTTED_PORT: Final = re.compile(r"\b(\d{1,3}(?:\.\d{1,3}){3})\.(\d{1,5}|\*)(?=\s)")
# Addresses a machine gives itself: that they are such is what checks look at.
_OWN_IPV4: Final = re.compile(rb"\b169\.254\.(?=\d{1,3}\.\d)")
_OWN_IPV6: Final = re.compile(rb"\bfe80:[0-9a-fA-F:]{2,38}")
_OWN_MARK: Final = re.compile(rb"\bown6x([0-9a-f]{8})\b")
# The card between the processor and the chip beside it: this one address on every Mac that has it.
_CHIP: Final = "ac:de:48:00:11:22"
_WTMP: Final = "/var/log/wtmp"
_WTMP_RECORD_BYTES: Final = 384
_WTMP_HEAD: Final = struct.Struct("<hxxi32s4s32s256s")
_HEX_TABLES: Final = ("/proc/net/route", "/proc/net/ipv6_route", "/proc/net/tcp", "/proc/net/tcp6")
_HEX_ADDRESS: Final = re.compile(rb"\b(?:[0-9A-Fa-f]{32}|[0-9A-Fa-f]{8})\b(?=[\s:]|$)")
_HEX4_BYTES: Final = 8


def stand_in(mark: bytes) -> bytes:
    """`<ip-private:4c9a01d7>` → `10.154.1.215`, `<user:7f3a91c0>` → `user-7f3a91c0`.

    Private addresses stay private and public ones public, as checks and people read them so."""
    kind, _, value = mark[1:-1].partition(b":")
    if kind == b"redacted":
        return b"redacted-" + value
    if kind in (b"ip", b"ip-private"):
        prefix, _, host = value.partition(b"-")
        octets = bytes.fromhex(prefix.decode())
        if host:
            # Documentation's own prefix: no such network is anywhere.
            return str(
                ip_address(bytes.fromhex("20010db8") + octets[4:8] + bytes(4) + bytes.fromhex(host.decode()))
            ).encode()
        first = 10 if kind == b"ip-private" else 198
        return ".".join(str(octet) for octet in (first, *octets[1:4])).encode()
    if kind == b"mac":
        digits = value.replace(b"-", b"")
        # The bit that says "made up here", as in every address no maker gave.
        pairs = [b"02", *(digits[index : index + 2] for index in range(2, 12, 2))]
        return b":".join(pairs)
    if kind == b"email":
        return b"someone-%s@example.org" % value
    if kind == b"domain":
        return b"%s.example" % value
    return b"%s-%s" % (kind, value)


@dataclass
class Taken:
    """What was taken out, for the person who decides whether to give the recording away."""

    by_kind: dict[str, int] = field(default_factory=dict)
    withheld: dict[str, str] = field(default_factory=dict)


class Disguise:
    """Redacts the parts of one recording. `secret` is made for it and kept nowhere."""

    def __init__(self, names: Identifiers, secret: bytes) -> None:
        self._redactor = Redactor(names, secret)
        self._marks = Pseudonyms(secret)
        self._secret = secret
        self._known: dict[bytes, bytes] = {}

    def text(self, content: str) -> str:
        """A name or a path. One that is no text keeps nothing but that it is always the same."""
        data = content.encode("utf-8", "replace")
        try:
            return self.data(data, path="answer").decode("utf-8", "replace")
        except WithheldError:
            return f"withheld-{hmac.digest(self._secret, data, hashlib.sha256).hex()[:8]}"

    def data(self, content: bytes, *, path: str) -> bytes:
        """Raises WithheldError."""
        if not content:
            return content
        known = self._known.get(content)
        if known is None:
            shielded = _OWN_IPV4.sub(b"169-254-", _OWN_IPV6.sub(lambda found: self._own(found[0]), content))
            marked = b"".join(self._redactor.stream([shielded], path=path))
            shown = MARK.sub(lambda found: stand_in(found[0]), marked).replace(b"169-254-", b"169.254.")
            known = _OWN_MARK.sub(lambda found: b"fe80::%s:%s" % (found[1][:4], found[1][4:]), shown)
            if len(content) < 4096:
                self._known[content] = known
        return known

    def _own(self, found: bytes) -> bytes:
        try:
            packed = ip_address(found.decode()).packed
        except ValueError:
            return found
        return b"own6x" + self._marks.ip(packed)[-9:-1]

    def address(self, text: str) -> str:
        """A field that is an address by itself, whatever stands around it."""
        plain, zone, name = text.partition("%")
        try:
            address = ip_address(plain)
        except ValueError:
            return self.text(text)
        if address.is_loopback or address.is_unspecified or address.is_multicast:
            return text
        if address.is_link_local:
            return self.text(plain) + zone + name
        return stand_in(self._marks.ip(address.packed)).decode() + zone + name

    def file(self, path: str, content: bytes) -> bytes:
        """Raises WithheldError."""
        if path == _WTMP:
            return _starts_only(content)
        if path == "/etc/hostname" and content.strip():
            # A name of two letters, or one that is a word, is known for a name here and nowhere else.
            return stand_in(self._marks.mark(Kind.HOST, content.strip())) + b"\n"
        if _CERTIFICATE.fullmatch(content):
            return content
        if content.startswith(b"bplist0"):
            content = _as_text(path, content)
        if _SOFTWARE.fullmatch(path):
            self._redactor.check(content, path=path)
            return content
        if path in _HEX_TABLES:
            return _HEX_ADDRESS.sub(lambda found: self._hex(found[0]), content)
        return self.data(content, path=path if not path.endswith((".plist", ".pem", ".crt")) else "settings.txt")

    def _hex(self, digits: bytes) -> bytes:
        if not digits.strip(b"0") or digits in (b"0100007F", b"FFFFFFFF"):
            return digits
        if len(digits) == _HEX4_BYTES:
            octets = bytes(reversed(bytes.fromhex(digits.decode())))
            # A mask of ones behind each other is no address.
            number = int.from_bytes(octets, "big")
            if number | (number - 1) == 0xFFFF_FFFF or number < 0x0100_0000:
                return digits
            shown = ip_address(stand_in(self._marks.ip(octets)).decode())
            return bytes(reversed(shown.packed)).hex().upper().encode()
        made = hmac.digest(self._secret, digits.lower(), hashlib.sha256)[:16].hex().encode()
        return digits[:4] + made[4:] if digits[:4].lower() == b"fe80" else made

    def argv(self, argv: tuple[str, ...]) -> tuple[str, ...]:
        if argv in _OUR_COMMANDS:
            return argv
        if argv and argv[0] in _ARGUMENT_NAMES:
            return (*argv[:-1], self.address(argv[-1]))
        return argv

    def value(self, value: object) -> object:
        """JSON of the platform's own calls: every text in it, keys stay. Certificates are told whole."""
        if isinstance(value, str):
            return value if value.lower() == _CHIP else self.address(value)
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, dict):
            return {key: item if key == "der" else self.value(item) for key, item in value.items()}
        return value

    def taken(self) -> dict[str, int]:
        return {str(kind): count for kind, count in self._redactor.report.by_kind().items()}


def _as_text(path: str, content: bytes) -> bytes:
    try:
        return plistlib.dumps(plistlib.loads(content), fmt=plistlib.FMT_XML)
    except Exception:  # noqa: BLE001 — plistlib lets pass whatever its parsers raise; such a list is withheld as binary
        return content


def _starts_only(content: bytes) -> bytes:
    """wtmp without people: the starts and shutdowns, with nothing but their kind and time."""
    kept = []
    for start in range(0, len(content) - len(content) % _WTMP_RECORD_BYTES, _WTMP_RECORD_BYTES):
        record = content[start : start + _WTMP_RECORD_BYTES]
        kind, pid, _, _, user, _ = _WTMP_HEAD.unpack_from(record)
        if kind in (1, 2):
            kept.append(_WTMP_HEAD.pack(kind, pid, b"~", b"~~", user, b"") + record[_WTMP_HEAD.size :])
    return b"".join(kept)


def disguise(noted: RecordingMachine, names: Identifiers, secret: bytes) -> Taken:
    """Redact what was noted, in place. What must not leave at all becomes an answer that was refused."""
    guise = Disguise(names, secret)
    withheld: dict[str, str] = {}
    noted.files = _files(noted, guise, withheld)
    commands_told = {}
    for answer in noted.commands.values():
        redacted = _command(answer, guise, withheld)
        if redacted is not None:
            commands_told[redacted.argv] = redacted
    noted.commands = commands_told
    noted.spaces = {guise.text(mount): space for mount, space in noted.spaces.items()}
    noted.places = {name: replace(size, path=guise.text(size.path)) for name, size in noted.places.items()}
    noted.tail_sizes = {guise.text(path): size for path, size in noted.tail_sizes.items()}
    noted.folders = {
        guise.text(path): tuple(replace(entry, name=guise.text(entry.name)) for entry in entries)
        for path, entries in noted.folders.items()
    }
    noted.snapshots = [
        replace(
            snapshot,
            processes=tuple(replace(process, name=guise.text(process.name)) for process in snapshot.processes),
        )
        for snapshot in noted.snapshots
    ]
    if noted.files_open is not None:
        noted.files_open = tuple(replace(item, name=guise.text(item.name)) for item in noted.files_open)
    # Arguments of programs hold whatever people typed; no check reads them.
    noted.command_lines = {}
    if noted.ring is not None:
        noted.ring = _ring(noted.ring, guise, withheld)
    noted.resolvers = {guise.address(key): _resolver(value, guise) for key, value in noted.resolvers.items()}
    if noted.users is not None:
        noted.users = {uid: guise.text(name) for uid, name in noted.users.items()}
    noted.natives = {subject: guise.value(value) for subject, value in noted.natives.items()}
    noted.refused = _refusals(noted.refused.values(), guise)
    for question, reason in withheld.items():
        shown = guise.text(question)
        noted.refused[shown] = Refusal(shown, reason, UnreadableKind.REFUSED)
    return Taken(guise.taken(), {guise.text(question): reason for question, reason in withheld.items()})


def _files(noted: RecordingMachine, guise: Disguise, withheld: dict[str, str]) -> dict[str, bytes]:
    found = {}
    for path, content in noted.files.items():
        try:
            found[guise.text(path)] = guise.file(path, content)
        except WithheldError as error:
            for question in (f"read_file:{path}", f"read_tail:{path}"):
                withheld[question] = f"left out of this recording: {error.detail}"
    return found


def _command(answer: CommandAnswer, guise: Disguise, withheld: dict[str, str]) -> CommandAnswer | None:
    argv = guise.argv(answer.argv)
    told = answer.stdout
    if argv[:1] == ("netstat",):
        told = _DOTTED_PORT.sub(lambda found: f"{guise.address(found[1])}.{found[2]}", told)
    # What Windows lists under this name are programs, and the rules take it for a person's.
    listed = argv[:1] == ("powershell",)
    told = told.replace("isplayName", "isplayLabel") if listed else told
    try:
        stdout, stderr = (guise.data(text.encode(), path="answer").decode() for text in (told, answer.stderr))
        stdout = stdout.replace("isplayLabel", "isplayName") if listed else stdout
        return replace(answer, argv=argv, stdout=stdout, stderr=stderr)
    except WithheldError as error:
        withheld["run:" + " ".join(argv)] = f"left out of this recording: {error.detail}"
        return None


def _ring(ring: bytes, guise: Disguise, withheld: dict[str, str]) -> bytes | None:
    try:
        return guise.data(ring, path="kernel.log")
    except WithheldError as error:
        withheld["kernel_ring:"] = f"left out of this recording: {error.detail}"
        return None


def _resolver(answer: ResolverAnswer, guise: Disguise) -> ResolverAnswer:
    error = None if answer.error is None else guise.text(answer.error)
    return replace(answer, address=guise.address(answer.address), error=error)


def _refusals(refused: Iterable[Refusal], guise: Disguise) -> dict[str, Refusal]:
    found = {}
    for item in refused:
        what, _, argument = item.question.partition(":")
        told = " ".join(guise.argv(tuple(argument.split(" ")))) if what == "run" else guise.text(argument)
        question = f"{what}:{told}"
        found[question] = replace(item, question=question, reason=guise.text(item.reason))
    return found
