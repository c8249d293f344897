"""Pure: six digits from a telephone (RFC 6238), and what a telephone needs to make them.

    otpauth://totp/desk.example.org:anna?secret=JBSW…&issuer=desk.example.org     read from a picture, once
    step = seconds since 1970 // 30 · code = HOTP(secret, step), six digits of SHA-1, as all such apps expect

A code is taken within one step before and after, since clocks differ. The caller keeps the step that was used and gives
it back as `last_step`: neither that code nor an older one is taken again, also not by somebody who watched it typed.
"""

import base64
import hmac
import re
from typing import Final
from urllib.parse import quote, urlencode

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP

STEP_S: Final = 30
DIGITS: Final = 6
DRIFT_STEPS: Final = 1
#: As long as what HMAC-SHA-1 gives, RFC 4226's recommendation.
SECRET_BYTES: Final = 20
_CODE: Final = re.compile(r"[0-9]{6}")


def step_at(now: int) -> int:
    return now // STEP_S


def code_of(secret: bytes, step: int) -> str:
    return HOTP(secret, DIGITS, SHA1()).generate(step).decode("ascii")  # noqa: S303 - what apps on telephones speak


def typed_code(text: str) -> str | None:
    """`123 456` as `123456`; None where it cannot be such a code."""
    code = re.sub(r"[\s-]", "", text)
    return code if _CODE.fullmatch(code) else None


def step_of_code(secret: bytes, code: str, *, now: int, last_step: int) -> int | None:
    """The step whose code this is, if it is near now and later than `last_step`. All are compared, in equal time."""
    here, found = step_at(now), None
    for step in range(max(0, here - DRIFT_STEPS), here + DRIFT_STEPS + 1):
        same = hmac.compare_digest(code_of(secret, step).encode(), code.encode("utf-8", "surrogatepass"))
        if same and step > last_step:
            found = step
    return found


def secret_text(secret: bytes) -> str:
    """For people who type it: base32 in groups of four."""
    text = base64.b32encode(secret).decode("ascii").rstrip("=")
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def address_for_app(secret: bytes, *, account: str, issuer: str) -> str:
    """What the picture holds. `issuer`: the host, so that two desks in one app are told apart."""
    label = quote(f"{issuer.replace(':', ' ')}:{account}", safe=":@")
    text = base64.b32encode(secret).decode("ascii").rstrip("=")
    return f"otpauth://totp/{label}?{urlencode({'secret': text, 'issuer': issuer.replace(':', ' ')}, quote_via=quote)}"
