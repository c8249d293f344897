"""This Mac, read. Services, kernel events and pressure are not read yet and say so."""

from __future__ import annotations

from diagnostics.machine.interface import Platform
from diagnostics.machine.read.native import NativeMachine


class MacosMachine(NativeMachine):
    @property
    def platform(self) -> Platform:
        return Platform.MACOS
