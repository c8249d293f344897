"""Credentials in HTTP headers and their relatives, as curl, browsers, proxies and frameworks log them.

Authorization: Bearer eyJ…          →  Authorization: Bearer <redacted:token>
Cookie: theme=dark; sid=8f3a…       →  Cookie: theme=<redacted:cookie>; sid=<redacted:cookie>
Set-Cookie: sid=8f3a…; Path=/; …    →  Set-Cookie: sid=<redacted:cookie>; Path=/; …
"""

from __future__ import annotations

import re

from diagnostics.redaction.edits import Edit, Rule, hole, is_marked
from diagnostics.redaction.kinds import HOLES, Kind
from diagnostics.redaction.pseudonyms import Pseudonyms
from diagnostics.redaction.values import is_placeholder, looks_drawn

_COLON = rb"\\*[\"']?[ \t]*(?:[:=]|,|=>)[ \t]*\[?b?\\*[\"']?"
AUTHORIZATION = rb"(?i:(?:proxy-|x-)?authorization)" + _COLON
BARE_SCHEME = rb"\b(?i:bearer|basic|negotiate|ntlm|apikey|token|hawk|aws4-hmac-sha256)[ \t]+[A-Za-z0-9+/_~.=-]{8,}"
# SMTP and IMAP dialogues: AUTH LOGIN dXNlcg== cGFzcw==
MAIL_AUTH = (
    rb"\bAUTH(?:ENTICATE)?[ \t]+(?:LOGIN|PLAIN|XOAUTH2|CRAM-MD5)[ \t]+([A-Za-z0-9+/=]{4,})(?:[ \t]+[A-Za-z0-9+/=]{4,})?"
)
COOKIE = rb"(?i:(?:set-)?cookie2?)" + _COLON

_REST = re.compile(rb"[^\r\n\"'\x00\x1b]{0,8192}")
_SCHEME = re.compile(rb"(?i:(bearer|basic|digest|negotiate|ntlm|apikey|token|hawk|aws4-hmac-sha256|key)[ \t]+)?")
_PARAMETER = re.compile(
    rb"(?i:(response|username|nonce|cnonce|opaque|signature|credential|mac|id)[ \t]*=[ \t]*\\?\"?)([^\",;\\ ]+)"
)
_CREDENTIAL = re.compile(rb"[^\s,;\"'}\])]+")
_PAIR = re.compile(rb"([^=;,\s]{1,64})=([^;,\s]*)")
_ATTRIBUTES = frozenset(b"path domain expires max-age samesite priority version".split())


def judge_authorization(match: re.Match[bytes], marks: Pseudonyms) -> Edit | None:
    """Everything after the scheme. Digest keeps its quoted realm readable and loses the rest."""
    data = match.string
    scheme = _SCHEME.match(data, match.end())
    start = scheme.end() if scheme is not None else match.end()
    if scheme is not None and scheme[1] is not None and scheme[1].lower() in (b"digest", b"hawk", b"aws4-hmac-sha256"):
        line = re.compile(rb"[^\r\n\x00\x1b]*").match(data, start)
        assert line is not None  # noqa: S101 — matches the empty string
        text, count = _PARAMETER.subn(lambda part: part[0][: part.start(2) - part.start()] + HOLES[Kind.TOKEN], line[0])
        return Edit(start, line.end(), text, Kind.TOKEN, count) if count else None
    value = _CREDENTIAL.match(data, start)
    if value is None or is_marked(data, start) or is_placeholder(value[0]):
        return None
    if scheme is not None and scheme[1] is None and not looks_drawn(value[0]):
        return None  # "authorization: required"
    return hole(start, value.end(), Kind.TOKEN)


def judge_scheme(match: re.Match[bytes], marks: Pseudonyms) -> Edit | None:
    """``Bearer x`` without its header, as exceptions and shell history show it."""
    blank = re.search(rb"[ \t]+", match[0])
    assert blank is not None  # noqa: S101 — part of the anchor
    start = match.start() + blank.end()
    value = match[0][blank.end() :]
    if b"=" in value.rstrip(b"="):
        return None  # "token_type=Bearer expires_in=3600"
    return hole(start, match.end(), Kind.TOKEN) if looks_drawn(value) else None


def judge_mail_auth(match: re.Match[bytes], marks: Pseudonyms) -> Edit | None:
    return hole(match.start(1), match.end(), Kind.TOKEN)


def judge_cookie(match: re.Match[bytes], marks: Pseudonyms) -> Edit | None:
    data = match.string
    line = _REST.match(data, match.end())
    assert line is not None  # noqa: S101 — matches the empty string
    count = pairs = 0

    def hide(pair: re.Match[bytes]) -> bytes:
        nonlocal count, pairs
        pairs += 1
        if pair[1].lower() in _ATTRIBUTES or pair[2].startswith(b"<redacted") or len(pair[2]) < 2:
            return pair[0]
        count += 1
        return pair[1] + b"=" + HOLES[Kind.COOKIE]

    text = _PAIR.sub(hide, line[0])
    if not pairs:
        return None  # "cookie: disabled"
    # Nothing to hide is an answer too: no other rule shall read the header as key and value, and none twice.
    return Edit(match.end(), line.end(), text, Kind.COOKIE, count)


RULES = (
    Rule("authorization", AUTHORIZATION, judge_authorization),
    Rule("cookie", COOKIE, judge_cookie),
    Rule("mail-auth", MAIL_AUTH, judge_mail_auth),
    Rule("auth-scheme", BARE_SCHEME, judge_scheme),
)
