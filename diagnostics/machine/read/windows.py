"""This Windows machine, read: by psutil what it tells, by PowerShell and wevtutil the rest (`windows_commands.py`).

What programs print is turned into UTF-8 here. A script that many collectors share runs once within a look: its answer
holds for some seconds.
"""

from __future__ import annotations

import sys
import time

from diagnostics.machine.interface import Command, CommandOutput, Native, Platform, Unreadable
from diagnostics.machine.own_use import AgentState
from diagnostics.machine.read.console_text import as_utf8
from diagnostics.machine.read.native import NativeMachine
from diagnostics.machine.windows_commands import SHARED

# A service table has a few hundred lines; each question is a call into the service manager.
_SERVICES_MAX = 2_000
# One look asks all that share a script within seconds; the next look is minutes away.
_SHARED_FOR_S = 20.0
# The console's own code page; Python knows it on Windows only.
_CONSOLE = "oem" if sys.platform == "win32" else "utf-8"


class WindowsMachine(NativeMachine):
    def __init__(self, agent_state: AgentState | None = None) -> None:
        super().__init__(agent_state)
        self._answers: dict[Command, tuple[float, CommandOutput | Unreadable]] = {}

    @property
    def platform(self) -> Platform:
        return Platform.WINDOWS

    def run(self, command: Command) -> CommandOutput:
        if command not in SHARED:
            return self._run_now(command)
        asked_s, answer = self._answers.get(command, (0.0, None))
        if answer is None or time.monotonic() - asked_s > _SHARED_FOR_S:
            try:
                answer = self._run_now(command)
            except Unreadable as unreadable:
                answer = unreadable
            self._answers[command] = (time.monotonic(), answer)
        if isinstance(answer, Unreadable):
            raise Unreadable(answer.reason, answer.kind)
        return answer

    def _run_now(self, command: Command) -> CommandOutput:
        output = super().run(command)
        return CommandOutput(
            output.exit_code,
            as_utf8(output.stdout, console_encoding=_CONSOLE),
            as_utf8(output.stderr, console_encoding=_CONSOLE),
            output.truncated,
        )

    def native(self, subject: Native) -> object:
        if subject is Native.SERVICES and sys.platform == "win32":
            import psutil

            services: list[dict[str, object]] = []
            for service in psutil.win_service_iter():
                if len(services) >= _SERVICES_MAX:
                    break
                try:
                    details = service.as_dict()
                except psutil.Error:
                    continue  # protected services refuse to describe themselves, also to administrators
                services.append(
                    {
                        "name": str(details["name"]),
                        "description": str(details["display_name"]),
                        "status": str(details["status"]),
                        "start": str(details["start_type"]),
                        "pid": int(details["pid"] or 0),
                    }
                )
            return services
        return super().native(subject)
