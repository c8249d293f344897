"""Where the figures come from: a figure without its machine says nothing."""

import os
import platform
import re
from pathlib import Path


def machine_facts() -> dict[str, str]:
    """Processor, cores, load, memory, system, Python. Nothing that names the machine or its owner."""
    return {
        "processor": _first(r"^model name\s*:\s*(.+)$", "/proc/cpuinfo") or platform.processor() or platform.machine(),
        "cores": str(os.cpu_count()),
        "load before": f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown",
        "memory": _gigabytes(_first(r"^MemTotal:\s*(\d+) kB$", "/proc/meminfo")),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def _first(pattern: str, path: str) -> str:
    try:
        found = re.search(pattern, Path(path).read_text("utf-8", "replace"), re.MULTILINE)
    except OSError:
        return ""
    return found[1].strip() if found else ""


def _gigabytes(kibibytes: str) -> str:
    return f"{int(kibibytes) * 1024 / 1e9:.0f} GB" if kibibytes else "unknown"
