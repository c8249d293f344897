"""Facts of the machine that known issues may ask for, and which collector answers each.

Asked only when a near miss needs one: measuring a cache costs seconds of disk, and most machines have no reason to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from diagnostics.collectors.contract import Collector
from diagnostics.collectors.logs import journal_lines
from diagnostics.collectors.memory import MEMORY
from diagnostics.collectors.network import NETWORK
from diagnostics.collectors.places import JOURNAL_SIZE, TEMPORARY, USER_CACHE
from diagnostics.collectors.system import OPERATING_SYSTEM, PACKAGES
from diagnostics.findings import Fact
from diagnostics.machine.interface import Machine, Unreadable
from diagnostics.observations import Memory, Network, OperatingSystem, PlaceUse

Read = TypeVar("Read")
# A day of errors is enough to see what goes wrong now.
LOG_LINES = 2_000
LOG_SINCE_S = 86_400


@dataclass(frozen=True, slots=True)
class FactSource(Generic[Read]):
    """`facts` turns what the collector read into facts; `names` lists them all."""

    collector: Collector[Read]
    names: tuple[str, ...]
    facts: Callable[[Read], Mapping[str, Fact]]

    def ask(self, machine: Machine) -> Mapping[str, Fact]:
        """Raises Unreadable."""
        return self.facts(self.collector.collect(machine))


def _place(prefix: str, collector: Collector[PlaceUse]) -> FactSource[PlaceUse]:
    def facts(use: PlaceUse) -> Mapping[str, Fact]:
        known: dict[str, Fact] = {f"{prefix}.bytes": use.allocated_bytes, f"{prefix}.path": use.path}
        if use.mount is not None:
            known[f"{prefix}.mount"] = use.mount
        return known

    return FactSource(collector, (f"{prefix}.bytes", f"{prefix}.path", f"{prefix}.mount"), facts)


def _memory(memory: Memory) -> Mapping[str, Fact]:
    return {"memory.total_bytes": memory.total_bytes, "memory.swap_total_bytes": memory.swap_total_bytes}


def _system(system: OperatingSystem) -> Mapping[str, Fact]:
    return {"system.id": system.id, "system.version": system.version, "system.kernel": system.kernel}


# Interfaces that carry a tunnel to another network, as their programs name them.
_TUNNELS = ("tun", "utun", "ipsec", "tap", "wg", "ppp", "tailscale", "nordlynx", "proton", "vpn")


def _network(network: Network) -> Mapping[str, Fact]:
    up = [item for item in network.interfaces if item.up and item.name.startswith(_TUNNELS)]
    return {"network.tunnel": any(item.addresses for item in up)}


PLACES = (
    _place("user-cache", USER_CACHE),
    _place("temporary", TEMPORARY),
    _place("journal", JOURNAL_SIZE),
)
MEMORY_FACTS = FactSource(MEMORY, ("memory.total_bytes", "memory.swap_total_bytes"), _memory)
SYSTEM_FACTS = FactSource(OPERATING_SYSTEM, ("system.id", "system.version", "system.kernel"), _system)
NETWORK_FACTS = FactSource(NETWORK, ("network.tunnel",), _network)

FACT_NAMES: Mapping[str, str] = {
    name: source.collector.id
    for sources in (PLACES, (MEMORY_FACTS,), (SYSTEM_FACTS,), (NETWORK_FACTS,))
    for source in sources
    for name in source.names
}
PACKAGES_ASK = "packages"
JOURNAL_ASK = "log:journal"


def ask_facts(names: Iterable[str], machine: Machine) -> tuple[dict[str, Fact], dict[str, str]]:
    """(facts, reasons): the facts of every source that holds one of `names`; why the others could not be read."""
    wanted = set(names)
    facts: dict[str, Fact] = {}
    reasons: dict[str, str] = {}

    def take(source_names: tuple[str, ...], ask: Callable[[Machine], Mapping[str, Fact]]) -> None:
        asked = wanted & set(source_names)
        if not asked:
            return
        try:
            facts.update(ask(machine))
        except Unreadable as unreadable:
            reasons.update(dict.fromkeys(asked, unreadable.reason))

    for place in PLACES:
        take(place.names, place.ask)
    take(MEMORY_FACTS.names, MEMORY_FACTS.ask)
    take(SYSTEM_FACTS.names, SYSTEM_FACTS.ask)
    take(NETWORK_FACTS.names, NETWORK_FACTS.ask)
    return facts, reasons


def ask_packages(machine: Machine) -> dict[str, str]:
    """Installed versions by name. Raises Unreadable."""
    return {item.name: item.version for item in PACKAGES.collect(machine).packages if item.status == "installed"}


def ask_journal(machine: Machine, *, now: int) -> tuple[str, ...]:
    """Warnings and worse of the last day. Raises Unreadable."""
    lines = journal_lines(machine, now=now, since_unix_s=now - LOG_SINCE_S, least_severity=4, max_lines=LOG_LINES)
    return tuple(f"{line.unit}: {line.text}" for line in lines)
