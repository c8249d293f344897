"""Redaction: nothing of a person or a secret leaves the machine. See README.md for what was chosen."""

from diagnostics.redaction.engine import DEFAULT_ENGINE, Engine
from diagnostics.redaction.gate import WithheldError, WithheldReason
from diagnostics.redaction.harvest import LocalUser, MachineNames, harvest
from diagnostics.redaction.identifiers import Identifier, Identifiers
from diagnostics.redaction.kinds import Kind
from diagnostics.redaction.report import Report
from diagnostics.redaction.scan import Redactor

__all__ = [
    "DEFAULT_ENGINE",
    "Engine",
    "Identifier",
    "Identifiers",
    "Kind",
    "LocalUser",
    "MachineNames",
    "Redactor",
    "Report",
    "WithheldError",
    "WithheldReason",
    "harvest",
]
