"""What the owner of a machine signs, with a key only an administrator of that machine can use.

`unattended-policy` opens a door without a person: named technicians or a tier, scopes, hours, minutes, an end.
`vendor-watch` names an application's own files, services, processes and packages to watch; it holds no code.
"""

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from protocol.actions.scopes import MEANINGS, Scope
from protocol.fields import DeviceId, Hash, Kebab, PersonName, Serial, UnixSeconds, Version
from protocol.limits import SESSION_MINUTES_MAX
from protocol.statements import Statement, StatementName

_MINUTE_OF_DAY = Annotated[int, Field(ge=0, le=24 * 60)]
_AbsolutePath = Annotated[str, Field(pattern=r"^(/|[A-Za-z]:\\)[^\x00\n]{0,250}$")]
_Names = Annotated[tuple[Annotated[str, Field(max_length=120)], ...], Field(max_length=64)]


class UnattendedPolicy(Statement):
    """Valid on one device, for one root. Empty `serials` and no `minimum_tier`: nobody. Never a terminal."""

    statement_name: ClassVar[StatementName] = StatementName.UNATTENDED_POLICY

    device: DeviceId
    root: Hash
    version: Version
    issued_at: UnixSeconds
    not_after: UnixSeconds
    serials: Annotated[tuple[Serial, ...], Field(max_length=64)]
    minimum_tier: Annotated[int, Field(ge=1, le=3)] | None
    scopes: Annotated[tuple[Scope, ...], Field(max_length=32)]
    minutes: Annotated[int, Field(ge=1, le=SESSION_MINUTES_MAX)]
    from_minute_utc: _MINUTE_OF_DAY
    to_minute_utc: _MINUTE_OF_DAY

    @model_validator(mode="after")
    def _nothing_of_the_highest_risk(self) -> Self:
        if any(MEANINGS[scope].risk >= 3 for scope in self.scopes):
            raise ValueError("an unattended policy never allows risk 3")
        return self


class VendorWatch(Statement):
    """Fixed roots, no patterns that climb out: diagnostics reads these paths like any other log or configuration."""

    statement_name: ClassVar[StatementName] = StatementName.VENDOR_WATCH

    device: DeviceId
    version: Version
    issued_at: UnixSeconds
    application: Kebab
    title: PersonName
    log_files: Annotated[tuple[_AbsolutePath, ...], Field(max_length=64)]
    config_files: Annotated[tuple[_AbsolutePath, ...], Field(max_length=64)]
    services: _Names
    processes: _Names
    packages: _Names = ()

    @model_validator(mode="after")
    def _paths_stay_where_they_say(self) -> Self:
        for path in (*self.log_files, *self.config_files):
            if ".." in path.replace("\\", "/").split("/"):
                raise ValueError("a path with .. is not allowed")
        return self
