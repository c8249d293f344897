"""From what a machine says of itself to the names that must not leave it. Pure: facts in, `Identifiers` out.

    hostname  annas-laptop.corp.example  →  host annas-laptop, host with domain, domain corp.example
    user      anna, "Anna Schmidt"       →  user anna, person Anna Schmidt, person Schmidt
    serial    To be filled by O.E.M.     →  nothing: it names nobody

Reading the machine is somebody else's work; system accounts should not be among ``users``, and are dropped if so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from diagnostics.redaction.common_words import COMMON_WORDS, SYSTEM_ACCOUNTS
from diagnostics.redaction.identifiers import Identifier, Identifiers
from diagnostics.redaction.kinds import Kind


@dataclass(frozen=True, slots=True)
class LocalUser:
    """A person with an account. ``full_name`` is GECOS, ``home`` the home folder; both may be empty."""

    name: str
    full_name: str = ""
    home: str = ""


@dataclass(frozen=True, slots=True)
class MachineNames:
    """What the machine says of itself, uncleaned."""

    hosts: tuple[str, ...] = ()
    users: tuple[LocalUser, ...] = ()
    domains: tuple[str, ...] = ()
    ssids: tuple[str, ...] = ()
    serials: tuple[str, ...] = ()
    macs: tuple[str, ...] = ()


# Shorter names are replaced only in context: two letters occur everywhere.
NAME_MIN_CHARACTERS = 3
SERIAL_MIN_CHARACTERS = 5
_NO_SERIAL = re.compile(
    r"(?i)(?:to be filled.*|default.*|none|not .*|system.*|chassis.*|base ?board.*|unknown|n/?a|o\.?e\.?m\.?|"
    r"x+|0+|1+|f+|123456789\d*|0123456789.*|empty|invalid|null|standard|serial.*|\.+|-+|qemu.*|vmware|virtualbox|sn)"
)
# A user called "cookie" must not be looked for inside our own marks.
_MARK_WORDS = frozenset(word.encode() for kind in Kind for word in (kind.value, *kind.value.split("-"))) | {b"redacted"}
_MAC = re.compile(r"[0-9a-f]{12}")


def harvest(names: MachineNames) -> Identifiers:
    """Clean, split and sort the names; the order is stable, longest first within the whole."""
    found: set[Identifier] = set()
    for host in names.hosts:
        found |= _host(host)
    for domain in names.domains:
        found |= _domain(domain)
    for user in names.users:
        found |= _user(user)
    for ssid in names.ssids:
        if ssid.strip():
            found.add(Identifier(Kind.SSID, ssid))
    for serial in names.serials:
        found |= _serial(serial)
    for mac in names.macs:
        digits = re.sub(r"[^0-9a-f]", "", mac.lower())
        if _MAC.fullmatch(digits) and digits not in ("0" * 12, "f" * 12):
            found.add(Identifier(Kind.MAC, digits))
    ordered = sorted(found, key=lambda item: (-len(item.value), item))
    return Identifiers(
        everywhere=tuple(item for item in ordered if not _is_common(item)),
        in_context=tuple(item for item in ordered if _is_common(item)),
    )


def _is_common(item: Identifier) -> bool:
    lower = item.value.lower().encode()
    if item.kind is Kind.MAC:
        return False
    return (
        len(item.value) < NAME_MIN_CHARACTERS
        or lower in COMMON_WORDS
        or lower in _MARK_WORDS
        or (lower.isdigit() and len(lower) < 6)
    )


def _host(text: str) -> set[Identifier]:
    host = text.strip().rstrip(".")
    short, _, domain = host.partition(".")
    if not short or short.lower() in ("localhost", "ip6-localhost", "ip6-loopback"):
        return set()
    found = {Identifier(Kind.HOST, short)}
    if domain:
        found |= {Identifier(Kind.HOST, host)} | _domain(domain)
    return found


def _domain(text: str) -> set[Identifier]:
    domain = text.strip().strip(".").lower()
    # A single label (lan, local) names a habit, not an owner.
    if "." not in domain or domain in ("in-addr.arpa", "ip6.arpa", "home.arpa"):
        return set()
    return {Identifier(Kind.DOMAIN, domain)}


def _user(user: LocalUser) -> set[Identifier]:
    found: set[Identifier] = set()
    names = {user.name, re.split(r"[\\/]", user.home.rstrip("\\/"))[-1]}
    for name in names:
        if name and name.lower().encode() not in SYSTEM_ACCOUNTS:
            found.add(Identifier(Kind.USER, name))
    full = user.full_name.split(",")[0].strip()
    if full and full.lower().encode() not in SYSTEM_ACCOUNTS:
        found.add(Identifier(Kind.PERSON, full))
        parts = [part for part in re.split(r"[\s,]+", full) if len(part) >= NAME_MIN_CHARACTERS]
        if len(parts) > 1:
            found |= {Identifier(Kind.PERSON, part) for part in parts}
            found.add(Identifier(Kind.PERSON, f"{parts[-1]}, {parts[0]}"))
    # A person called as the account is one name, and the account's mark is the more useful one.
    users = {item.value.lower() for item in found if item.kind is Kind.USER}
    return {item for item in found if item.kind is Kind.USER or item.value.lower() not in users}


def _serial(text: str) -> set[Identifier]:
    serial = text.strip()
    if len(serial) < SERIAL_MIN_CHARACTERS or _NO_SERIAL.fullmatch(serial) or not any(c.isdigit() for c in serial):
        return set()
    return {Identifier(Kind.SERIAL, serial)}
