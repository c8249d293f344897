"""Addresses: IPv4, IPv6, hardware, e-mail. Each with what tells it from a look-alike.

| stays because                       | example                                        |
|-------------------------------------|------------------------------------------------|
| it is a version or a package        | ``Chrome/131.0.6778.85``, ``1.2.5.1-2``        |
| it names a role, not a machine      | ``127.0.0.1``, ``255.255.255.0``, ``8.8.8.8``  |
| it is a time or a name in a program | ``12:34:56``, ``std::vector``                  |
| it is a unit or a repository        | ``user@1000.service``, ``git@host``            |
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

from diagnostics.redaction.edits import Edit, Rule
from diagnostics.redaction.kinds import Kind
from diagnostics.redaction.pseudonyms import Pseudonyms

EMAIL = rb"[A-Za-z0-9._%+\x80-\xff-](?:@|%40)[A-Za-z0-9\x80-\xff][A-Za-z0-9.\x80-\xff-]*\.[A-Za-z\x80-\xff]"
IPV4 = rb"(?:\b|_)[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}(?:\b|_)"
IPV6 = (
    rb"(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}"
    rb"|(?:[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,6})?::[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,6}"
    rb"|[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){1,6}::"
)
MAC = (
    rb"(?:\b|_)[0-9A-Fa-f]{2}(?:(?::[0-9A-Fa-f]{2}){5}|(?:-[0-9A-Fa-f]{2}){5}|(?:_[0-9A-Fa-f]{2}){5})(?:\b|_)"
    rb"|\b[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\b"
)

# Addresses that name a role, not a machine, and well-known public resolvers.
_OPEN_IPV4 = re.compile(
    rb"0\.0\.0\.0|127\.\d+\.\d+\.\d+|255\.\d+\.\d+\.\d+|22[4-9]\.0\.0\.\d+|239\.255\.255\.250|169\.254\.169\.254"
)
_RESOLVERS = frozenset(b"8.8.8.8 8.8.4.4 1.1.1.1 1.0.0.1 9.9.9.9 149.112.112.112 208.67.222.222 208.67.220.220".split())
_OPEN_IPV6 = frozenset(
    {"::", "::1", "fe80::", "ff02::1", "ff02::2", "ff02::fb", "ff02::c", "ff02::16", "2000::", "fc00::", "64:ff9b::"}
)
# A number behind one of these is a version, whatever its range …
_VERSION_WORDS = frozenset(
    b"""v ver version versions release build rev revision firmware driver bios pkg package upgraded upgrade installed
    update updates updated chrome firefox edg edge safari chromium openssl kernel dll exe schema oid section
    fw""".split()
)
_VERSION_SEPARATORS = b" \t:=(\"'/_-"
# … and behind any other word with one of these between, unless it is a private address or the word says address.
_GLUE = b"-_/("
_ADDRESS_WORDS = frozenset(
    b"""ip ipv addr address host src dst source from to peer client server remote gw gateway dns ns node via net route
    inet vpn lan wan""".split()
)
_REVISION = re.compile(rb"[-+~][0-9a-z][0-9a-z.+~]*(?![0-9a-z]*\.[0-9]+\.[0-9])")
_ARCHITECTURES = (b":amd64", b":all", b":arm64", b":i386", b":armhf", b"<none>")
_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LOCAL_BYTES = b"0123456789" + _LETTERS + b"._+-" + bytes(range(128, 256))
_DOMAIN_PART = re.compile(rb"[A-Za-z0-9\x80-\xff](?:[A-Za-z0-9.\x80-\xff-]*[A-Za-z0-9\x80-\xff])?")
# Suffixes of systemd units and of files that carry an @.
_NOT_A_DOMAIN = frozenset(
    b"""service socket slice target timer mount scope device path automount swap desktop png jpg jpeg svg gif webp css
    js mjs ts json map md html py so conf rules local-not plist dll sys exe lock tgz gz whl rpm deb apk""".split()
)
_OPEN_MAIL_USERS = frozenset(b"git hg svn noreply no-reply".split())


def judge_email(match: re.Match[bytes], marks: Pseudonyms) -> Edit | None:
    data = match.string
    at = match.start() + 1
    sign = 3 if data[at : at + 1] == b"%" else 1
    lead = data[max(0, at - 64) : at]
    local = lead[len(lead.rstrip(_LOCAL_BYTES)) :]
    domain = _DOMAIN_PART.match(data, at + sign)
    if not local or domain is None:
        return None
    start, host = at - len(local), domain[0].lower()
    top = host.rsplit(b".", 1)[-1]
    if top in _NOT_A_DOMAIN or top.isdigit() or len(top) < 2 or local.lower() in _OPEN_MAIL_USERS:
        return None
    if data[start - 1 : start] in (b"/", b"@") and host[:1].isdigit():
        return None  # node_modules/pkg@1.2.3
    if re.fullmatch(rb"v?\d[\w.+-]*", domain[0]) and not re.search(rb"\.[a-z]{2,}\Z", host):
        return None
    value = local + b"@" + host
    return Edit(start, domain.end(), marks.mark(Kind.EMAIL, value), Kind.EMAIL)


def judge_ipv4(match: re.Match[bytes], marks: Pseudonyms) -> Edit | None:
    data = match.string
    text = match[0].strip(b"_")
    start = match.start() + (match[0][:1] == b"_")
    end = start + len(text)
    octets = text.split(b".")
    if any((len(octet) > 1 and octet[0] == 48) or int(octet) > 255 for octet in octets):
        return None
    if data[end : end + 1] == b"." and data[end + 1 : end + 2].isdigit():
        return None  # five parts: a version or an object id
    if _REVISION.match(data, end) and not _is_private(text):
        return None  # 1.2.5.1-2, 3.4.0.1+dfsg1: packages of distributions
    if data[start - 1 : start] == b"." and data[start - 2 : start - 1].isdigit():
        return None
    if text in _RESOLVERS or _OPEN_IPV4.fullmatch(text):
        return None
    if _is_version(data, start, text):
        return None
    packed = bytes(int(octet) for octet in octets)
    return Edit(start, end, marks.ip(packed), _ip_kind(packed))


def _is_version(data: bytes, start: int, text: bytes) -> bool:
    lead = data[max(0, start - 40) : start]
    if lead[-1:] in b"~+" and lead[-2:-1].isdigit():
        return True
    if lead[-1:] in b"vV":
        lead = lead[:-1] or b" "
    bare = lead.rstrip(_VERSION_SEPARATORS)
    if bare.endswith(_ARCHITECTURES):
        return True
    word = bare[len(bare.rstrip(_LETTERS)) :].lower()
    if word in _VERSION_WORDS:
        return True
    glued = lead[-1:] in _GLUE and lead[-1:] != b"" and bare[-1:].isalnum() and not lead.endswith(b"://")
    return glued and word not in _ADDRESS_WORDS and not _is_private(text)


def _is_private(text: bytes) -> bool:
    return (
        text.startswith((b"10.", b"192.168.", b"169.254.")) or re.match(rb"172\.(1[6-9]|2\d|3[01])\.", text) is not None
    )


@lru_cache(maxsize=4096)
def _ip_kind(packed: bytes) -> Kind:
    address = ipaddress.ip_address(packed)
    return Kind.IP_PRIVATE if address.is_private or address.is_link_local else Kind.IP


def judge_ipv6(match: re.Match[bytes], marks: Pseudonyms) -> Edit | None:
    data, start, end = match.string, match.start(), match.end()
    if data[start - 1 : start] and (data[start - 1 : start].isalnum() or data[start - 1 : start] in (b":", b"_", b".")):
        return None  # the tail of a longer word: std::cafe
    # ::ffff:10.0.0.1 — the anchor ends in the first octet.
    mapped = re.compile(rb"(?:\.\d{1,3}){3}").match(data, end)
    if mapped is not None:
        end = mapped.end()
    following = data[end : end + 1]
    if following and (following.isalnum() or following in (b":", b"_")):
        return None
    try:
        address = ipaddress.IPv6Address(data[start:end].decode("ascii"))
    except ValueError:
        return None
    if str(address) in _OPEN_IPV6 or address.is_multicast or (b"::" in match[0] and not _in_use(address)):
        return None
    if address.ipv4_mapped is not None:
        packed = address.ipv4_mapped.packed
        text = str(address.ipv4_mapped).encode()
        if text in _RESOLVERS or _OPEN_IPV4.fullmatch(text):
            return None
        return Edit(start, end, b"::ffff:" + marks.ip(packed), _ip_kind(packed))
    return Edit(start, end, marks.ip(address.packed), _ip_kind(address.packed))


def _in_use(address: ipaddress.IPv6Address) -> bool:
    """Ranges that are handed out. ``dead::beef`` and ``abc::def`` are names in some language, not addresses."""
    first = int(address) >> 112
    return 0x2000 <= first <= 0x3FFF or first >> 9 == 0x7E or first >> 6 == 0x3FA or first in (0, 0x64)


def judge_mac(match: re.Match[bytes], marks: Pseudonyms) -> Edit | None:
    data, start, end = match.string, match.start(), match.end()
    text = match[0]
    lead = text[:1] == b"_"
    tail = text[-1:] == b"_"
    start, end = start + lead, end - tail
    text = data[start:end]
    if data[start - 1 : start] in (b":", b"-") or (
        data[end : end + 1] in (b":", b"-") and data[end + 1 : end + 2] in _HEX_ONE
    ):
        return None  # part of a longer colon-separated string, such as an infiniband or certificate serial
    packed = bytes.fromhex(re.sub(rb"[^0-9A-Fa-f]", b"", text).decode("ascii"))
    if packed in (bytes(6), b"\xff" * 6) or packed[:3] == b"\x01\x00\x5e" or packed[:2] == b"\x33\x33":
        return None  # nobody, everybody, multicast
    if b"." in text and text.replace(b".", b"").isdigit():
        return None
    return Edit(start, end, marks.mac(packed), Kind.MAC)


_HEX_ONE = tuple(bytes((byte,)) for byte in b"0123456789abcdefABCDEF")


RULES = (
    Rule("email", EMAIL, judge_email),
    Rule("mac", MAC, judge_mac),
    Rule("ipv6", IPV6, judge_ipv6),
    Rule("ipv4", IPV4, judge_ipv4),
)
