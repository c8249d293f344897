"""People where a log or a path says that a name stands: home folders, log-in lines, accounts, mail headers.

The machine's own people are harvested and found everywhere; here are the others: who tried to log in, whose phone
asked for an address, who wrote a mail. System accounts and plain words stay.

    Invalid user bob from …          /home/bob/x          uid=1001(bob)          bob:x:1001:1001:Bob Smith,,,:/home/bob:
    From: "Bob Smith" <bob@…>        DHCPACK … (Bobs-Phone) via eth0             SSID 'Bobs WiFi'
"""

from __future__ import annotations

import re

from diagnostics.redaction.common_words import COMMON_WORDS, SYSTEM_ACCOUNTS
from diagnostics.redaction.edits import Edit, Rule, is_marked
from diagnostics.redaction.kinds import Kind
from diagnostics.redaction.pseudonyms import Pseudonyms

HOME = (
    rb"(?:/home/|/Users/|/var/home/|/export/home/|/media/|/run/media/|(?:[A-Za-z]:|\\)\\{1,4}(?:Users|"
    rb"Documents and Settings)\\{1,4}|/mnt/c/Users/|/c/Users/|%2[fF](?:home|Users)%2[fF]|"
    rb"[ \t\"'=:(]~)[A-Za-z0-9_.\x80-\xff-]"
)
USER_CONTEXT = (
    rb"(?:(?i:for (?:invalid user |illegal user |user )?|(?:invalid|illegal) user |\buser |\bsudo: +|\bsu: |"
    rb"by user |\bof user |\bas user |from user |\blogged in as |\bsession of |"
    rb"\busername )['\"]?|\buid=[0-9]+\(|\b[gu]id [0-9]+ \()"
    rb"([A-Za-z\x80-\xff_][A-Za-z0-9_.\\\x80-\xff-]{1,63}\$?)"
)
ACCOUNT_LINE = rb"([A-Za-z0-9_][A-Za-z0-9_.-]{0,31}):[x*!]:([0-9]{1,10}):[0-9]{1,10}:([^:\r\n]{0,128}):/"
MAIL_NAME = (
    rb"(?i:\b(?:from|to|cc|bcc|reply-to|sender|author|committer|signed-off-by|reported-by)):[ \t]+"
    rb"\"?([^\"<>\r\n@]{2,64}?)\"?[ \t]+<[^@<>\r\n ]{1,64}@"
)
DHCP_NAME = rb"\bDHCP(?:ACK|REQUEST|OFFER|DISCOVER|INFORM|NAK)[^\r\n()]{1,96}\(([A-Za-z0-9][A-Za-z0-9_. -]{0,63})\)"
NETWORK_NAME = (
    rb"(?:\bE?SSID[ \t]+|\bconnection[ \t]+|\bnetwork[ \t]+|\bessid[ \t]+)(?:'([^'\r\n]{1,64})'|\"([^\"\r\n]{1,64})\")"
)
PASSPORT = rb"(?i:\bpassport[ \t]+(?:no\.?|number|nr\.?)[ \t:#]*)([A-Z]{0,3}[0-9]{5,9})\b"

# Accounts below belong to services (login.defs, UID_MIN).
PERSON_UID_MIN = 1000
NOBODY_UID = 65534
_SHARED_HOMES = frozenset(
    b"linuxbrew shared public default user users guest all lost+found runner ubuntu vagrant".split()
) | {
    b"all users",
    b"default user",
    b"defaultapppool",
}
_HOME_NAME = re.compile(rb"[A-Za-z0-9_.\x80-\xff-]+(?: [A-Za-z\x80-\xff-]+(?=[\\/]))?")


def judge_home(match: re.Match[bytes], marks: Pseudonyms) -> Edit | None:
    name = _HOME_NAME.match(match.string, match.end() - 1)
    if name is None:
        return None
    value = name[0].rstrip(b".")
    if match[0][-2:-1] == b"~" and match.string[name.start() + len(value) : name.start() + len(value) + 1] != b"/":
        return None  # a tilde for "not", as in key maps
    if value.lower() in _SHARED_HOMES or value.startswith(b".") or not value:
        return None
    if match[0].lower().startswith(b"/media/") and value.lower() in (b"cdrom", b"floppy", b"usb", b"usb0", b"disk"):
        return None
    return Edit(name.start(), name.start() + len(value), marks.mark(Kind.USER, value), Kind.USER)


def judge_user(match: re.Match[bytes], marks: Pseudonyms) -> Edit | None:
    """A name where the grammar of a log says one stands. Plain words and system accounts stay."""
    data, start = match.string, match.start(1)
    value = match[1].rstrip(b".")
    lower = value.lower()
    if match.string[max(0, match.start() - 1) : match.start()] == b"-":
        return None  # the option --user
    if lower in SYSTEM_ACCOUNTS or lower in COMMON_WORDS or len(value) < 2:
        return None
    lead = match[0][: start - match.start()].lower()
    following = data[start + len(value) : start + len(value) + 40]
    if b"uid" in lead or b"gid" in lead:
        found = following.startswith(b")")
    elif lead.startswith((b"sudo", b"su:")):
        found = following.startswith((b" : ", b" :"))
    elif lead == b"for ":
        found = re.match(rb" from [0-9a-fA-F<:.]|\(uid=| from <|\s+by\s+\(?(?:uid|\w+\()", following) is not None
    else:
        found = not re.match(rb"[\w/=:*]|\.\w", following) and not (
            re.fullmatch(rb"[a-z]+(?:ed|ing|s|ly|ion|er|ment)", value) is not None
        )
        if value.isalpha() and value.islower() and b"invalid" not in lead and b"illegal" not in lead:
            # prose: "user clicked cancel"; a name is followed by punctuation, a verb of access or the line end
            found = (
                found
                and re.match(rb"\s*(?:\Z|[\r\n,;:.')\]\"(]|from |at |on |logged|by \(uid|is |has |was )", following)
                is not None
            )
    return Edit(start, start + len(value), marks.mark(Kind.USER, value), Kind.USER) if found else None


def judge_account(match: re.Match[bytes], marks: Pseudonyms) -> Edit | None:
    """A line of /etc/passwd: the account and the full name; the home folder has its own rule."""
    uid = int(match[2])
    if not PERSON_UID_MIN <= uid < NOBODY_UID or match[1].lower() in SYSTEM_ACCOUNTS:
        return None
    between = match.string[match.end(1) : match.start(3)]
    full = match[3].split(b",")[0]
    text = marks.mark(Kind.USER, match[1]) + between
    text += (marks.mark(Kind.PERSON, full) if full else b"") + b"," * match[3].count(b",")
    return Edit(match.start(1), match.end(3), text, Kind.USER, 2 if full else 1)


def judge_mail_name(match: re.Match[bytes], marks: Pseudonyms) -> Edit | None:
    if match[1].lower() in COMMON_WORDS or is_marked(match.string, match.start(1)):
        return None
    return Edit(match.start(1), match.end(1), marks.mark(Kind.PERSON, match[1]), Kind.PERSON)


def judge_dhcp(match: re.Match[bytes], marks: Pseudonyms) -> Edit | None:
    return Edit(match.start(1), match.end(1), marks.mark(Kind.HOST, match[1]), Kind.HOST)


def judge_network(match: re.Match[bytes], marks: Pseudonyms) -> Edit | None:
    group = 1 if match[1] is not None else 2
    if match[group].lower() in COMMON_WORDS or is_marked(match.string, match.start(group)):
        return None
    return Edit(match.start(group), match.end(group), marks.mark(Kind.SSID, match[group]), Kind.SSID)


def judge_passport(match: re.Match[bytes], marks: Pseudonyms) -> Edit | None:
    return Edit(match.start(1), match.end(1), b"<redacted:national-id>", Kind.NATIONAL_ID)


# Anchors that hold other things too (an address before the name): a pass of their own.
LINE_RULES = (
    Rule("account-line", ACCOUNT_LINE, judge_account),
    Rule("mail-name", MAIL_NAME, judge_mail_name),
    Rule("dhcp-name", DHCP_NAME, judge_dhcp),
)
RULES = (
    Rule("home", HOME, judge_home),
    Rule("network-name", NETWORK_NAME, judge_network),
    Rule("passport", PASSPORT, judge_passport),
    Rule("user-context", USER_CONTEXT, judge_user),
)
