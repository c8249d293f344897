"""Secrets on command lines, in prose and in the small grammars that have no ``=``.

mysql -u root -pS3cret   curl -u anna:x   sshpass -p x   --password x   ["--token", "x"]
machine h login anna password x           IDENTIFIED BY 'x'            enable secret 5 …
the password is x                         snmpwalk -c community
"""

from __future__ import annotations

import re

from diagnostics.redaction.edits import Edit, Rule, hole, is_marked, mark_or_hole
from diagnostics.redaction.key_names import promise_of
from diagnostics.redaction.key_values import ANYWHERE, value_span
from diagnostics.redaction.kinds import MARK, Kind
from diagnostics.redaction.pseudonyms import Pseudonyms
from diagnostics.redaction.values import fits, is_placeholder

_GAP = rb"(?:\\*[\"'][ \t]*,[ \t]*\\*[\"']|[ \t]+[\"']?|\x00)"
# The name as far as it is a known word; whether it is a flag at all, the judge sees in front of it.
FLAG = rb"(?:" + ANYWHERE + rb"|[-_](?i:pass|pw|pin|psk|auth))[A-Za-z0-9_-]*" + _GAP
SHORT_PASSWORD = (
    rb"\b(mysql[a-z]*|mariadb[a-z-]*|sshpass|7z[az]?|zip|unzip|u?n?rar|ldap[a-z]+|redis-cli|rdesktop|xfreerdp|psexec|"
    rb"plink|pscp|snmp[a-z]+|mongo(?:sh|dump|restore)?|ipmitool|openssl|schtasks|docker|podman|helm|oras|skopeo)"
    rb"[ \t\x00]"
)
# What each tool puts in front of its password. ``-p`` of mysql is glued to it, of sshpass it need not be.
_GLUED, _APART, _EITHER = rb"(?=[^ \t\r\n\x00])", rb"[ \t\x00]+", rb"[ \t\x00]*"
_TOOL_FLAGS = {
    prefix: re.compile(rb"[ \t\x00](?:" + flag + rb")(?=[^-])")
    for prefix, flag in {
        b"mysq": rb"-p" + _GLUED,
        b"mari": rb"-p" + _GLUED,
        b"sshp": rb"-p" + _EITHER,
        b"7z": rb"-p" + _GLUED,
        b"zip": rb"-P" + _EITHER,
        b"unzi": rb"-P" + _EITHER,
        b"rar": rb"-h?p" + _GLUED,
        b"unra": rb"-h?p" + _GLUED,
        b"ldap": rb"-w" + _APART,
        b"redi": rb"-a" + _APART,
        b"rdes": rb"-p" + _APART,
        b"xfre": rb"/p:",
        b"psex": rb"-p" + _APART,
        b"plin": rb"-pw" + _APART,
        b"pscp": rb"-pw" + _APART,
        b"snmp": rb"-[cAX]" + _EITHER,
        b"mong": rb"-p" + _EITHER,
        b"ipmi": rb"-P" + _EITHER,
        b"open": rb"-[kK]" + _APART,
        b"scht": rb"/r?p" + _APART,
        b"dock": rb"login[^\r\n|;&]{0,120}?[ \t]-p" + _EITHER,
        b"podm": rb"login[^\r\n|;&]{0,120}?[ \t]-p" + _EITHER,
        b"helm": rb"login[^\r\n|;&]{0,120}?[ \t]-p" + _EITHER,
        b"oras": rb"login[^\r\n|;&]{0,120}?[ \t]-p" + _EITHER,
        b"skop": rb"login[^\r\n|;&]{0,120}?[ \t]-p" + _EITHER,
    }.items()
}
_COMMAND_END = re.compile(rb"[\r\n|;&]")
COMMAND_MAX_BYTES = 400
USER_AND_PASSWORD = (
    rb"[ \t\"'\x00](?:-u|-U|--user|--proxy-user|--userpwd)[ =,\"'\x00]{0,4}"
    rb"[^ \t\r\n:\"'%\x00-]{1,128}[:%][^ \t\r\n\"'\x00]{1,256}"
)
NETRC = rb"(?i:\b(?:login|account|user)[ \t]{1,8}[^ \t\r\n]{1,128}[ \t\r\n]{1,16}password[ \t]{1,8})[^ \t\r\n]"
SQL = (
    rb"(?i:\b(?:identified[ \t]+(?:with[ \t]+[a-z0-9_']+[ \t]+)?(?:by|as)[ \t]*|"
    rb"password(?:[ \t]+|[ \t]*\([ \t]*)))['\"][^'\"\r\n]"
)
PROSE = (
    rb"(?i:\b(?:password|passphrase|passcode|passwort|pin(?: code)?|secret|api key|access token)"
    rb"(?: for [^ \t\r\n]{1,128})?[ \t]+(?:is now|is|was|set to|changed to|reset to|ist|est)[ \t:]+)[^ \t\r\n]"
)
PROMPT = rb"(?i:\b(?:password|passphrase) for [^ \t\r\n:][^ \t\r\n]{0,128}:[ \t]+)[^ \t\r\n]"
ONE_TIME_CODE = (
    rb"(?i:\b(?:verification|security|confirmation|2fa|mfa|two-factor|one-time|login|access|sms|authentication)"
    rb"[ \t]+(?:code|pin|passcode)(?:[ \t]+is)?[ \t:=]+)([0-9]{3}[ -]?[0-9]{3}|[0-9]{4,8})\b"
)
ROUTER = (
    rb"(?i:\b(?:enable[ \t]+(?:secret|password)|username[ \t]+[^ \t\r\n]{1,64}[ \t]+(?:password|secret)|key-string|"
    rb"(?:ro|rw)community6?|snmp(?:-server)?[ \t]+community|set[ \t]+community|"
    rb"pre-shared-key(?:[ \t]+(?:local|remote|ascii-text))?|"
    rb"(?:tacacs|radius)-server[ \t]+key|ppp[ \t]+chap[ \t]+password)[ \t]+(?:[0-9][ \t]+)?)[^ \t\r\n]"
)
ECHO = (
    rb"\becho[ \t]+[^|\r\n]{1,200}\|[ \t]*(?:sudo[ \t][^\r\n]{0,64}-S|passwd[ \t]+--stdin|chpasswd|docker[ \t]+login)"
)
PASS_SOURCE = rb"(?i:\bpass):[^ \t\r\n/\"']"
NET_USE = rb"(?i:\bnet(?:\.exe)?[ \t]+(?:use|user)[ \t])[^\r\n]{1,256}"
AS_PLAIN_TEXT = rb"(?i:ConvertTo-SecureString)[ \t]+(?:-String[ \t]+)?[\"']?[^ \t\r\n\"'-]"
HTPASSWD = rb"\bhtpasswd[ \t]+-[a-zA-Z]*b[a-zA-Z]*[ \t]+[^ \t\r\n]{1,256}[ \t]+[^ \t\r\n]{1,128}[ \t]+[^ \t\r\n]"

_FLAG_BYTES = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz-"
_BARE = re.compile(rb"[^ \t\r\n\x00\"']+")
_ID_PAIR = re.compile(rb"\d+[:%]\d+")
_STATE_AFTER = re.compile(
    rb"(?i:is|was|not|now|too|required|needed|expired|about|incorrect|invalid|wrong|correct|valid|changed|set|stored|"
    rb"saved|sent|empty|missing|unknown|never|no|the|a|an|your|going|being|hashed|encrypted|by|disabled|enabled|"
    rb"really|also|only|then|same|kept|just|still|already|usually|often|authentication|for|in|on|to|weak|strong|short|long|ok|of|used|being|managed|locked|checked|accepted|rejected)"
    rb"[.,;:!]*"
)


def _at(match: re.Match[bytes], start: int, kind: Kind) -> Edit | None:
    """Hide the bare word at ``start``, unless it is a placeholder or already a mark."""
    if match.string[start : start + 1] in (b"'", b'"'):
        start += 1
    value = _BARE.match(match.string, start)
    if value is None or is_marked(match.string, start) or is_placeholder(value[0]):
        return None
    return hole(start, value.end(), kind)


def judge_flag(match: re.Match[bytes], marks: Pseudonyms) -> Edit | None:
    data, start = match.string, match.start()
    lead = data[max(0, start - 64) : start]
    start -= len(lead) - len(lead.rstrip(_FLAG_BYTES))
    before = data[max(0, start - 1) : start]
    if data[start : start + 1] != b"-" or (before and before not in b" \t\r\n\"'[,(\x00=`"):
        return None
    name = re.compile(rb"--?([A-Za-z0-9][A-Za-z0-9_-]*)").match(data, start)
    promise = promise_of(name[1]) if name is not None else None
    if promise is None or data[match.end() : match.end() + 1] in (b"-", b""):
        return None
    if data[match.end() - 1 : match.end()] in (b'"', b"'"):
        start, end = value_span(data, match.end() - 1, whole_line=False)
    else:
        value = _BARE.match(data, match.end())
        start, end = (value.span()) if value is not None else (match.end(), match.end())
    if start == end or is_marked(data, start) or not fits(promise, data[start:end], quoted=True, assigned=True):
        return None
    return mark_or_hole(start, end, promise.kind, data[start:end], marks)


def judge_short(match: re.Match[bytes], marks: Pseudonyms) -> Edit | None:
    """The tool's own password flag on the rest of its command; a path in front of the tool makes no difference."""
    data, start = match.string, match.end() - 1
    limit = min(len(data), start + COMMAND_MAX_BYTES)
    ended = _COMMAND_END.search(data, start, limit)
    tool = match[1].lower()
    flag = (_TOOL_FLAGS.get(tool[:4]) or _TOOL_FLAGS.get(tool[:2]) or _NEVER).search(
        data, start, ended.start() if ended is not None else limit
    )
    return None if flag is None else _at(match, flag.end(), Kind.PASSWORD)


_NEVER = re.compile(rb"(?!)")


def judge_user_and_password(match: re.Match[bytes], marks: Pseudonyms) -> Edit | None:
    data = match.string
    pair = re.search(rb"([^ =,\"'\x00:%]+)[:%]([^:%]*.*)\Z", match[0], re.DOTALL)
    if pair is None or _ID_PAIR.fullmatch(pair[0]) or b"://" in match[0] or MARK.search(match[0]):
        return None
    start = match.start() + pair.start(2)
    user = marks.mark(Kind.USER, pair[1])
    value = _BARE.match(data, start)
    if value is None or is_placeholder(value[0]) or is_marked(data, start):
        return None
    text = user + data[start - 1 : start] + b"<redacted:password>"
    return Edit(match.start() + pair.start(1), value.end(), text, Kind.PASSWORD)


def judge_last(match: re.Match[bytes], marks: Pseudonyms) -> Edit | None:
    """The word that begins with the anchor's last byte."""
    return _at(match, match.end() - 1, Kind.PASSWORD)


def judge_prose(match: re.Match[bytes], marks: Pseudonyms) -> Edit | None:
    value = _BARE.match(match.string, match.end() - 1)
    if value is None or _STATE_AFTER.fullmatch(value[0]):
        return None
    return _at(match, match.end() - 1, Kind.PASSWORD)


def judge_code(match: re.Match[bytes], marks: Pseudonyms) -> Edit | None:
    return hole(match.start(1), match.end(1), Kind.PASSWORD)


def judge_quoted(match: re.Match[bytes], marks: Pseudonyms) -> Edit | None:
    start, end = value_span(match.string, match.end() - 2, whole_line=False)
    if is_placeholder(match.string[start:end]):
        return None
    return hole(start, end, Kind.PASSWORD)


def judge_echo(match: re.Match[bytes], marks: Pseudonyms) -> Edit | None:
    said = re.match(rb"echo[ \t]+(?:-n[ \t]+)?[\"']?(?:[A-Za-z0-9_.-]+:)?([^|\"']+?)[\"']?[ \t]*\|", match[0])
    if said is None or is_placeholder(said[1]):
        return None
    return hole(match.start() + said.start(1), match.start() + said.end(1), Kind.PASSWORD)


def judge_net_use(match: re.Match[bytes], marks: Pseudonyms) -> Edit | None:
    """``net use Z: \\\\srv\\share P4ss /user:anna`` and ``net user anna P4ss /add``: the bare word before a switch."""
    words = list(re.finditer(rb"[^ \t\r\n]+", match[0]))[2:]
    bare = [
        word
        for word in words
        if not word[0].startswith((b"/", b"\\\\")) and not re.fullmatch(rb"[A-Za-z]:|\*", word[0])
    ]
    is_user = re.match(rb"(?i)net(?:\.exe)?[ \t]+user\b", match[0]) is not None
    secret = bare[1] if is_user and len(bare) > 1 else bare[0] if bare and not is_user else None
    if secret is None or is_placeholder(secret[0]):
        return None
    return hole(match.start() + secret.start(), match.start() + secret.end(), Kind.PASSWORD)


# Anchors that span half a line; a pass of their own, so that they hide nothing from the other rules.
LINE_RULES = (
    Rule("net-use", NET_USE, judge_net_use),
    Rule("short-password", SHORT_PASSWORD, judge_short),
    Rule("user-and-password", USER_AND_PASSWORD, judge_user_and_password),
    Rule("netrc", NETRC, judge_last),
    Rule("echo", ECHO, judge_echo),
    Rule("htpasswd", HTPASSWD, judge_last),
)
RULES = (
    Rule("sql", SQL, judge_quoted),
    Rule("prose", PROSE, judge_prose),
    Rule("prompt", PROMPT, judge_prose),
    Rule("one-time-code", ONE_TIME_CODE, judge_code),
    Rule("router", ROUTER, judge_prose),
    Rule("pass-source", PASS_SOURCE, judge_last),
    Rule("secure-string", AS_PLAIN_TEXT, judge_last),
    Rule("flag", FLAG, judge_flag),
)
