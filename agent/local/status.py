"""What `status` says: one honest picture of the service, for people, scripts and the page."""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.clocks import Clocks, SystemClocks
from agent.identity.identity import Identity
from agent.identity.trust_store import TrustStore
from agent.link.link import Link
from agent.link.outbox import Outbox
from agent.local.verbs import NoArguments, Peer, Verb
from agent.paths import StateFolder
from agent.watch.watch import Watch
from protocol.errors import ProtocolError
from protocol.statements import parse_payload
from protocol.trust import PUBLISHED


def process_numbers() -> dict[str, object]:
    """What this process uses: resident bytes and processor seconds since it started."""
    times = os.times()
    return {"pid": os.getpid(), "rss_bytes": resident_bytes(), "cpu_s": round(times.user + times.system, 3)}


def resident_bytes() -> int:
    if sys.platform == "linux":
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    import psutil  # 3 MB that the idle service on Linux does without

    return int(psutil.Process().memory_info().rss)


def membership(identity: Identity, trust: TrustStore, clocks: Clocks) -> dict[str, object]:
    """Whom this device answers to, and whether they have approved it."""
    certificate = trust.device_certificate
    valid, reason = False, ""
    if trust.certificate is not None:
        try:
            trust.trust.device(trust.certificate, clocks.wall())
            valid = True
        except ProtocolError as error:
            reason = error.what
    now = clocks.wall()
    recipients = trust.trust.recipients(now)
    return {
        "device": identity.device,
        "organisation": identity.organisation,
        "origin": identity.origin,
        "customer": identity.customer_hint if certificate is None else certificate.customer,
        "approved": valid,
        "approval": reason or ("approved" if valid else "waiting for the organisation to approve this device"),
        "recipients": [recipient.name for recipient in recipients.recipients] if recipients else [],
        "revocations_fresh": trust.trust.revocations_fresh(now),
        "root": trust.trust.root_hash.hex(),
        "rotations": trust.trust.rotation_sequence,
        "documents": {name: floor.version for name, floor in sorted(trust.trust.floors.items())},
        "issued_at": _issued_at(trust),
    }


def _issued_at(trust: TrustStore) -> dict[str, int]:
    """When each published document that is kept was issued. They were verified when they were accepted."""
    models = {name.payload_type: model for name, model in PUBLISHED.items()}
    return {
        name: parse_payload(document.statement, models[document.statement.payloadType]).issued_at
        for name, document in sorted(trust.trust.documents.items())
    }


@dataclass(frozen=True)
class MemberParts:
    """What `status` reads of an enrolled agent."""

    identity: Identity
    trust: TrustStore
    link: Link
    outbox: Outbox
    uploads: Callable[[], Sequence[object]]


class StatusVerbs:
    """`restart`: rebuild the service from the state folder, once nothing important is going on."""

    def __init__(
        self,
        folder: StateFolder,
        watch: Watch,
        clocks: SystemClocks,
        *,
        restart: Callable[[], None],
        member: MemberParts | None,
    ) -> None:
        self._folder = folder
        self._watch = watch
        self._clocks = clocks
        self._restart = restart
        self._member = member

    def all(self) -> tuple[Verb[Any], ...]:
        return (
            Verb("status", NoArguments, self.status),
            Verb("outbox", NoArguments, self.outbox),
            Verb("dead-letters", NoArguments, self.dead_letters),
            Verb("may-enrol", NoArguments, self.may_enrol, administrator=True, refused_to_sessions=True),
            Verb("enrolled", NoArguments, self.enrolled, administrator=True, refused_to_sessions=True),
            Verb("confirm-clock", NoArguments, self.confirm_clock, administrator=True, refused_to_sessions=True),
        )

    async def status(self, _: NoArguments, peer: Peer) -> object:
        member = self._member
        return {
            "state": str(self._folder.root),
            "mode": self._folder.mode.value,
            "process": process_numbers(),
            "clock_held_back_s": self._clocks.held_back_s,
            "enrolled": member is not None,
            "membership": None if member is None else membership(member.identity, member.trust, self._clocks),
            "link": None if member is None else member.link.view(),
            "outbox": None if member is None else member.outbox.numbers(),
            "uploads": [] if member is None else member.uploads(),
            "alarms": [] if member is None else member.trust.alarms(),
            "health": {
                "looked_at": self._watch.last_look_at,
                "trouble": self._watch.trouble,
                "waiting": dict(self._watch.waiting),
                "visible": [
                    {
                        "fingerprint": entry.finding.fingerprint,
                        "code": entry.finding.code,
                        "severity": entry.finding.severity.value,
                        "title": entry.words["en"].title,
                    }
                    for entry in self._watch.store.visible()
                ],
                "checks": self._watch.store.check_runs(),
            },
        }

    async def outbox(self, _: NoArguments, peer: Peer) -> object:
        return None if self._member is None else self._member.outbox.numbers()

    async def dead_letters(self, _: NoArguments, peer: Peer) -> object:
        return {"dead_letters": [] if self._member is None else self._member.outbox.dead_letters()}

    async def may_enrol(self, _: NoArguments, peer: Peer) -> object:
        """Asked before keys or enrolment are replaced: who may not hears so, and nothing was touched."""
        return {"enrolled": self._member is not None}

    async def enrolled(self, _: NoArguments, peer: Peer) -> object:
        self._restart()
        return {"restarting": True}

    async def confirm_clock(self, _: NoArguments, peer: Peer) -> object:
        """A person at the machine says that its clock is right: a second source."""
        before = self._clocks.held_back_s
        self._clocks.confirm(self._clocks.raw_wall())
        return {"was_held_back_s": before, "clock_held_back_s": self._clocks.held_back_s}
