"""diagnose: run catalogue checks, see their status, findings and evidence (redacted)."""

from typing import Annotated

from pydantic import Field

from protocol.actions.scopes import Scope
from protocol.actions.spec import ActionSpec
from protocol.fields import Kebab
from protocol.strict_json import WireModel


class DiagnoseArguments(WireModel):
    """`checks` empty: all that can run here."""

    checks: Annotated[tuple[Kebab, ...], Field(max_length=64)] = ()


DIAGNOSE = ActionSpec("diagnose", Scope.DIAGNOSE, DiagnoseArguments, "ran health checks on this computer")
