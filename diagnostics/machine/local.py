"""Which implementation reads this machine. The only place that chooses."""

from __future__ import annotations

import sys
from collections.abc import Collection

from diagnostics.machine.interface import Machine
from diagnostics.machine.own_use import AgentState


def local_machine(agent_state: AgentState | None = None, watched: Collection[str] = ()) -> Machine:
    """This machine. `agent_state` carries what the agent knows of itself; a one-shot check has none. `watched`: the
    settings of applications that the owner lets be read (Linux only: applications are watched nowhere else yet)."""
    # Imports inside: the other platforms' readers cost time and pull in psutil.
    if sys.platform == "linux":
        from diagnostics.machine.read.linux import LinuxMachine

        return LinuxMachine(agent_state, watched)
    if sys.platform == "darwin":
        from diagnostics.machine.read.macos import MacosMachine

        return MacosMachine(agent_state)
    if sys.platform == "win32":
        from diagnostics.machine.read.windows import WindowsMachine

        return WindowsMachine(agent_state)
    raise RuntimeError(f"Bellpull reads Linux, macOS and Windows; this is {sys.platform}")
