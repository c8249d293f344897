"""``key = value`` wherever it occurs: where the value begins and ends, and whether it is worth hiding.

One grammar for INI, environment, YAML, JSON (also JSON inside a JSON string), PHP arrays, logfmt, URL queries and
connection strings:

    password = correct horse     "password": "x"      \\"password\\":\\"x\\"      'db_pass' => 'x'
    DB_PASSWORD=x                Pwd=x;Server=y        ?token=x&page=2            password: |\n  x

A value keeps its quotes and its neighbours; only the secret itself goes. What a key's name promises is decided in
`key_names`, what a value looks like in `values`.
"""

from __future__ import annotations

import re

from diagnostics.redaction.edits import Edit, Rule, is_marked, mark_or_hole
from diagnostics.redaction.key_names import Promise, promise_of
from diagnostics.redaction.pseudonyms import Pseudonyms
from diagnostics.redaction.values import fits

# Words that mean a secret even inside a longer word (dbpassword, myApiKey).
ANYWHERE = (
    rb"(?i:passw|storepass|keypass|passphrase|passcode|passkey|kennwort|pwd|secret|token|credential|api[-_. ]?key|key|"
    rb"cookie|csrf|xsrf|"
    rb"mnemonic|webhook|connection[-_ ]?string|contrase|wachtwoord|mot_de_passe|sessionid|sess(?:ion)?[-_]?id|"
    rb"user_?name|hostname|serial|phone_?number|auth(?:orization)?[-_]?code|device[-_]?code|"
    rb"(?:first|last|full|display|real|given|family|middle|customer|contact|holder|maiden|computer|machine|node)"
    rb"[-_ ]?name)"
)
# Words too common for that: only at the start of a word (cc=, not acc=).
BOUNDED = (
    rb"(?:\b|_)(?i:pass|pw|auth|bearer|sess|sid|psk|otp|totp|mfa|pins?|cvv2?|cvc2?|puk|dsn|seed|salt|nonce|sig|signature|"
    rb"jwt|senha|heslo|haslo|parol|user|uname|login|logname|acct|ruser|owner|surname|gecos|imei|imsi|iccid|meid|udid|"
    rb"machine[-_]?id|s/n|product[-_ ]id|account[-_ ]name|asset[-_ ]?tag|e?ssid|workstation|phone|mobile|telephone|tel|"
    rb"msisdn|fax|ssn|passport|nino|inn|"
    rb"snils|tax[-_]?id|national[-_]?id|social[-_ ]?security|latitude|longitude|lat|lng|lon|birth|dob|date_of_birth|"
    rb"street|address_?line|postal|zip|home_?address|card|credit_?card|pan|ccnum|cc|card_?holder)"
)
_FOREIGN = "(?:пароль|密码|密碼|パスワード|비밀번호|contraseña|hasło)".encode()
_COLOUR = rb"(?:\x1b\[[0-9;]*m)*"
_SEPARATOR = rb"[ \t]*(?:=>|:=|==|[:=])" + _COLOUR + rb"[ \t]*"
# A comma or a line end between name and value only counts when both sides are quoted.
_QUOTED_SEPARATOR = rb"\\*[\"'][ \t]*(?:,|:[ \t]*\r?\n)[ \t]*[bru]?\\*[\"']"

ANCHOR = (
    rb"(?:" + ANYWHERE + rb"|" + BOUNDED + rb"|" + _FOREIGN + rb")"
    rb"([0-9A-Za-z_.-]*(?: [Nn](?:umber|o|ame))?)"
    rb"((?:\\*[\"'])?\]?" + _COLOUR + _SEPARATOR + rb"|" + _QUOTED_SEPARATOR + rb")"
)

_NAME_BYTES = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz.-"
_LINE_LEAD = re.compile(rb"[ \t]*(?:(?:export|set|setenv|declare -x|-|#|;|\$env:|local|readonly|env)[ \t]*)*[\"']?\Z")
_OPEN_QUOTE = re.compile(rb"[bru]?(\\*)([\"'])")
_QUOTE_FIRST = b"\"'\\bru"
_BLOCK = re.compile(rb"[|>][+-]?\d?[ \t]*\r?\n")
# A place-holder that may hold blanks is one value.
_VARIABLE = re.compile(rb"\{\{[^{}\r\n]{0,80}\}\}|\$\{[^{}\r\n]{0,80}\}|\$\([^()\r\n]{0,80}\)")
# The key's value is a YAML list on the lines below.
_LIST_ITEMS = re.compile(rb"(\r?\n[ \t]*- )[^\r\n]+(?:\r?\n[ \t]*- [^\r\n]+)*")
_TOKEN = re.compile(rb"[^\s\x00\x1b]{1,4096}")
_TO_LINE_END = re.compile(rb"[^\r\n\x00\x1b]{0,4096}")
# Where an unquoted value stops although no blank has come.
_STOP = re.compile(
    rb"[&;,](?=[\w.%+-]{1,64}=)|[&;,|](?=\Z)|\\[nrt](?![\w/]*=?\Z)|[\"'](?=[\s,;:)\]}>]|\Z)|</|\\*[\"'][,}\]]"
)
_NEXT_PAIR = re.compile(rb"(?<=[ \t])[\w.-]{1,64}[ \t]?=(?!=)|(?<=[ \t])--?[A-Za-z]")
_JSON_KEY_END = re.compile(rb"(\\*\")[ \t]*:")
_JSON_BARE = re.compile(rb"-?[0-9][0-9.eE+-]*")
# A quoted secret longer than this is cut here; the rest meets the entropy scan. Bounds the look-ahead.
QUOTED_MAX_BYTES = 8192


def value_span(data: bytes, start: int, *, whole_line: bool) -> tuple[int, int]:
    """Where the value that begins at ``start`` lies, without its quotes."""
    first = data[start : start + 1]
    if first in _QUOTE_FIRST and (opened := _OPEN_QUOTE.match(data, start)) is not None:
        return opened.end(), _closing_quote(data, opened)
    if first in b"{$" and (variable := _VARIABLE.match(data, start)) is not None:
        return start, variable.end()
    if first in b"\r\n" and (items := _LIST_ITEMS.match(data, start)) is not None:
        return items.end(1), items.end()
    if first in b"|>" and (block := _BLOCK.match(data, start)) is not None:
        return block.end(), _block_end(data, start, block.end())
    if whole_line:
        match = _TO_LINE_END.match(data, start)
        assert match is not None  # noqa: S101 — matches the empty string
        end = match.end()
        pair = _NEXT_PAIR.search(data, start, end)
        if pair is not None:
            end = pair.start()
        while end > start and data[end - 1 : end] in b" \t":
            end -= 1
        if b" " in data[start:end]:
            return start, end
    token = _TOKEN.match(data, start)
    if token is None:
        return start, start
    end = token.end()
    stop = _STOP.search(data, start, end)
    if stop is not None and stop.start() > start:
        end = stop.start()
    while end > start and data[end - 1 : end] in b",;)]}":
        end -= 1
    return start, end


def _closing_quote(data: bytes, opened: re.Match[bytes]) -> int:
    """The quote of the same escape depth, on the same line; a line end where none comes."""
    depth = len(opened[1])
    quote = opened[2]
    limit = min(len(data), opened.end() + QUOTED_MAX_BYTES)
    line_end = data.find(b"\n", opened.end(), limit)
    if line_end < 0:
        line_end = limit
    at = opened.end()
    while True:
        at = data.find(quote, at, line_end)
        if at < 0:
            return line_end
        slashes = 0
        while data[at - slashes - 1 : at - slashes] == b"\\" and at - slashes > opened.end():
            slashes += 1
        # depth 0: an even run of backslashes does not escape; depth 1 (\"): exactly that many close it.
        if (depth == 0 and slashes % 2 == 0) or (depth > 0 and slashes <= depth):
            return at - (slashes if depth else 0)
        at += 1


def _block_end(data: bytes, start: int, body: int) -> int:
    """End of a YAML block scalar: the lines indented deeper than the key's own line."""
    line = data.rfind(b"\n", 0, start) + 1
    own = len(data[line:start]) - len(data[line:start].lstrip(b" "))
    end = body
    while end < len(data):
        stop = data.find(b"\n", end)
        stop = len(data) if stop < 0 else stop
        text = data[end:stop]
        if text.strip() and len(text) - len(text.lstrip(b" ")) <= own:
            break
        end = stop + 1
    return min(max(body, end - 1), len(data))


def judge_pair(match: re.Match[bytes], marks: Pseudonyms) -> Edit | None:
    data = match.string
    lead = data[max(0, match.start() - 64) : match.start()]
    name_start = match.start() - len(lead) + len(lead.rstrip(_NAME_BYTES))
    name = data[name_start : match.start(2)]
    promise = promise_of(name)
    if promise is None:
        return None
    separator = match[2]
    if separator[-1:] in b"\"'":  # the opening quote of the value is part of the separator here
        return _edit(data, match.end() - 1, promise, separator, marks, whole_line=False)
    line_start = data.rfind(b"\n", max(0, name_start - 128), name_start) + 1
    leads = (line_start > 0 or name_start <= 128) and _LINE_LEAD.match(data[line_start:name_start]) is not None
    # "key: two words", "key = two words" and "KEY=two words" go to the end of the line; "key=one two" is prose or
    # logfmt and ends at the blank.
    whole_line = leads and (separator[-1:] in b" \t" or b":" in separator or name.upper() == name)
    if name.upper().endswith(b"PWD") and data[match.end() : match.end() + 1] in (b"/", b"~"):
        return None  # the working directory of shells and sudo
    return _edit(data, match.end(), promise, separator, marks, whole_line=whole_line)


def _edit(
    data: bytes, at: int, promise: Promise, separator: bytes, marks: Pseudonyms, *, whole_line: bool
) -> Edit | None:
    start, end = value_span(data, at, whole_line=whole_line)
    if start == end or is_marked(data, start):
        return None
    value = data[start:end]
    quoted = start > at
    if value.endswith(b"(") and not quoted:
        return None  # a call: what matters stands inside
    if not fits(promise, value, quoted=quoted, assigned=b"=" in separator):
        return None
    edit = mark_or_hole(start, end, promise.kind, value, marks)
    quote = _JSON_KEY_END.match(separator)
    if quote is not None and not quoted and _JSON_BARE.fullmatch(value):
        return edit._replace(text=quote[1] + edit.text + quote[1])  # a number becomes a string, the document stays JSON
    return edit


RULE = Rule("key-value", ANCHOR, judge_pair)
