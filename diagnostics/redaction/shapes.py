"""Personal data known by its shape, each with the check that tells it from a look-alike.

| shape                     | look-alike that stays                                  |
|---------------------------|--------------------------------------------------------|
| IPv4, IPv6, MAC           | versions, netmasks, loopback, times, ``std::vector``   |
| card number (Luhn)        | epoch stamps, trace ids                                |
| IBAN (mod 97)             | part numbers                                           |
| e-mail                    | ``user@1000.service``, ``git@host``                    |
| phone (+ and 8–15 digits) | time zones, version sums                               |
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

from diagnostics.redaction import validators
from diagnostics.redaction.edits import Edit, Rule, hole
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
CARD = rb"(?:\b|_)[2-6](?:(?:[ .+-]|%20|\xc2\xa0)?[0-9]){11,18}"
IBAN = rb"(?:\b|_)[A-Z]{2}[0-9]{2}(?:[ -]?[A-Z0-9]){11,30}"
SSN = rb"\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b"
SNILS = rb"\b[0-9]{3}-[0-9]{3}-[0-9]{3}[ -][0-9]{2}\b"
PHONE = (
    rb"\+[0-9][0-9 ().-]{6,18}[0-9]|\b8 ?\([0-9]{3}\) ?[0-9]{3}-[0-9]{2}-[0-9]{2}\b|\([0-9]{3}\) [0-9]{3}-[0-9]{4}\b"
)
PHONE_LINK = rb"(?i:tel|sms|callto|sip):\+?[0-9][0-9().-]{6,16}[0-9]"
WINDOWS_SID = rb"\bS-1-(?:5-21|12-1)(?:-[0-9]{3,10}){3,4}(?:-[0-9]{1,10})?"
COORDINATES = (
    rb"(?i:geo:[ \t]*|\bgps[:= ]+|@|ll=|\bcoord(?:inate)?s?[:= ]+)"
    rb"\(?[+-]?[0-9]{1,2}\.[0-9]{4,}, ?[+-]?[0-9]{1,3}\.[0-9]{4,}"
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
_HEX_OR_COLON = b"0123456789abcdefABCDEF:."


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


def judge_card(match: re.Match[bytes], marks: Pseudonyms) -> Edit | None:
    """The longest run of whole groups that passes: ``4111 1111 1111 1111 1225`` holds a card and an expiry."""
    data, start = match.string, match.start()
    start += data[start : start + 1] == b"_"
    ends = [group.end() for group in re.finditer(rb"\d+", data[start : match.end()])]
    for end in reversed(ends):
        text = data[start : start + end]
        digits = re.sub(rb"%20|\D", b"", text)
        following = data[start + end : start + end + 1]
        if following.isdigit() or (following == b"." and data[start + end + 1 : start + end + 2].isdigit()):
            continue
        if not _grouped_like_a_card(text):
            continue
        if validators.card(digits) and not (
            data[start - 1 : start] in (b".", b"-") and data[start - 2 : start - 1].isalnum()
        ):
            return hole(start, start + end, Kind.CARD)
    return None


def _grouped_like_a_card(text: bytes) -> bool:
    """4-4-4-4, 4-6-5, 4-6-4, 6-13 or no groups: two columns of a table are not a card."""
    sizes = [len(group) for group in re.split(rb"%20|\D+", text)]
    fours = all(size == 4 for size in sizes[:-1]) and 1 <= sizes[-1] <= 4
    return len(sizes) == 1 or fours or sizes in ([4, 6, 5], [4, 6, 4], [6, 13], [6, 10]) or set(sizes) == {1}


def judge_iban(match: re.Match[bytes], marks: Pseudonyms) -> Edit | None:
    data, start = match.string, match.start()
    start += data[start : start + 1] == b"_"
    size = validators.IBAN_LENGTHS.get(data[start : start + 2].decode("ascii"))
    if size is None:
        return None
    compact = bytearray()
    at = start
    while at < match.end() and len(compact) < size:
        if data[at] not in b" -":
            compact.append(data[at])
        at += 1
    if data[at : at + 1].isalnum() or not validators.iban(bytes(compact)):
        return None
    return hole(start, at, Kind.BANK_ACCOUNT)


def judge_ssn(match: re.Match[bytes], marks: Pseudonyms) -> Edit | None:
    data, start, end = match.string, match.start(), match.end()
    if data[start - 1 : start] in (b"-", b".") or data[end : end + 1] in (b"-",):
        return None
    area, group, serial = (int(part) for part in match[0].split(b"-"))
    return hole(start, end, Kind.NATIONAL_ID) if validators.us_ssn(area, group, serial) else None


def judge_snils(match: re.Match[bytes], marks: Pseudonyms) -> Edit | None:
    if not validators.snils(re.sub(rb"\D", b"", match[0])):
        return None
    return hole(match.start(), match.end(), Kind.NATIONAL_ID)


def judge_phone(match: re.Match[bytes], marks: Pseudonyms) -> Edit | None:
    data, start = match.string, match.start()
    if data[start : start + 1] == b"+" and data[start - 1 : start] and data[start - 1] not in b" \t\r\n\"'=:,;(<>[|/":
        return None  # 12:00:00+02001234, 1e+12345678, base64
    text = match[0]
    digits = re.sub(rb"\D", b"", text)
    if not 8 <= len(digits) <= 15 or len(set(digits)) < 3:
        return None
    if b"." in text and re.fullmatch(rb"\+\d+\.\d+", text):
        return None  # a signed decimal
    if data[match.end() : match.end() + 1].isalnum():
        return None
    if not re.search(rb"[ ().-]", text[1:]) and (len(digits) < 10 or text[1:2] == b"0"):
        return None
    return Edit(start, match.end(), marks.mark(Kind.PHONE, digits), Kind.PHONE)


def judge_phone_link(match: re.Match[bytes], marks: Pseudonyms) -> Edit | None:
    start = match.string.index(b":", match.start()) + 1
    digits = re.sub(rb"\D", b"", match.string[start : match.end()])
    return Edit(start, match.end(), marks.mark(Kind.PHONE, digits), Kind.PHONE)


def judge_sid(match: re.Match[bytes], marks: Pseudonyms) -> Edit | None:
    """The machine part goes, the last number stays: -500 is the administrator on every Windows."""
    parts = match[0].split(b"-")
    if len(parts) == 8:
        whole, rest = b"-".join(parts[:7]), b"-" + parts[7]
    else:
        whole, rest = match[0], b""
    return Edit(match.start(), match.end(), marks.mark(Kind.SID, whole) + rest, Kind.SID)


def judge_coordinates(match: re.Match[bytes], marks: Pseudonyms) -> Edit | None:
    number = re.search(rb"[+-]?\d", match[0])
    assert number is not None  # noqa: S101 — part of the anchor
    return hole(match.start() + number.start(), match.end(), Kind.LOCATION)


RULES = (
    Rule("email", EMAIL, judge_email),
    Rule("mac", MAC, judge_mac),
    Rule("ipv6", IPV6, judge_ipv6),
    Rule("ipv4", IPV4, judge_ipv4),
    Rule("iban", IBAN, judge_iban),
    Rule("ssn", SSN, judge_ssn),
    Rule("snils", SNILS, judge_snils),
    Rule("card", CARD, judge_card),
    Rule("phone-link", PHONE_LINK, judge_phone_link),
    Rule("phone", PHONE, judge_phone),
    Rule("windows-sid", WINDOWS_SID, judge_sid),
    Rule("coordinates", COORDINATES, judge_coordinates),
)
