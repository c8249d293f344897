"""The net under all rules: long tokens that look drawn by a generator and that no rule has named.

A token counts as drawn when it falls into short pieces the way random base64 does: ``aB3x9Qz`` is aB-x-… of one or
two characters each, ``NetworkManagerDispatcher2`` is four long ones. Length and Shannon entropy alone would hide half
of a log.

Allow-list, because a technician needs them and they open nothing: UUIDs, hex digests and build ids of any length,
``sha256-…`` integrity values, mangled C++ names, store paths, version and wheel tags. The price is plain: a bare
hex secret with no key name beside it is not found by this net.
"""

from __future__ import annotations

import re

from diagnostics.redaction.edits import Edit, Rule, hole
from diagnostics.redaction.kinds import Kind
from diagnostics.redaction.pseudonyms import Pseudonyms
from diagnostics.redaction.values import entropy_bits

MIN_CHARACTERS = 20
# Begins with what tells a drawn token from written-words-with-dashes at once: a capital or a digit among the first
# nine. The judge then takes the whole run, to both sides.
ANCHOR = rb"[a-z_-]{0,8}[A-Z0-9+][A-Za-z0-9+_-]{17,}"

_RUN_BYTES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_-"
_RUN_AFTER = re.compile(rb"[A-Za-z0-9+/_-]{0,4096}={0,2}")
# A capital with its small letters, capitals, small letters, digits: what a name is made of.
_PIECE = re.compile(rb"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_SEPARATORS = re.compile(rb"[_+-]")
SEGMENT_MIN_CHARACTERS = 12
_PLAIN = re.compile(
    rb"[a-z_-]+|[A-Z_-]+|[0-9_+-]+|[0-9a-fA-F_-]+|(?:0x)?[0-9A-Fa-f]+(?:[-_+](?:0x)?[0-9A-Fa-f]+)*|_Z[A-Za-z0-9_]+|(?:[A-Z]?[a-z]++[0-9]{0,3}+[_-]?+)+"
)
_DIGEST_BEFORE = re.compile(
    rb"(?i:sha-?(?:1|224|256|384|512)[-:= /]{1,2}|md5[:= ]|blake[23][a-z]*[:= -]|"
    rb"integrity[\"'=: ]+|etag[\"':= W/]+|/nix/store/|/gnu/store/)\Z"
)
_CLASS = bytes(
    1 if 97 <= byte <= 122 else 2 if 65 <= byte <= 90 else 3 if 48 <= byte <= 57 else 0 for byte in range(256)
)


def is_drawn(token: bytes) -> bool:
    """Would a generator have made this, rather than a person? Bounds from 20 000 drawn tokens of each length: 99 % of
    random base64 has pieces shorter than 2.9 characters on average, names have 3 and more."""
    size = len(token)
    if size < MIN_CHARACTERS or _PLAIN.fullmatch(token):
        return False
    longest = max(_SEPARATORS.split(token), key=len)
    if len(longest) < SEGMENT_MIN_CHARACTERS:
        return False  # x86_64-linux-gnu-gcc-12, DigiCert_Assured_ID_Root_G2
    piece = len(longest) / max(1, len(_PIECE.findall(longest)))
    classes = token.translate(_CLASS)
    lower, upper, digits = classes.count(1), classes.count(2), classes.count(3)
    if lower and upper and digits:
        return piece <= 2.9 and entropy_bits(token) >= 3.5
    if lower and upper:
        return size >= 32 and piece <= 2.4 and entropy_bits(token) >= 4.0
    return size >= 26 and piece <= 2.8 and 0.1 <= digits / size <= 0.6 and entropy_bits(token) >= 3.5


def judge_token(match: re.Match[bytes], marks: Pseudonyms) -> Edit | None:
    data = match.string
    token = match[0]
    if _PLAIN.fullmatch(token) and len(token) < 32:
        return None  # the common case: written-out-names-with-dashes
    lead = data[max(0, match.start() - 256) : match.start()]
    after = _RUN_AFTER.match(data, match.end())
    start = match.start() - len(lead) + len(lead.rstrip(_RUN_BYTES))
    end = after.end() if after is not None else match.end()
    run = data[start:end]
    if b"/" in run and _is_path(run):
        start, end, run = match.start(), match.end(), token
    if not is_drawn(run.rstrip(b"=").replace(b"/", b"+")):
        return None
    if _DIGEST_BEFORE.search(data, max(0, start - 24), start):
        return None
    return hole(start, end, Kind.HIGH_ENTROPY)


def _is_path(run: bytes) -> bool:
    segments = [segment for segment in run.split(b"/") if segment]
    written = sum(len(segment) < 4 or not is_drawn_segment(segment) for segment in segments)
    return (run.startswith(b"/") and written * 2 >= len(segments)) or (written == len(segments) and len(segments) > 2)


def is_drawn_segment(segment: bytes) -> bool:
    """A piece between slashes: shorter than a whole token, judged by its pieces alone."""
    return len(segment) / max(1, len(_PIECE.findall(segment))) <= 2.4


RULE = Rule("drawn-token", ANCHOR, judge_token, rejects_whole=True)
