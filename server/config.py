"""What an operator decides, from `server.json` in the data directory and the command line; and where files lie.

DIR/.bellpull-server-data   marker: this directory is ours (organisation keys are refused in it)
DIR/server.json             this file's settings; unknown names are refused
DIR/log-key                 32 secret bytes, 0600: signs the audit log's checkpoints
DIR/bellpull.db             SQLite, unless --database names another
DIR/bundles/                sealed bundles, ciphertext only
DIR/address                 host:port of the running server
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import Field

from protocol import strict_json
from protocol.errors import RemoteProtocolError
from protocol.fields import Origin
from protocol.limits import MIB
from protocol.messages.desk import FactText
from protocol.strict_json import WireModel
from server.notifications.settings import MailSettings, UnusableMail, usable
from server.people.rules import Role

MARKER: Final = ".bellpull-server-data"
_LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")


class ConfigError(Exception):
    """A setting that cannot be used; the message says which and what would do."""


class FirstFacts(WireModel):
    """The four facts of a new ticket: never empty, never a promise nobody made."""

    cost: FactText = "Nothing for you: covered by your support agreement."
    doing: FactText = "Your request has arrived and waits for the first free technician."
    next: FactText = "A technician reads it and writes to you, or asks you for a visit."
    # Four working hours are what a first line is staffed for; an organisation sets its own.
    eta_s: Annotated[int, Field(ge=60, le=90 * 86_400)] = 4 * 3600


class Caps(WireModel):
    """What one stranger, device or technician may use up. Generous for people, narrow for loops."""

    enrolments_a_minute: Annotated[int, Field(ge=1)] = 30
    logins_a_minute: Annotated[int, Field(ge=1)] = 60
    links_a_minute: Annotated[int, Field(ge=1)] = 600
    requests_a_minute: Annotated[int, Field(ge=1)] = 1200
    items_a_minute: Annotated[int, Field(ge=1)] = 600
    audit_entries_an_hour: Annotated[int, Field(ge=1)] = 3600
    # 288 reports of five minutes each come at once after a day offline.
    metric_rows_burst: Annotated[int, Field(ge=1)] = 150_000
    metric_rows_a_minute: Annotated[int, Field(ge=1)] = 1000
    tickets_a_day_per_device: Annotated[int, Field(ge=1)] = 200
    offers_an_hour_per_device: Annotated[int, Field(ge=1)] = 60
    offers_an_hour_per_technician: Annotated[int, Field(ge=1)] = 240
    rooms_per_technician: Annotated[int, Field(ge=1)] = 8
    open_tickets_per_device: Annotated[int, Field(ge=1)] = 50
    bundles_a_day_per_device: Annotated[int, Field(ge=1)] = 50
    bundle_bytes_per_device: Annotated[int, Field(ge=1)] = 1024 * MIB
    sealed_bytes_per_device: Annotated[int, Field(ge=1)] = 256 * MIB
    pending_enrolments: Annotated[int, Field(ge=1)] = 10_000


class Settings(WireModel):
    """`server.json`. `metrics_from`: addresses besides loopback that may read /metrics."""

    origin: Origin = "http://127.0.0.1:8443"
    log_name: Annotated[str, Field(pattern=r"^[a-z0-9.\-/:]{1,120}$")] = "localhost/log"
    database: str | None = None
    facts: FirstFacts = FirstFacts()
    caps: Caps = Caps()
    metrics_from: tuple[str, ...] = ()
    # Whose X-Forwarded-For is believed: a proxy on the same machine.
    trusted_proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    metrics_kept_days: Annotated[int, Field(ge=1, le=3650)] = 30
    # Roles whose accounts must have codes or a passkey before they see anything. Unsaid: technicians and admins, but
    # for a server that only its own machine reaches.
    second_factor: tuple[Role, ...] | None = None
    # Where notices go by mail; none: they stay in the console.
    mail: MailSettings | None = None


@dataclass(frozen=True)
class Config:
    """Everything the running server was told."""

    data: Path
    settings: Settings
    origin: str

    @property
    def database_url(self) -> str:
        return self.settings.database or f"sqlite+aiosqlite:///{self.data / 'bellpull.db'}"

    @property
    def second_factor_roles(self) -> frozenset[Role]:
        if self.settings.second_factor is not None:
            return frozenset(self.settings.second_factor)
        return frozenset() if self.origin.startswith("http:") else frozenset({Role.TECHNICIAN, Role.ADMIN})

    @property
    def bundles(self) -> Path:
        return self.data / "bundles"

    @property
    def log_key_file(self) -> Path:
        return self.data / "log-key"


def check_origin(origin: str) -> str:
    """`https://host[:port]`; plain http only where nothing leaves the machine."""
    parts = urlsplit(origin)
    host = re.sub(r":\d+$", "", parts.netloc)
    if parts.path or parts.query or parts.fragment or "@" in parts.netloc or not host:
        raise ConfigError(f"--origin must be like https://support.example.org, not {origin}")
    if parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK):
        return origin
    raise ConfigError(f"--origin must start with https:// (http:// is only for 127.0.0.1), not {origin}")


def log_name_for(origin: str) -> str:
    """The audit log's name: the host people know the server by."""
    return f"{urlsplit(origin).netloc.lower().replace('[', '').replace(']', '')}/log"


def load(data: Path, *, origin: str | None = None, database: str | None = None) -> Config:
    """Read `DIR/server.json`; the command line wins over it. Raises ConfigError with what to do."""
    if not (data / MARKER).exists():
        raise ConfigError(f"{data} is not a server's data directory. Make one: bellpull-server init --data {data}")
    try:
        settings = strict_json.parse((data / "server.json").read_bytes(), Settings, what="server.json")
    except OSError as error:
        raise ConfigError(f"cannot read {data / 'server.json'}: {error.strerror}") from None
    except RemoteProtocolError as error:
        raise ConfigError(f"{data / 'server.json'}: {error}") from None
    try:
        if settings.mail is not None:
            usable(settings.mail)
    except UnusableMail as error:
        raise ConfigError(f"{data / 'server.json'}: {error}") from None
    if database is not None:
        settings = settings.model_copy(update={"database": database})
    return Config(data=data, settings=settings, origin=check_origin(origin or settings.origin))


def create(data: Path, settings: Settings) -> None:
    """Make the data directory: 0700, with marker, settings and a fresh log key. Refuses one that is in use."""
    check_origin(settings.origin)
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(data.iterdir()):
        raise ConfigError(f"{data} is not empty. Choose another --data, or remove what is in it.")
    data.chmod(0o700)
    (data / "bundles").mkdir(mode=0o700)
    write_private(data / "server.json", settings.model_dump_json(indent=2).encode() + b"\n")
    write_private(data / "log-key", os.urandom(32))
    write_private(data / MARKER, b"Data of a bellpull server. Organisation keys do not belong here.\n")


def write_private(path: Path, content: bytes) -> None:
    """Create `path` with 0600 and exactly `content`, on disk when this returns. Refuses an existing file."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
