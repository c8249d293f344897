"""Sums of the registry values that are watched, and of the hosts file.

    "config": [{"key":"HKLM:\\SOFTWARE\\…\\Winlogon","name":"Shell","value":"explorer.exe"}]
    "hosts":  [{"Hash":"2D6BDFB341BE3A6234B24742377F93AA7C7CFB0D9FD64EFA9282C87852E57085"}]

Which values these are stands in `windows_commands.py`. The values themselves go no further than this file.
"""

from __future__ import annotations

import hashlib
import re

from diagnostics.collectors.windows.gathered import Gathered, ask, text
from diagnostics.machine import windows_commands as commands
from diagnostics.machine.interface import Machine, Unreadable
from diagnostics.observations import ConfigFile, ConfigFiles

_SUM = re.compile(r"[0-9A-Fa-f]{64}")


def config_files_of(gathered: Gathered) -> ConfigFiles:
    files = []
    for row in gathered.rows("config"):
        key, value = text(row, "key"), str(row.get("value") or "")
        if key:
            path = f"{key}\\{text(row, 'name', 100)}"
            files.append(ConfigFile(path, hashlib.sha256(value.encode()).hexdigest(), len(value)))
    for row in gathered.rows_or_none("hosts"):
        total = text(row, "Hash", 64)
        if _SUM.fullmatch(total):
            files.append(ConfigFile("C:\\Windows\\System32\\drivers\\etc\\hosts", total.lower(), 0))
    if not files:
        raise Unreadable("none of the watched settings is in this Windows' registry")
    return ConfigFiles(tuple(files))


def read_config_files(machine: Machine) -> ConfigFiles:
    return config_files_of(ask(machine, commands.SYSTEM))
