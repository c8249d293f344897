"""What libraries import at their top and this service hardly ever asks: it stays on the disk until somebody does.

    websockets   importlib.metadata (for a version that is written in it), urllib.request (system proxies), python_socks
    pydantic     importlib.metadata (for plug-ins, which are turned off)

With all that these import in turn (email, zipfile, csv, http.client, tempfile …) it is 3 MB of a process that stays for
months. A stand-in has the module's name and is the module as soon as anything of it is asked for, so that whoever needs
one gets it whole; only the service puts them there, before its other imports.
"""

import importlib
import sys
from types import ModuleType
from typing import Any, Final

_ON_DEMAND: Final = ("importlib.metadata", "urllib.request")
_SOCKS: Final = "python_socks"


class _StandIn(ModuleType):
    def __getattr__(self, name: str) -> Any:
        # What looks through all loaded modules (inspect, warnings) asks for these, and means no use.
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(_load(self.__name__), name)


def leave_for_later(*, proxy_may_be_set: bool) -> None:
    """For the whole process, from now on. What is loaded already stays."""
    for name in _ON_DEMAND:
        if name in sys.modules:
            continue
        stand_in = _StandIn(name)
        parent, _, child = name.rpartition(".")
        sys.modules[name] = stand_in
        setattr(importlib.import_module(parent), child, stand_in)
        if name == "importlib.metadata":
            # Taken by name (`from … import entry_points`), and called by nobody where plug-ins are off.
            stand_in.__dict__["entry_points"] = _entry_points
    if not proxy_may_be_set and _SOCKS not in sys.modules:
        sys.modules[_SOCKS] = None  # type: ignore[assignment]  # how Python says "not there", as without it


def _load(name: str) -> ModuleType:
    if isinstance(sys.modules.get(name), _StandIn):
        del sys.modules[name]
    return importlib.import_module(name)


def _entry_points(**given: Any) -> Any:
    return _load("importlib.metadata").entry_points(**given)
