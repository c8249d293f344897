"""The owner's settings: STATE/config.toml, optional, strict. Nothing on the wire can change any of them.

[checks]
every_minutes = 5
disabled = ["dns"]
portal_probe = "http://probe.example.org/204"    # your own address that answers 204; without it nobody is asked

[tickets]
automatic_from = "error"        # or "critical", or "never"

[reports]
metrics = true
metrics_disabled = ["process.cpu-fraction"]

[bundle]
never = ["packages"]

[files]
folders = ["~/Documents", "/srv/scans"]    # what technicians may be allowed to read or write; default: Desktop, …
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from agent.refusal import Refusal
from protocol.fields import DottedName, Kebab
from protocol.strict_json import WireModel, describe

_FILE_MAX_BYTES = 64 * 1024


class AutomaticTickets(StrEnum):
    ERROR = "error"
    CRITICAL = "critical"
    NEVER = "never"


class CheckSettings(WireModel):
    """At least 5 minutes: an interpreter costs 0.2 s of a core to start."""

    every_minutes: Annotated[int, Field(ge=5, le=1440)] = 5
    disabled: Annotated[tuple[Kebab, ...], Field(max_length=128, strict=False)] = ()
    portal_probe: (
        Annotated[str, Field(pattern=r"^http://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[!-~]*)?$", max_length=300)] | None
    ) = None


class TicketSettings(WireModel):
    """From which severity on a finding that stays active opens a ticket by itself."""

    automatic_from: Annotated[AutomaticTickets, Field(strict=False)] = AutomaticTickets.ERROR


class ReportSettings(WireModel):
    """Numbers the owner does not want to be reported. Findings' codes and states always are: it is the job."""

    metrics: bool = True
    metrics_disabled: Annotated[tuple[DottedName, ...], Field(max_length=128, strict=False)] = ()


class BundleSettings(WireModel):
    """Subjects of evidence that never go, whoever asks: `logs`, `processes`, `packages` …"""

    never: Annotated[tuple[Kebab, ...], Field(max_length=64, strict=False)] = ()


class FileSettings(WireModel):
    """Folders that a technician may be let into. Not named: Desktop, Documents, Downloads. An empty list: none."""

    folders: Annotated[
        tuple[Annotated[str, Field(pattern=r"^(/[^\x00]*|~|~/[^\x00]*)$", max_length=1000)], ...] | None,
        Field(max_length=32, strict=False),
    ] = None


class Config(WireModel):
    checks: CheckSettings = CheckSettings()
    tickets: TicketSettings = TicketSettings()
    reports: ReportSettings = ReportSettings()
    bundle: BundleSettings = BundleSettings()
    files: FileSettings = FileSettings()


def load_config(path: Path) -> Config:
    """The settings in `path`, or the defaults when there is no such file. Refusal names the field that is wrong."""
    try:
        with path.open("rb") as file:
            data = file.read(_FILE_MAX_BYTES + 1)
    except FileNotFoundError:
        return Config()
    except OSError as error:
        raise Refusal(
            "the settings cannot be read", expected=f"a readable {path}", got=error.strerror or str(error)
        ) from error
    import tomllib

    try:
        if len(data) > _FILE_MAX_BYTES:
            raise ValueError(f"larger than {_FILE_MAX_BYTES} bytes")
        return Config.model_validate(tomllib.loads(data.decode()))
    except ValidationError as error:
        raise Refusal(
            "the settings are wrong", expected=f"settings as in the manual in {path}", got=describe(error)
        ) from None
    except ValueError as error:
        raise Refusal("the settings are not TOML", expected=f"TOML in {path}", got=str(error)) from None
