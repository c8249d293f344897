"""Which observations are compared from look to look, and which of their values count as "the same".

Only what people or updates change is watched: a service's enabled state, not whether it runs now; the gateway and the
name servers, not each address a laptop is lent. Adding a subject: its word in `compare.py`, its line here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from diagnostics.changes.compare import Snapshot, Subject
from diagnostics.collectors.certificates import CERTIFICATES
from diagnostics.collectors.config_files import CONFIG_FILES
from diagnostics.collectors.contract import Collector
from diagnostics.collectors.network import NETWORK
from diagnostics.collectors.services import SERVICES
from diagnostics.collectors.startup_items import STARTUP_ITEMS
from diagnostics.collectors.system import OPERATING_SYSTEM, PACKAGES
from diagnostics.observations import ConfigFiles, Network, OperatingSystem, Packages, Services, StartupItems
from diagnostics.system_observations import Certificates

Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Watched:
    """`items` takes what this line's own collector gave."""

    subject: Subject
    collector: Collector[object]
    items: Callable[[object], Mapping[str, str]]

    def snapshot(self, read: object, now: int) -> Snapshot:
        return Snapshot(self.subject, now, self.items(read))


def watch(
    subject: Subject, collector: Collector[Read], kind: type[Read], items: Callable[[Read], Mapping[str, str]]
) -> Watched:
    def of(read: object) -> Mapping[str, str]:
        if not isinstance(read, kind):
            raise TypeError(f"{collector.id}: expected {kind.__name__}, got {type(read).__name__}")
        return items(read)

    return Watched(subject, collector, of)


def _in_one_word(name: str) -> str:
    """A change's name ends at its first space: names of Windows' programs and keys keep theirs as no-break ones."""
    return name.replace(" ", "\u00a0")


def _packages(read: Packages) -> Mapping[str, str]:
    # Half installed is a change worth telling; removed with its settings kept is removed.
    return {
        _in_one_word(item.name): item.version if item.status == "installed" else f"{item.version} {item.status}"
        for item in read.packages
        if item.status not in ("config-files", "not-installed", "deinstalled")
    }


def _config(read: ConfigFiles) -> Mapping[str, str]:
    return {_in_one_word(item.path): item.sha256 for item in read.files}


def _startup(read: StartupItems) -> Mapping[str, str]:
    return {
        _in_one_word(f"{item.place}/{item.name}"): f"{item.size_bytes}@{item.starts or item.modified_unix_s}"
        for item in read.items
    }


def _services(read: Services) -> Mapping[str, str]:
    return {item.name: item.enabled for item in read.services if item.enabled}


def _kernel(read: OperatingSystem) -> Mapping[str, str]:
    return {"running": read.kernel, "system": read.name}


# Bridges and pairs of containers come and go with every container.
_PASSING = ("veth", "br-", "docker", "cni", "flannel", "virbr", "vnet", "tap", "lo")


def _network(read: Network) -> Mapping[str, str]:
    items = {
        f"interface/{item.name}": item.hardware_address
        for item in read.interfaces
        if not item.name.startswith(_PASSING)
    }
    gateways = sorted(route.gateway for route in read.routes if route.destination == "default" and route.gateway)
    items["gateway"] = " ".join(gateways)
    items["name-servers"] = " ".join(read.resolvers)
    return items


def _certificates(read: Certificates) -> Mapping[str, str]:
    # Who signed a server's certificate, not which one it is: that is renewed every few weeks.
    return {item.where: item.issuer for item in read.certificates if item.is_server}


WATCHED: tuple[Watched, ...] = (
    watch(Subject.PACKAGE, PACKAGES, Packages, _packages),
    watch(Subject.CONFIG, CONFIG_FILES, ConfigFiles, _config),
    watch(Subject.STARTUP, STARTUP_ITEMS, StartupItems, _startup),
    watch(Subject.SERVICE, SERVICES, Services, _services),
    watch(Subject.KERNEL, OPERATING_SYSTEM, OperatingSystem, _kernel),
    watch(Subject.NETWORK, NETWORK, Network, _network),
    watch(Subject.CERTIFICATE, CERTIFICATES, Certificates, _certificates),
)
