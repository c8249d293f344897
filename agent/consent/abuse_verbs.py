"""Local verbs of abuse: report it, list and take along what was reported, lift the freeze.

Reporting is refused to processes of a session: a technician must not be able to put words into the customer's mouth.
Lifting is for an administrator of the machine, and refused to them as well.
"""

import json
from typing import Annotated, Any

from pydantic import Field

from agent.consent.freeze import About, AbuseExport, AbuseReport, Freeze, report_value
from agent.consent.gate import ConsentGate
from agent.consent.verbs import user_name
from agent.local.verbs import NoArguments, Peer, Verb
from agent.proofs.journal_store import JournalStore
from agent.proofs.receipts import Receipts
from agent.refusal import Refusal
from agent.session.visits import Visits
from agent.tickets.store import TicketStore
from protocol import strict_json
from protocol.fields import Words
from protocol.limits import WORDS_MAX_CHARS
from protocol.strict_json import WireModel
from protocol.tickets import TicketOrigin


class ReportArguments(WireModel):
    """`grant`: the receipt it is about, in hex or its beginning; without it the visit that is going on, if any.

    `tell_desk`: the customer addresses these words to the desk. Nothing else of the report ever leaves.
    """

    words: Annotated[Words, Field(max_length=WORDS_MAX_CHARS)] = ""
    tell_desk: bool = False
    grant: Annotated[str, Field(pattern=r"^[0-9a-f]{4,64}$")] | None = None


class OneReport(WireModel):
    number: Annotated[int, Field(ge=1, le=1 << 53)]


class AbuseVerbs:
    def __init__(
        self,
        freeze: Freeze,
        gate: ConsentGate,
        visits: Visits,
        tickets: TicketStore,
        receipts: Receipts,
        journal: JournalStore,
        *,
        device: str,
    ) -> None:
        self._freeze = freeze
        self._gate = gate
        self._visits = visits
        self._tickets = tickets
        self._receipts = receipts
        self._journal = journal
        self._device = device

    def verbs(self) -> tuple[Verb[Any], ...]:
        return (
            Verb("abuse-report", ReportArguments, self._report, refused_to_sessions=True),
            Verb("abuse-list", NoArguments, self._list),
            Verb("abuse-export", OneReport, self._export, refused_to_sessions=True),
            Verb("abuse-lift", NoArguments, self._lift, administrator=True, refused_to_sessions=True),
        )

    async def _report(self, arguments: ReportArguments, peer: Peer) -> object:
        about = self._about(arguments.grant)
        report, ended = self._freeze.report(arguments.words, user_name(peer.uid), about, self._end_everything)
        told, problem = False, ""
        if arguments.tell_desk and arguments.words:
            try:
                self._tell_desk(arguments.words, report)
                told = True
            except Refusal as error:
                problem = error.what  # the door is shut and the report is kept: that stands
        return {**report_value(self._freeze.get(report.number)), "ended": ended, "told_desk": told, "problem": problem}

    def _end_everything(self) -> int:
        ended = self._visits.stop_all()
        self._gate.refuse_all()
        return ended

    def _about(self, grant: str | None) -> About:
        if grant is None:
            return self._visits.about() or About()
        found = [kept for kept in self._receipts.list() if kept.grant.hex().startswith(grant)]
        if len(found) != 1:
            raise Refusal(
                "there is no such receipt" if not found else "that names more than one receipt",
                expected="the id of one receipt",
                got=grant,
                hint="List them: bellpull-agent receipts",
            )
        receipt = found[0].receipt
        return About(receipt.technician, receipt.organisation, receipt.ticket, receipt.grant)

    def _tell_desk(self, words: str, report: AbuseReport) -> None:
        """As words on the ticket of the visit, or on a new one: the way on which all words to the desk travel."""
        ticket = None if report.ticket is None else self._tickets.get(report.ticket)
        if ticket is not None and ticket.is_open:
            self._tickets.say(ticket.ticket, words)
        else:
            self._tickets.open(origin=TicketOrigin.CUSTOMER, words=words)
        self._freeze.told_desk(report.number)

    async def _list(self, arguments: NoArguments, peer: Peer) -> object:
        """A process of a session learns whether it is frozen, and nothing that a customer wrote about a technician."""
        reports = [] if peer.in_session else self._freeze.list()
        return {"frozen": self._freeze.on, "reports": [report_value(report) for report in reports]}

    async def _export(self, arguments: OneReport, peer: Peer) -> object:
        report = self._freeze.get(arguments.number)
        proof = None if report.grant is None else self._receipts.proof(report.grant)
        journal = () if report.grant is None else self._journal.of_grant(report.grant)
        export = AbuseExport(
            device=self._device,
            **report_value(report),  # type: ignore[arg-type]  # the model checks each
            proof=None if proof is None else json.loads(proof),
            journal=tuple(json.loads(entry.to_bytes()) for entry in journal),
        )
        return {"number": report.number, "export": strict_json.dump(export).decode()}

    async def _lift(self, arguments: NoArguments, peer: Peer) -> object:
        return {"lifted": self._freeze.lift(user_name(peer.uid)), "frozen": self._freeze.on}
