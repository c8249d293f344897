"""Check 45: is a firewall on, and is the disk of a machine that is carried around encrypted?

A machine with a battery gets lost; one without mostly does not. Both are the owner's choice: a word, no alarm.
"""

from __future__ import annotations

from diagnostics.checks.contract import CheckSpec, Context, Outcome, Seen, evidence, raised, rule
from diagnostics.collectors.contract import ALL_PLATFORMS, Cost
from diagnostics.collectors.protection import PROTECTION
from diagnostics.collectors.sensors import BATTERIES
from diagnostics.findings import Finding, Severity
from diagnostics.machine.interface import Unreadable
from diagnostics.system_observations import Protection
from diagnostics.wording import Words

OPEN, PLAIN = "firewall-off", "disk-not-encrypted"


def check_protection(protection: Protection, *, carried: bool, context: Context) -> Outcome:
    findings: list[Finding] = []

    def add(code: str, instance: str, source: str, shown: str) -> None:
        proof = (evidence(source, instance, shown),)
        findings.append(raised(code, instance, Severity.INFO, rule=SPEC.rule, now=context.now, facts={}, proof=proof))

    if protection.firewall == "":
        add(OPEN, "firewall", "systemctl", "no firewall that we know filters what comes in")
    if carried and protection.disk_encrypted is False:
        add(PLAIN, "disk:/", "lsblk", "nothing encrypts the disk the system lies on")
    return Outcome(tuple(findings))


def _judge(seen: Seen, context: Context) -> Outcome:
    try:
        carried = bool(seen.of(BATTERIES).batteries)
    except Unreadable:
        carried = False
    return check_protection(seen.of(PROTECTION), carried=carried, context=context)


_NO_HURRY = "a day: it is a setting, and its owner may be changing it"

SPEC = CheckSpec(
    id="protection",
    number=45,
    version=1,
    title="Firewall and encryption",
    needs=(PROTECTION,),
    wishes=(BATTERIES,),
    judge=_judge,
    codes={
        OPEN: rule(
            Words(
                "No firewall is on",
                "No firewall that Bellpull knows is switched on. In foreign networks others can reach every service of "
                "this computer.",
            ),
            Words(
                "Брандмауэр выключен",
                "Ни один известный Bellpull брандмауэр не включён. В чужих сетях другие могут обращаться ко всем "
                "службам этого компьютера.",
            ),
            after_s=86_400,
            looks=2,
            why=_NO_HURRY,
        ),
        PLAIN: rule(
            Words(
                "The disk of this laptop is not encrypted",
                "Whoever finds or takes this computer can read everything on it. Encryption is set up when the system "
                "is installed; ask before you travel.",
            ),
            Words(
                "Диск ноутбука не зашифрован",
                "Тот, кто найдёт или заберёт этот компьютер, сможет прочитать на нём всё. Шифрование включают при "
                "установке системы; спросите об этом до поездки.",
            ),
            after_s=86_400,
            looks=2,
            why=_NO_HURRY,
        ),
    },
    interval_s=86_400,
    cost=Cost.MODERATE,
    timeout_s=15,
    platforms=ALL_PLATFORMS,
)
