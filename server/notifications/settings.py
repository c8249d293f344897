"""Which mail server an operator named in server.json, checked before it is used; and what a mail address is."""

import re
import stat
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field

from protocol.strict_json import WireModel

_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,186}[A-Za-z0-9])?")


class Security(StrEnum):
    TLS = "tls"
    STARTTLS = "starttls"
    NONE = "none"  # loopback only


class MailSettings(WireModel):
    """`mail` of server.json. `password_file`: 0600, the password and nothing else."""

    host: Annotated[str, Field(min_length=1, max_length=253)]
    port: Annotated[int, Field(ge=1, le=65_535)] = 587
    security: Annotated[Security, Field(strict=False)] = Security.STARTTLS
    sender: Annotated[str, Field(max_length=254)]
    username: Annotated[str, Field(max_length=254)] = ""
    password_file: str | None = None
    ca_file: str | None = None


@dataclass(frozen=True)
class MailServer:
    """Settings that can be used: checked, with the password."""

    settings: MailSettings
    password: str


class UnusableMail(Exception):
    """The message says what to change."""


def usable(settings: MailSettings) -> MailServer:
    """UnusableMail with what to change."""
    if mail_address(settings.sender) is None:
        raise UnusableMail("mail.sender must be a mail address, like bellpull@example.org")
    if settings.security is Security.NONE and settings.host not in _LOOPBACK:
        raise UnusableMail('mail.security "none" is only for a mail server on this machine; use "starttls" or "tls"')
    if bool(settings.username) != bool(settings.password_file):
        raise UnusableMail("mail.username and mail.password_file go together")
    if settings.ca_file is not None and not Path(settings.ca_file).is_file():
        raise UnusableMail(f"mail.ca_file: there is no file {settings.ca_file}")
    return MailServer(settings, _password(settings.password_file))


def _password(named: str | None) -> str:
    if named is None:
        return ""
    path = Path(named)
    try:
        if sys.platform != "win32" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise UnusableMail(f"others may read {path}: chmod 600 {path}")
        return path.read_text("utf-8").rstrip("\r\n")
    except OSError as error:
        raise UnusableMail(f"cannot read mail.password_file {path}: {error.strerror}") from None


def mail_address(text: str) -> str | None:
    """The address as it is kept; None where it is none. Plain ASCII: what any mail server takes."""
    address = text.strip()
    return address if len(address) <= 254 and _ADDRESS.fullmatch(address) and ".." not in address else None
