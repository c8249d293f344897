"""This Windows machine, read. Kernel events and pressure are not read yet and say so."""

from __future__ import annotations

import sys

from diagnostics.machine.interface import Native, Platform
from diagnostics.machine.read.native import NativeMachine

# A service table has a few hundred lines; each question is a call into the service manager.
_SERVICES_MAX = 2_000


class WindowsMachine(NativeMachine):
    @property
    def platform(self) -> Platform:
        return Platform.WINDOWS

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
