"""What passes between the service and the bundle worker: one JSON object a line, each way in turn.

    service                                    worker
    BundleRequest ───────────────────────────►  collects, redacts
                  ◄─────────────────── {"preview": …}
    {"show": path} ──────────────────────────►
                  ◄─────────────────── {"content": text}
    {"write": WriteOrder} ───────────────────►
                  ◄─────────────────── {"sign": root in hex}
    {"signature": text} ─────────────────────►
                  ◄─────────────────── {"written": Written}
    (stdin closed: the worker ends, and with it everything it held)
A refusal at any point is {"refused": {"what","expected","got","hint"}}.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from diagnostics.findings import Finding
from diagnostics.machine.own_use import AgentState
from diagnostics.vendors.application import Application

# A week: the logs that changed in it are collected.
WINDOW_S: Final = 7 * 86_400
LINE_MAX_BYTES: Final = 16 * 1024 * 1024
# One file as text for a screen.
SHOWN_MAX_CHARS: Final = 256 * 1024


@dataclass(frozen=True)
class BundleRequest:
    """`secret`: the device's pseudonym secret in hex. `never`: subjects that the owner does not let go. `past`: what
    the looks before have seen (finding_store.PAST); its changes go with the bundle. `applications`: those watched here,
    their settings as far as the owner lets them be read."""

    id: str
    now: int
    secret: str
    findings: tuple[Finding, ...]
    pack_versions: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    never: tuple[str, ...] = ()
    agent: AgentState | None = None
    past: str = ""
    applications: tuple[Application, ...] = ()


@dataclass(frozen=True)
class WriteOrder:
    """`recipients` None: plain, for the customer's own eyes. `signed`: ask for the signature before writing."""

    path: str
    recipients: tuple[str, ...] | None
    signed: bool
    untick_paths: tuple[str, ...] = ()
    untick_categories: tuple[str, ...] = ()


@dataclass(frozen=True)
class Written:
    """`redactions` by kind; `sha256` of the finished file in hex."""

    bytes: int
    files: int
    redactions: Mapping[str, int]
    sha256: str
    sealed: bool
    root: str
