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
    """``needs_draw``: the literal also begins ordinary words, so the rest must look drawn."""

    name: str
    pattern: bytes
    kind: Kind = Kind.TOKEN
    needs_draw: bool = False


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
    Shape("discord", rb"\b[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6,7}\.[A-Za-z0-9_-]{27,}"),
    Shape("stripe", rb"\b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,}|\bwhsec_[A-Za-z0-9+/=]{16,}"),
    Shape("twilio", rb"\b(?:AC|SK)[0-9a-f]{32}\b"),
    Shape("sendgrid", rb"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    Shape("mailgun", rb"\bkey-[0-9a-f]{32}\b"),
    Shape("mailchimp", rb"\b[0-9a-f]{32}-us[0-9]{1,2}\b"),
    Shape("npm", rb"\bnpm_[A-Za-z0-9]{30,}"),
    Shape("pypi", rb"\bpypi-[A-Za-z0-9_-]{40,}"),
    Shape("rubygems", rb"\brubygems_[0-9a-f]{40,}"),
    Shape("nuget", rb"\boy2[a-z0-9]{43}\b"),
    Shape("docker", rb"\bdckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}"),
    Shape("sk-family", rb"\bsk-[A-Za-z0-9_-]{20,}", needs_draw=True),
    Shape("google-api", rb"\bAIza[A-Za-z0-9_-]{33,}"),
    Shape("google-oauth", rb"\bya29\.[A-Za-z0-9_-]{20,}|\bGOCSPX-[A-Za-z0-9_-]{20,}|\b1//0[A-Za-z0-9_-]{20,}"),
    Shape("telegram", rb"\b(?:bot)?[0-9]{8,10}:[A-Za-z0-9_-]{34,36}"),
    Shape("shopify", rb"\bshp(?:at|ca|pa|ss|tka)_[0-9a-fA-F]{32}"),
    Shape("digitalocean", rb"\bdo[opr]_v1_[0-9a-f]{40,}"),
    Shape("huggingface", rb"\bhf_[A-Za-z0-9]{30,}"),
    Shape("vault", rb"\bhv[sbr]\.[A-Za-z0-9_-]{20,}"),
    Shape("terraform", rb"\b[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{40,}"),
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
    Shape("airtable", rb"\bpat[A-Za-z0-9]{14}\.[0-9a-f]{64}"),
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
    Shape("ntlm", rb"\b[0-9A-Fa-f]{32}:[0-9A-Fa-f]{32}\b", Kind.PASSWORD_HASH),
    Shape("mysql-hash", rb"\*[0-9A-F]{40}\b", Kind.PASSWORD_HASH),
    Shape("windows-product-key", rb"\b(?:[A-Z0-9]{5}-){4}[A-Z0-9]{5}\b", Kind.PRODUCT_KEY),
    Shape("bitlocker", rb"\b(?:[0-9]{6}-){7}[0-9]{6}\b", Kind.RECOVERY_KEY),
    Shape("filevault", rb"\b(?:[A-Z0-9]{4}-){5}[A-Z0-9]{4}\b", Kind.RECOVERY_KEY),
    Shape("ssh-fingerprint", rb"\bSHA256:[A-Za-z0-9+/]{43}=?|\bMD5(?::[0-9a-f]{2}){16}\b", Kind.FINGERPRINT),
    Shape("extended-key", rb"\b[xyztuv]prv[1-9A-HJ-NP-Za-km-z]{100,}", Kind.PRIVATE_KEY),
)
_ALTERNATIVES = re.compile(b"|".join(b"(%s)" % shape.pattern for shape in SHAPES))
ANCHOR = b"|".join(shape.pattern for shape in SHAPES)


def judge_shape(match: re.Match[bytes], marks: Pseudonyms) -> Edit | None:
    found = _ALTERNATIVES.match(match.string, match.start())
    if found is None or found.lastindex is None:
        return None
    shape = SHAPES[found.lastindex - 1]
    if shape.needs_draw and not looks_drawn(found[0].removeprefix(b"sk-")):
        return None
    if shape.kind is Kind.FINGERPRINT:
        return Edit(found.start(), found.end(), marks.mark(shape.kind, found[0]), shape.kind)
    start = found.start()
    if shape.name.endswith("-hook"):  # the service stays readable, the secret path goes
        start = match.string.index(b"/", start) + 1
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
