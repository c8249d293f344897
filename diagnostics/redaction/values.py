"""What a value looks like: a drawn secret, a written word, a placeholder, a name.

Pure judgement on short byte strings. The lists below are allow-lists: what they hold stays readable.
"""

from __future__ import annotations

import math
import re
from collections import Counter

from diagnostics.redaction.common_words import COMMON_WORDS, SYSTEM_ACCOUNTS
from diagnostics.redaction.key_names import Promise, Trust
from diagnostics.redaction.kinds import MARK, Kind

_NOT_A_VALUE = frozenset(
    rb"""null none nil undefined true false yes no on off empty unset set missing required optional default
    prompt ask interactive hidden masked redacted removed omitted secret password passwd token key changeme-not
    invalid incorrect wrong expired rejected denied accepted failed failure failing ok okay success successful
    valid unknown unavailable enabled disabled never always auto n/a na tbd todo str string bytes int integer
    bool boolean float optional[str] any object array list dict text varchar encrypted hashed plain plaintext
    changed updated unchanged reset forgotten sent received created generated stored saved loaded read
    authentication authenticated error warning info not is was has for and the or with from to in at of
    files md5 sha256 scram-sha-256 trust reject peer ident
    amd64 arm64 armhf i386 x86_64 aarch64 noarch all any
    permission enter retype new current old bad mismatch match matches mismatched too must may can cannot
    could should will would does doesn't didn't
    x xx xxx - -- --- . .. ... * ** *** **** ***** ****** ******* ******** ? !""".lower().split()
)
_PLACEHOLDER = re.compile(
    rb"\$\{[^}]*\}|\$\([^)]*\)|\$[A-Za-z_]\w*|%[A-Za-z_]\w*%|%\(\w+\)s|%[sd]|\{\{[^}]*\}\}|\{\w*\}|<[^<>]{1,64}>|"
    rb"\[[A-Za-z _-]{1,32}\]|\([A-Za-z _-]{1,32}\)|[*xX.#\xe2\x80\xa2\x97\x8f-]+|"
    rb"(?:os\.environ|os\.getenv|getenv|process\.env|getpass|System\.getenv|ENV\[|env\(|vault:|ref\+|!vault|"
    rb"secretKeyRef|arn:aws:|file:|@Microsoft\.KeyVault).*",
    re.DOTALL,
)
_WORD = re.compile(rb"(?:[A-Za-z][a-z]*+)?(?:[-_ ./][A-Za-z][a-z]*+)*[.,:;!?)]*")
_NUMBER = re.compile(rb"[+-]?\d+(?:[.,]\d+)?(?:[ ]?[A-Za-z%]{1,6})?")
_PATH = re.compile(rb"(?:~?/|\./|\.\./|[A-Za-z]:[\\/]|\\\\)[^\s]*|https?://[^\s]*|/dev/\S*")
_FILE_NAME = re.compile(
    rb"[\w.-]+\.(?:pem|key|crt|cer|pub|json|ya?ml|toml|ini|conf|txt|p12|pfx|jks|db|py|go|js|rs|c|h)"
)
_HEX = re.compile(rb"(?:0x)?[0-9A-Fa-f]+")
_UUID = re.compile(rb"\{?[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}\}?")
_SYSTEM_UNIT = re.compile(rb".*\.(?:service|socket|slice|target|timer|mount|scope|device|path|desktop)")


def is_placeholder(value: bytes) -> bool:
    """Nothing secret stands here: empty, masked, a variable, a word that reports a state."""
    return (
        not value
        or value.lower() in _NOT_A_VALUE
        or value.lower().rstrip(b".,;:!?)") in _NOT_A_VALUE
        or _PLACEHOLDER.fullmatch(value) is not None
        or bool(MARK.fullmatch(value))
    )


def entropy_bits(value: bytes) -> float:
    """Shannon entropy per byte of the value itself."""
    size = len(value)
    return -sum(count / size * math.log2(count / size) for count in Counter(value).values())


def looks_drawn(value: bytes, *, hex_min: int = 16) -> bool:
    """Drawn by a generator rather than written by a person: for keys whose name alone proves little."""
    if len(value) < 8 or _PATH.fullmatch(value) or _FILE_NAME.fullmatch(value) or _NUMBER.fullmatch(value):
        return False
    if _WORD.fullmatch(value):
        return False
    digits = sum(48 <= byte <= 57 for byte in value)
    letters = sum(chr(byte).isalpha() for byte in value if byte < 128)
    if b" " in value or not letters:
        return False
    mixed = value != value.lower() and value != value.upper()
    if _HEX.fullmatch(value):
        return len(value) >= hex_min
    if digits:
        return len(value) >= 12 or mixed or digits >= 2
    return mixed and len(value) >= 16 and entropy_bits(value) > 3.5


_USER = re.compile(rb"(?:[\w.-]+\\{1,2})?[A-Za-z\x80-\xff_][\w.\x80-\xff-]{1,63}\$?")
_HOST = re.compile(rb"[A-Za-z0-9][A-Za-z0-9-]{0,62}(?:\.[A-Za-z0-9-]{1,63})*\.?")
_SERIAL = re.compile(rb"[A-Za-z0-9][A-Za-z0-9_ .:/-]{4,63}")
_FRACTION = re.compile(rb"[0-9]{1,5}/[0-9]{1,6}")
_SOA_SERIAL = re.compile(rb"(?:19|20)\d{8}")
_COORDINATE = re.compile(rb"[+-]?\d{1,3}\.\d{3,}[^\d]{0,3}.*")


def fits(promise: Promise, value: bytes, *, quoted: bool, assigned: bool) -> bool:
    """Is ``value`` what its key promised? ``assigned``: with ``=``, where prose would write a colon."""
    if is_placeholder(value):
        return False
    match promise.trust:
        case Trust.ANY:
            return _fits_any(promise.kind, value, quoted=quoted, assigned=assigned)
        case Trust.RANDOM:
            return looks_drawn(value, hex_min=12 if quoted or assigned else 16)
        case Trust.SHAPED:
            return _fits_shape(promise.kind, value, quoted=quoted, assigned=assigned)


def _fits_any(kind: Kind, value: bytes, *, quoted: bool, assigned: bool) -> bool:
    first = value.split(None, 1)[0].rstrip(b".,:;!?").lower() if value.split() else b""
    if not quoted and first in _NOT_A_VALUE and b" " in value:
        return False  # "password: must be changed", "secret: not found"
    if kind is Kind.PASSWORD:
        return True
    if _UUID.fullmatch(value):
        return True
    if _PATH.fullmatch(value) and not _drawn_base64(value):
        return value.startswith(b"http") and b"?" in value
    if _FILE_NAME.fullmatch(value) or (_NUMBER.fullmatch(value) and len(value) < 8):
        return False
    return quoted or assigned or not _WORD.fullmatch(value)


def _drawn_base64(value: bytes) -> bool:
    return len(value) >= 24 and b"." not in value and entropy_bits(value) > 4.2


def _fits_shape(kind: Kind, value: bytes, *, quoted: bool, assigned: bool) -> bool:
    digits = sum(48 <= byte <= 57 for byte in value)
    lower = value.lower()
    match kind:
        case Kind.USER:
            if not (quoted or assigned) and lower in COMMON_WORDS:
                return False
            return (
                _USER.fullmatch(value) is not None
                and lower not in SYSTEM_ACCOUNTS
                and lower not in COMMON_WORDS
                and _SYSTEM_UNIT.fullmatch(lower) is None
            )
        case Kind.HOST:
            plain = lower.split(b".")[0]
            return (
                _HOST.fullmatch(value) is not None
                and plain not in (b"localhost", b"localhost4", b"localhost6", b"ip6-localhost")
                and plain not in COMMON_WORDS
                and not plain.isdigit()
            )
        case Kind.SERIAL:
            return (
                _SERIAL.fullmatch(value) is not None
                and digits >= 2
                and _SOA_SERIAL.fullmatch(value) is None
                and not lower.startswith(b"0x")
                and (digits < len(value) or len(value) >= 7)
                and b": " not in value
                and not _FRACTION.fullmatch(value)
            )
        case Kind.SSID:
            return 0 < len(value) <= 64 and (quoted or assigned or b" " not in value)
        case Kind.PHONE:
            return 7 <= digits <= 15 and digits * 2 >= len(value) and b":" not in value and not value.startswith(b"0x")
        case Kind.NATIONAL_ID:
            return digits >= 5 and len(value) <= 24 and b"." not in value
        case Kind.CARD:
            return 3 <= digits <= 19 and digits * 2 > len(value)
        case Kind.PASSWORD:  # a PIN or one-time code
            return 4 <= len(value) <= 10 and digits == len(value)
        case Kind.LOCATION:
            return _COORDINATE.fullmatch(value) is not None and b"ms" not in lower
        case Kind.BIRTH_DATE:
            return 4 <= digits <= 8 and len(value) <= 24
        case Kind.POSTAL_ADDRESS:
            return (quoted or assigned) and (digits > 0 or b" " in value)
        case Kind.PERSON:
            return (
                (quoted or assigned or b" " in value)
                and lower not in COMMON_WORDS
                and not digits
                and len(value) <= 128
                and any(byte > 127 or chr(byte).isalpha() for byte in value)
            )
        case _:
            return False
