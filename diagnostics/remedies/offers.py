"""Which remedies a finding offers, by its code: what the catalogue's `cures` say, for those who only look.

A check runs every few minutes in a process that must start fast; it needs the names and not the acts. A test holds this
table and the catalogue together. Remedies that cure no check's finding (rights of SSH keys) are named by known issues.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from diagnostics.findings import Finding, RemedyOffer
from diagnostics.machine.interface import Platform

_ADMINISTRATOR = ("administrator",)

# id, risk, needs, reversible, estimated_s, the codes it is offered for
_TABLE: tuple[tuple[RemedyOffer, tuple[str, ...]], ...] = (
    (RemedyOffer("clean-user-cache", 2, (), True, 30), ("disk-space-low", "disk-filling")),
    (RemedyOffer("clean-small-cache-files", 2, (), True, 30), ("inodes-low",)),
    (RemedyOffer("empty-trash", 2, (), True, 30), ("disk-space-low", "disk-filling", "inodes-low")),
    (RemedyOffer("clean-temporary-files", 2, (), True, 30), ("disk-space-low", "disk-filling", "inodes-low")),
    (RemedyOffer("clean-rotated-logs", 2, _ADMINISTRATOR, True, 30), ("disk-space-low", "disk-filling")),
    (RemedyOffer("clean-old-journal", 2, _ADMINISTRATOR, True, 30), ("disk-space-low", "disk-filling")),
    (RemedyOffer("clean-package-cache", 2, _ADMINISTRATOR, True, 30), ("disk-space-low", "disk-filling")),
    (RemedyOffer("clean-crash-dumps", 2, _ADMINISTRATOR, True, 30), ("disk-space-low", "disk-filling")),
    (RemedyOffer("set-dead-proxy-aside", 2, _ADMINISTRATOR, True, 2), ("proxy-setting-broken", "proxy-program-gone")),
    (RemedyOffer("limit-journal-size", 2, _ADMINISTRATOR, True, 2), ("disk-filling",)),
    (RemedyOffer("limit-crash-dumps", 2, _ADMINISTRATOR, True, 2), ("program-crashes",)),
    (RemedyOffer("disable-startup-item", 2, (), True, 2), ("startup-items-changed", "boot-slow")),
    (RemedyOffer("restart-failed-service", 2, _ADMINISTRATOR, False, 10), ("service-failed",)),
    (RemedyOffer("stop-restart-loop", 2, _ADMINISTRATOR, True, 10), ("service-restart-loop",)),
    (
        RemedyOffer("end-program", 2, (), False, 12),
        ("process-cpu-hog", "process-memory-leak", "process-open-files-high"),
    ),
    (RemedyOffer("arm-timer", 2, _ADMINISTRATOR, True, 10), ("timer-not-armed",)),
    (RemedyOffer("flush-dns-cache", 1, (), False, 10), ("dns-slow", "dns-not-answering")),
    (RemedyOffer("renew-address", 1, (), False, 10), ("link-without-address",)),
    (RemedyOffer("reconnect-interface", 2, (), True, 30), ("link-without-address",)),
    (RemedyOffer("resync-clock", 1, _ADMINISTRATOR, False, 10), ("clock-wrong",)),
    (RemedyOffer("keep-clock-right", 2, _ADMINISTRATOR, True, 10), ("clock-not-kept",)),
    (RemedyOffer("enable-firewall", 2, _ADMINISTRATOR, True, 10), ("firewall-off",)),
    (RemedyOffer("resume-printer", 2, (), True, 10), ("print-jobs-stuck",)),
    (RemedyOffer("restart-print-spooler", 2, _ADMINISTRATOR, False, 10), ("print-jobs-stuck",)),
    (RemedyOffer("clear-print-queue", 2, (), False, 10), ("print-jobs-stuck",)),
    (RemedyOffer("finish-package-setup", 2, _ADMINISTRATOR, False, 120), ("packages-half-installed",)),
    (RemedyOffer("look-for-updates", 1, _ADMINISTRATOR, False, 60), ("updates-not-looked-for",)),
    (RemedyOffer("update-virus-signatures", 1, _ADMINISTRATOR, False, 120), ("antivirus-signatures-old",)),
    (RemedyOffer("plan-restart", 3, ("administrator", "restart"), True, 10), ("restart-pending",)),
)


# Counterparts of the same name, written after manuals and proven on no such machine: nothing there goes without asking,
# whatever its risk is on Linux.
_UNPROVEN_RISK = 2
ELSEWHERE: Mapping[Platform, frozenset[str]] = {
    Platform.WINDOWS: frozenset(
        (
            "restart-failed-service",
            "flush-dns-cache",
            "renew-address",
            "resync-clock",
            "restart-print-spooler",
            "update-virus-signatures",
        )
    ),
    Platform.MACOS: frozenset(
        (
            "clean-user-cache",
            "flush-dns-cache",
            "renew-address",
            "resync-clock",
            "enable-firewall",
            "resume-printer",
            "restart-print-spooler",
            "clear-print-queue",
        )
    ),
}

# What each cleaning of the disk frees lies here; on other disks it would help nothing.
_HOMES = ("/", "/home", "/System/Volumes/Data")
_SYSTEM = ("/", "/var", "/var/log", "/var/cache")
_IN_HOMES = frozenset(("clean-user-cache", "clean-small-cache-files", "empty-trash"))
_IN_SYSTEM = frozenset(
    (
        "clean-temporary-files",
        "clean-rotated-logs",
        "clean-old-journal",
        "clean-package-cache",
        "clean-crash-dumps",
        "limit-journal-size",
    )
)


def _by_code() -> Mapping[str, tuple[RemedyOffer, ...]]:
    found: dict[str, tuple[RemedyOffer, ...]] = {}
    for offer, codes in _TABLE:
        for code in codes:
            found[code] = (*found.get(code, ()), offer)
    return found


OFFERS: Mapping[str, tuple[RemedyOffer, ...]] = _by_code()


def with_offers(finding: Finding, platform: Platform = Platform.LINUX) -> Finding:
    """The finding with every remedy of the catalogue that may help on this system; those that the check itself named
    stay first, and go where this system has no such remedy."""
    named = {offer.id for offer in finding.remedies}
    more = tuple(
        offer
        for offer in OFFERS.get(finding.code, ())
        if offer.id not in named and _is_there(offer.id, finding.instance)
    )
    offered = tuple(here for offer in (*finding.remedies, *more) if (here := _on(platform, offer)) is not None)
    return finding if offered == finding.remedies else replace(finding, remedies=offered)


def _on(platform: Platform, offer: RemedyOffer) -> RemedyOffer | None:
    if platform is Platform.LINUX:
        return offer
    return replace(offer, risk=max(offer.risk, _UNPROVEN_RISK)) if offer.id in ELSEWHERE[platform] else None


def _is_there(remedy: str, instance: str) -> bool:
    kind, _, mount = instance.partition(":")
    if kind != "disk":
        return True
    if remedy in _IN_HOMES:
        return mount in _HOMES or mount.startswith(("/home/", "C:"))
    return remedy not in _IN_SYSTEM or mount in _SYSTEM
