"""Numbers that belong to a person or an account, each with the arithmetic that tells it from any other number.

| shape                     | look-alike that stays          |
|---------------------------|--------------------------------|
| card number (Luhn)        | epoch stamps, trace ids, tables |
| IBAN (mod 97)             | part numbers                   |
| phone (+ and 8–15 digits) | time zones, signed numbers     |
| SSN, SNILS                | dates, ranges                  |
| Windows SID, coordinates  | well-known SIDs                |
"""

from __future__ import annotations

import re

from diagnostics.redaction import validators
from diagnostics.redaction.edits import Edit, Rule, hole
from diagnostics.redaction.kinds import Kind
from diagnostics.redaction.pseudonyms import Pseudonyms

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
    Rule("iban", IBAN, judge_iban),
    Rule("ssn", SSN, judge_ssn),
    Rule("snils", SNILS, judge_snils),
    Rule("card", CARD, judge_card),
    Rule("phone-link", PHONE_LINK, judge_phone_link),
    Rule("phone", PHONE, judge_phone),
    Rule("windows-sid", WINDOWS_SID, judge_sid),
    Rule("coordinates", COORDINATES, judge_coordinates),
)
