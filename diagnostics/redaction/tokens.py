"""Secrets that are known by their own shape: provider keys, JWT, crypt hashes, product and recovery keys.

A catalogue: one line each. The shapes come from the providers' own documentation of their secret formats; a new
one is a new line. Anchors begin with a literal wherever the format has one, so the automaton rejects fast.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from diagnostics.redaction.edits import Edit, Rule, hole
from diagnostics.redaction.kinds import Kind
from diagnostics.redaction.pseudonyms import Pseudonyms
from diagnostics.redaction.validators import base58check
from diagnostics.redaction.values import looks_drawn


@dataclass(frozen=True, slots=True)
class Shape:
    """``needs_draw``: the literal also begins ordinary words, so the rest must look drawn. ``seen_by``: a piece in the
    middle that is found faster than a beginning without a literal; the rule then looks back."""

    name: str
    pattern: bytes
    kind: Kind = Kind.TOKEN
    needs_draw: bool = False
    seen_by: bytes | None = None

    @property
    def anchor(self) -> bytes:
        """The beginning of the pattern, as far as its literal goes: whole patterns of sixty shapes multiply in one
        automaton until building it costs more than reading the text. The rest is checked by the judge."""
        return self.seen_by or b"|".join(map(_beginning, _alternatives(self.pattern)))


def _alternatives(pattern: bytes) -> list[bytes]:
    """Split at the ``|`` that are in no group and no class."""
    parts, depth, last = [], 0, 0
    for at in range(len(pattern)):
        if pattern[at - 1 : at] == b"\\" and at:
            continue
        depth += (pattern[at] in b"([") - (pattern[at] in b")]")
        if pattern[at] in b"|" and depth == 0:
            parts.append(pattern[last:at])
            last = at + 1
    return [*parts, pattern[last:]]


def _beginning(pattern: bytes) -> bytes:
    """Up to the first repeated class or group outside of all groups, taken once."""
    depth = 0
    for at in range(len(pattern)):
        if pattern[at - 1 : at] == b"\\" and at:
            continue
        depth += (pattern[at] in b"([") - (pattern[at] in b")]")
        if depth == 0 and pattern[at] in b")]" and pattern[at + 1 : at + 2] in (b"{", b"+", b"*"):
            return pattern[: at + 1]
    return pattern


SHAPES = (
    Shape("jwt", rb"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*\.?[A-Za-z0-9_.-]*"),
    Shape("aws-key-id", rb"\b(?:AKIA|ASIA|ABIA|ACCA|AGPA|AIDA|AROA|ANPA)[A-Z0-9]{16}\b"),
    Shape("github", rb"\bgh[pousr]_[A-Za-z0-9]{20,}"),
    Shape("github-fine", rb"\bgithub_pat_[A-Za-z0-9_]{20,}"),
    Shape("gitlab", rb"\b(?:gl(?:pat|dt|rt|soat|ptt|ft|imt|agent|cbt|oas|ffct)-|GR1348941)[A-Za-z0-9_.=-]{16,}"),
    Shape("slack", rb"\bx(?:ox[a-z](?:\.xox[a-z])?|app)-[A-Za-z0-9-]{10,}"),
    Shape("slack-hook", rb"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_-]+"),
    Shape("discord-hook", rb"discord(?:app)?\.com/api/(?:v[0-9]+/)?webhooks/[0-9]+/[A-Za-z0-9_-]+"),
    Shape("teams-hook", rb"webhook\.office\.com/webhookb2/[A-Za-z0-9@/_-]+"),
    Shape(
        "discord",
        rb"\b[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6,7}\.[A-Za-z0-9_-]{27,}",
        seen_by=rb"\.[A-Za-z0-9_-]{6}[A-Za-z0-9_-]?\.[A-Za-z0-9_-]{8}",
    ),
    Shape("stripe", rb"\b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,}|\bwhsec_[A-Za-z0-9+/=]{16,}"),
    Shape("twilio", rb"\b(?:AC|SK)[0-9a-f]{32}\b", seen_by=rb"\b(?:AC|SK)[0-9a-f]{6}"),
    Shape("sendgrid", rb"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    Shape("mailgun", rb"\bkey-[0-9a-f]{32}\b"),
    Shape("mailchimp", rb"\b[0-9a-f]{32}-us[0-9]{1,2}\b", seen_by=rb"[0-9a-f]-us[0-9]"),
    Shape("npm", rb"\bnpm_[A-Za-z0-9]{30,}"),
    Shape("pypi", rb"\bpypi-[A-Za-z0-9_-]{40,}"),
    Shape("rubygems", rb"\brubygems_[0-9a-f]{40,}"),
    Shape("nuget", rb"\boy2[a-z0-9]{43}\b"),
    Shape("docker", rb"\bdckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}"),
    Shape("sk-family", rb"\bsk-[A-Za-z0-9_-]{20,}", needs_draw=True),
    Shape("google-api", rb"\bAIza[A-Za-z0-9_-]{33,}"),
    Shape("google-oauth", rb"\bya29\.[A-Za-z0-9_-]{20,}|\bGOCSPX-[A-Za-z0-9_-]{20,}|\b1//0[A-Za-z0-9_-]{20,}"),
    Shape("telegram", rb"\b(?:bot)?[0-9]{8,10}:[A-Za-z0-9_-]{34,36}", seen_by=rb"[0-9]:[A-Za-z0-9_-]{12}"),
    Shape("shopify", rb"\bshp(?:at|ca|pa|ss|tka)_[0-9a-fA-F]{32}"),
    Shape("digitalocean", rb"\bdo[opr]_v1_[0-9a-f]{40,}"),
    Shape("huggingface", rb"\bhf_[A-Za-z0-9]{30,}"),
    Shape("vault", rb"\bhv[sbr]\.[A-Za-z0-9_-]{20,}"),
    Shape("terraform", rb"\b[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{40,}", seen_by=rb"\.atlasv1\."),
    Shape("databricks", rb"\bdapi[0-9a-f]{32}"),
    Shape("doppler", rb"\bdp\.(?:pt|st|ct|scim|audit)\.[A-Za-z0-9_-]{30,}"),
    Shape("newrelic", rb"\bNR(?:AK|JS|RA|II|IQ)-[A-Za-z0-9]{20,}"),
    Shape("grafana", rb"\bgl(?:sa|c)_[A-Za-z0-9_=+/-]{30,}"),
    Shape("square", rb"\bsq0[a-z]{3}-[A-Za-z0-9_-]{22,}|\bEAAA[A-Za-z0-9_-]{56,}"),
    Shape("facebook", rb"\bEAA[A-Za-z0-9]{40,}"),
    Shape("linear", rb"\blin_(?:api|oauth)_[A-Za-z0-9]{30,}"),
    Shape("notion", rb"\b(?:ntn|secret)_[A-Za-z0-9]{40,}"),
    Shape("atlassian", rb"\bAT(?:ATT3|CTT3|BB)[A-Za-z0-9_=-]{24,}"),
    Shape("postman", rb"\bPMAK-[0-9a-f]{24}-[0-9a-f]{34}"),
    Shape("pulumi", rb"\bpul-[0-9a-f]{40}"),
    Shape("supabase", rb"\bsb[ps]_[0-9a-f]{40}|\bsb_(?:secret|publishable)_[A-Za-z0-9_-]{20,}"),
    Shape("brevo", rb"\bxkeysib-[0-9a-f]{64}-[A-Za-z0-9]{16}"),
    Shape("dropbox", rb"\bsl\.[A-Za-z0-9_-]{100,}"),
    Shape("airtable", rb"\bpat[A-Za-z0-9]{14}\.[0-9a-f]{64}", seen_by=rb"[A-Za-z0-9]\.[0-9a-f]{12}"),
    Shape("alibaba", rb"\bLTAI[A-Za-z0-9]{12,}"),
    Shape("tencent", rb"\bAKID[A-Za-z0-9]{28,}"),
    Shape(
        "yandex", rb"\by[0-3]_[A-Za-z0-9_-]{50,}|\bt1\.[A-Z0-9a-z_-]+={0,2}\.[A-Z0-9a-z_-]{86}|\bAQVN[A-Za-z0-9_-]{35,}"
    ),
    Shape("tailscale", rb"\btskey-[a-z]+-[A-Za-z0-9_-]{10,}"),
    Shape("age", rb"\bAGE-(?:SECRET-KEY|PLUGIN-[A-Z0-9]+)-1?[0-9A-Z]{40,}", Kind.PRIVATE_KEY),
    Shape("otpauth", rb"\botpauth(?:-migration)?://[^ \t\r\n\"'<>]+"),
    Shape("wifi-qr", rb"\bWIFI:[A-Z]:[^ \t\r\n\"'<>]*;P:[^\r\n\"'<>]*;"),
    Shape(
        "crypt",
        rb"\$(?:1|2[abxy]?|5|6|7|y|gy|P|H|S|apr1|sha1|md5|argon2(?:id|i|d)|scrypt|pbkdf2[a-z0-9-]*|bcrypt-sha256)"
        rb"\$[A-Za-z0-9./+=,$*_-]{8,}",
        Kind.PASSWORD_HASH,
    ),
    Shape(
        "ldap-hash",
        rb"\{(?:S?SHA(?:256|384|512)?|S?MD5|CRYPT|PBKDF2[A-Z0-9_-]*|ARGON2)\}[A-Za-z0-9+/=.$]{8,}",
        Kind.PASSWORD_HASH,
    ),
    Shape("scram", rb"\bSCRAM-SHA-(?:1|256)\$[0-9]+:[A-Za-z0-9+/=$:]{20,}", Kind.PASSWORD_HASH),
    Shape(
        "django-hash", rb"\b(?:pbkdf2_sha(?:1|256)|bcrypt_sha256|scrypt)\$[A-Za-z0-9$./+=_-]{16,}", Kind.PASSWORD_HASH
    ),
    Shape("ntlm", rb"\b[0-9A-Fa-f]{32}:[0-9A-Fa-f]{32}\b", Kind.PASSWORD_HASH, seen_by=rb"[0-9A-Fa-f]:[0-9A-Fa-f]{12}"),
    Shape("mysql-hash", rb"\*[0-9A-F]{40}\b", Kind.PASSWORD_HASH, seen_by=rb"\*[0-9A-F]{6}"),
    Shape(
        "windows-product-key",
        rb"\b(?:[A-Z0-9]{5}-){4}[A-Z0-9]{5}\b",
        Kind.PRODUCT_KEY,
        seen_by=rb"\b[A-Z0-9]{5}-[A-Z0-9]{5}-",
    ),
    Shape("bitlocker", rb"\b(?:[0-9]{6}-){7}[0-9]{6}\b", Kind.RECOVERY_KEY, seen_by=rb"\b[0-9]{6}-[0-9]{6}-"),
    Shape(
        "filevault",
        rb"\b(?:[A-Z0-9]{4}-){5}[A-Z0-9]{4}\b",
        Kind.RECOVERY_KEY,
        seen_by=rb"\b[A-Z0-9]{4}-[A-Z0-9]{4}-[A-Z0-9]{4}-",
    ),
    Shape("ssh-fingerprint", rb"\bSHA256:[A-Za-z0-9+/]{43}=?|\bMD5(?::[0-9a-f]{2}){16}\b", Kind.FINGERPRINT),
    Shape("extended-key", rb"\b[xyztuv]prv[1-9A-HJ-NP-Za-km-z]{100,}", Kind.PRIVATE_KEY),
)
_ALTERNATIVES = re.compile(b"|".join(b"(%s)" % shape.pattern for shape in SHAPES))
ANCHOR = b"|".join(shape.anchor for shape in SHAPES)
_TOKEN_BYTES = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz-"
_LOOK_BACK_BYTES = 64


def judge_shape(match: re.Match[bytes], marks: Pseudonyms) -> Edit | None:
    data, start = match.string, match.start()
    found = _ALTERNATIVES.match(data, start)
    if found is None:
        # Seen by a piece of its middle: the token begins further left, at the border of a word.
        lead = data[max(0, start + 1 - _LOOK_BACK_BYTES) : start + 1]
        lead = lead.rstrip(b".")
        found = _ALTERNATIVES.match(data, start + 1 - len(lead) + len(lead.rstrip(_TOKEN_BYTES)))
        if found is None or found.end() <= start:
            return None
    if found.lastindex is None:
        return None
    shape = SHAPES[found.lastindex - 1]
    if shape.needs_draw and not looks_drawn(found[0].removeprefix(b"sk-")):
        return None
    if shape.kind is Kind.FINGERPRINT:
        return Edit(found.start(), found.end(), marks.mark(shape.kind, found[0]), shape.kind)
    start = found.start()
    if shape.name.endswith("-hook"):  # the service stays readable, the secret path goes
        start = data.index(b"/", start) + 1
    return hole(start, found.end(), shape.kind)


def judge_wallet(match: re.Match[bytes], marks: Pseudonyms) -> Edit | None:
    return hole(match.start(), match.end(), Kind.PRIVATE_KEY) if base58check(match[0]) else None


def judge_public_key(match: re.Match[bytes], marks: Pseudonyms) -> Edit | None:
    """``ssh-ed25519 AAAA… anna@laptop``: public, yet it names a person to anyone who looks it up."""
    return Edit(match.start(2), match.end(2), marks.mark(Kind.FINGERPRINT, match[2]), Kind.FINGERPRINT)


RULES = (
    Rule(
        "ssh-public-key",
        rb"\b(ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-[a-z0-9-]+|sk-[a-z0-9@.-]+) (AAAA[A-Za-z0-9+/]{32,}={0,2})",
        judge_public_key,
    ),
    Rule("shapes", ANCHOR, judge_shape),
    Rule("wallet-key", rb"\b[5KL][1-9A-HJ-NP-Za-km-z]{50,51}\b", judge_wallet),
)
