"""Credentials inside a URL: ``scheme://user:secret@host`` and ``scheme://token@host``.

Query parameters are ordinary ``key=value`` pairs and handled there; host names are left to the harvested names.
"""

from __future__ import annotations

import re

from diagnostics.redaction.common_words import SYSTEM_ACCOUNTS
from diagnostics.redaction.edits import Edit, Rule, is_marked
from diagnostics.redaction.kinds import HOLES, Kind
from diagnostics.redaction.pseudonyms import Pseudonyms
from diagnostics.redaction.values import is_placeholder, looks_drawn

# The last @ before a blank, a quote or the path: passwords with an unescaped @ are common.
_USER_INFO = rb"://([^ \t\r\n/?#\"'<>:@]{0,256})(?::([^ \t\r\n/?#\"'<>]{0,256}))?@"
# A password with an unescaped slash, question or hash mark: only when what follows @ looks like a host.
_LOOSE = rb"://([^ \t\r\n/?#\"'<>:@]{1,128}):([^ \t\r\n\"'<>@]{0,256})@[A-Za-z0-9\[]"
_PORT_AND_PATH = re.compile(rb"\d{1,5}(?:[/?#]|\Z)")


def judge_user_info(match: re.Match[bytes], marks: Pseudonyms) -> Edit | None:
    user, secret = match[1], match[2]
    pieces: list[bytes] = []
    kind = Kind.PASSWORD
    count = 0
    if user and not is_placeholder(user) and user.lower() not in SYSTEM_ACCOUNTS:
        drawn = looks_drawn(user) and len(user) >= 16
        pieces.append(HOLES[Kind.TOKEN] if drawn else marks.mark(Kind.USER, user))
        kind = Kind.TOKEN if drawn else Kind.USER
        count += 1
    else:
        pieces.append(user)
    end = match.end(1)
    if secret is not None:
        pieces.append(b":")
        hidden = bool(secret) and not is_placeholder(secret)
        pieces.append(HOLES[Kind.PASSWORD] if hidden else secret)
        count += hidden
        kind = Kind.PASSWORD if hidden else kind
        end = match.end(2)
    return Edit(match.start(1), end, b"".join(pieces), kind, count) if count else None


def judge_oracle(match: re.Match[bytes], marks: Pseudonyms) -> Edit | None:
    if is_marked(match.string, match.start(1)):
        return None
    text = marks.mark(Kind.USER, match[1]) + b"/" + HOLES[Kind.PASSWORD]
    return Edit(match.start(1), match.end(2), text, Kind.PASSWORD)


def judge_loose(match: re.Match[bytes], marks: Pseudonyms) -> Edit | None:
    if _PORT_AND_PATH.match(match[2]):
        return None  # http://host:8080/users/@anna
    return judge_user_info(match, marks)


# Oracle writes user/password@host, without a scheme.
_ORACLE = rb"(?:\bthin:|\boci:|\bsqlplus[ \t]+(?:-[a-zA-Z]+[ \t]+)?)([^ \t\r\n/\"'@]{1,64})/([^ \t\r\n\"'@]{1,128})@"

RULES = (
    Rule("url-user-info", _USER_INFO, judge_user_info),
    Rule("oracle", _ORACLE, judge_oracle),
    Rule("url-user-info-loose", _LOOSE, judge_loose),
)
