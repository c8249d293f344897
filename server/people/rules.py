"""Pure: the roles, what a sign-in name is, how long a sign-in lasts, and how soon somebody who failed may try again.

Which role may open which route stands in server/access.py. A technician sees only their own customers (reach.py).
"""

import hashlib
import hmac
import ipaddress
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    VIEWER = "viewer"
    TECHNICIAN = "technician"
    ADMIN = "admin"
    AUDITOR = "auditor"


#: What a role is for, in the words of the people page and of `bellpull-server user --help`.
ROLE_MEANINGS: Final[dict[Role, str]] = {
    Role.VIEWER: "sees tickets and devices of all customers, changes nothing",
    Role.TECHNICIAN: "works on tickets of the customers in their certificate",
    Role.ADMIN: "works on all tickets, sees the audit log, and decides who may sign in",
    Role.AUDITOR: "sees everything including the audit log, changes nothing",
}

# --- accounts --------------------------------------------------------------------------------------------------

ACCOUNT_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._@-]{0,39}")


def account_name(text: str) -> str | None:
    """The name as it is kept, in lower case; None where it cannot be one."""
    name = text.strip().lower()
    return name if ACCOUNT_NAME.fullmatch(name) else None


def form_token(session_token: str) -> str:
    """What every form of this session carries: without the cookie nobody can compute it."""
    return hmac.new(session_token.encode("utf-8", "surrogatepass"), b"bellpull form v1", hashlib.sha256).hexdigest()


# --- how somebody signed in ----------------------------------------------------------------------------------------


class HowSignedIn(StrEnum):
    PASSWORD = "password"  # noqa: S105 - a word for it
    LINK = "link"
    PASSWORD_AND_CODE = "password+code"  # noqa: S105 - the same
    LINK_AND_CODE = "link+code"
    PASSWORD_AND_RECOVERY = "password+recovery"  # noqa: S105 - the same
    LINK_AND_RECOVERY = "link+recovery"
    PASSKEY = "passkey"

    def with_second(self, *, recovery: bool) -> "HowSignedIn":
        return HowSignedIn(f"{self.value}+{'recovery' if recovery else 'code'}")


#: For a list of sessions: "signed in … with …".
HOW_WORDS: Final[dict[HowSignedIn, str]] = {
    HowSignedIn.PASSWORD: "password",
    HowSignedIn.LINK: "one-use link",
    HowSignedIn.PASSWORD_AND_CODE: "password and code",
    HowSignedIn.LINK_AND_CODE: "one-use link and code",
    HowSignedIn.PASSWORD_AND_RECOVERY: "password and recovery code",
    HowSignedIn.LINK_AND_RECOVERY: "one-use link and recovery code",
    HowSignedIn.PASSKEY: "passkey",
}

_BROWSERS: Final = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"),
                    ("Safari/", "Safari"))  # fmt: skip
_SYSTEMS: Final = (("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"),
                   ("Mac OS X", "macOS"), ("CrOS", "ChromeOS"), ("Linux", "Linux"))  # fmt: skip


def browser_words(user_agent: str) -> str:
    """`Firefox on Linux`: enough for its owner to know it again. Nothing else of the header is kept."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    return f"{browser} on {system}" if browser and system else browser or system or "a program"


# --- how long a sign-in lasts ------------------------------------------------------------------------------------

IDLE_S: Final = 60 * 60  # a long telephone call must not throw its note away
SESSION_S: Final = 12 * 3600  # one working day
LINK_S: Final = 24 * 3600  # read in the evening, used in the morning
SEEN_EVERY_S: Final = 60  # `seen_at` is written at most this often


#: To find the telephone and type six digits.
HALF_S: Final = 10 * 60
#: What guards the account itself is changed within this time of signing in: a screen left open changes nothing of it.
FRESH_S: Final = 15 * 60


def session_holds(seen_at: int, expires_at: int, now: int) -> bool:
    return now < expires_at and now - seen_at < IDLE_S


# --- limits of sign-in ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Limit:
    """`free` failures cost nothing; each further one doubles the wait from one second up to `longest_s`."""

    free: int
    longest_s: int

    def wait_s(self, failures: int, last_at: int, now: int) -> int:
        """0 when an attempt may be made now. A clock that went backwards makes nobody wait longer than the limit."""
        if failures < self.free:
            return 0
        wait = min(self.longest_s, 1 << min(failures - self.free, 30))
        return min(wait, max(0, last_at + wait - now))


#: A minute at most: somebody else's guessing must not lock the owner out for long. 1440 guesses a day against
#: Argon2id and twelve characters lead nowhere; a one-use link (`bellpull-server user link`) always leads in.
ACCOUNT_LIMIT: Final = Limit(free=5, longest_s=60)
#: An office shares one address, so it may fail more often; a machine that guesses waits a quarter of an hour.
ADDRESS_LIMIT: Final = Limit(free=20, longest_s=900)
#: Codes have a million values, and three of them are right at a time: a guess each quarter of an hour finds none.
SECOND_LIMIT: Final = Limit(free=5, longest_s=900)
FORGET_FAILURES_S: Final = 24 * 3600


def account_key(name: str) -> bytes:
    return hashlib.sha256(b"bellpull account\0" + name.encode("utf-8", "surrogatepass")).digest()


def second_key(name: str) -> bytes:
    return hashlib.sha256(b"bellpull second factor\0" + name.encode("utf-8", "surrogatepass")).digest()


def address_key(address: str) -> bytes:
    """An IPv6 user has a /64 to themselves: that is one address here. Only the hash is kept."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        text = address
    else:
        if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        text = str(parsed if parsed.version == 4 else ipaddress.ip_network((parsed, 64), strict=False))
    return hashlib.sha256(b"bellpull address\0" + text.encode("utf-8", "surrogatepass")).digest()
