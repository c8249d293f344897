"""The door: everything through which a technician comes in, put together. Consent, visits, books, receipts, witness.

Built once for an enrolled agent. Reads from top to bottom in the order of a visit: what is believed about the log,
what is written down, who is asked, who comes in.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from agent.clocks import Clocks
from agent.consent.abuse_verbs import AbuseVerbs
from agent.consent.codes import CodeVerbs
from agent.consent.freeze import Freeze
from agent.consent.gate import ConsentGate
from agent.consent.policy_verbs import PolicyVerbs
from agent.consent.surfaces import Surfaces
from agent.consent.tables import PromptStore
from agent.consent.unattended import Policies
from agent.consent.verbs import ConsentVerbs
from agent.event_log import EventLog
from agent.identity.identity import Identity
from agent.identity.owner_key import OwnerKey
from agent.identity.trust_store import AlarmKind, TrustStore
from agent.link.link import Link
from agent.link.outbox import Outbox
from agent.local.verbs import Verb
from agent.paths import Mode, StateFolder
from agent.proofs.books import Books
from agent.proofs.journal_store import JournalStore
from agent.proofs.receipts import Receipts
from agent.proofs.seal import seal_to_organisation
from agent.proofs.transcript import transcript
from agent.proofs.verbs import ReceiptVerbs
from agent.proofs.witness import Witness
from agent.refusal import Refusal
from agent.session.actions.service_bench import ServiceBench
from agent.session.change_order import change_by_worker
from agent.session.chat import Chat
from agent.session.doers import Doers
from agent.session.grants_store import GrantsStore
from agent.session.host_process import SessionHost, mark_of
from agent.session.own_settings import OwnSettings
from agent.session.own_side import OwnSide
from agent.session.questions import Questions
from agent.session.verbs import SessionVerbs
from agent.session.visit import VisitParts
from agent.session.visits import Visits
from agent.store.database import Database
from agent.store.kept_values import KeptValues
from agent.tickets.store import TicketStore
from agent.watch.finding_store import FindingStore
from protocol.actions.scopes import Scope
from protocol.messages.documents import NewCheckpoint
from protocol.messages.login import Welcome
from protocol.messages.sessions import SessionOffer

#: Arguments and names behind the journal's commitments: long enough to settle a dispute, not for ever.
VALUES_KEPT_S: Final = 365 * 86_400


class Door:
    def __init__(
        self,
        database: Database,
        identity: Identity,
        trust: TrustStore,
        link: Link,
        outbox: Outbox,
        tickets: TicketStore,
        clocks: Clocks,
        *,
        state: Path,
        settings: OwnSettings,
        log: EventLog,
    ) -> None:
        self._identity, self._trust, self._clocks = identity, trust, clocks
        self._link, self._outbox, self._tickets, self._log = link, outbox, tickets, log
        self._settings = settings

        self.witness = Witness(
            database,
            clocks,
            log=lambda: identity.log_verifier,
            key=identity.witness,
            link=link,
            alarm=lambda what, expected, got: trust.raise_alarm(AlarmKind.SPLIT_VIEW, what, expected, got),
        )
        link.on(NewCheckpoint, self.witness.heard)
        link.on(Welcome, self._welcomed)

        self.books = Books(database, JournalStore(database), GrantsStore(database), link, clocks, identity.device)
        self.receipts = Receipts(
            database,
            self.books,
            identity.signing,
            clocks,
            seal=lambda data: seal_to_organisation(data, trust, clocks.wall()),
            enqueue=link.enqueue,
            case_of=self._case_of,
            transcript=lambda proof: transcript(proof, self.books.journal, self.chat.of),
        )

        self.freeze = Freeze(database, clocks)
        self.policies = Policies(
            database,
            OwnerKey(StateFolder(state, Mode.USER).identity),
            clocks,
            device=identity.device,
            root=lambda: trust.trust.root_hash,
            said_no_at=self._said_no_at,
        )
        self.gate = ConsentGate(
            PromptStore(database),
            clocks,
            local_act_age_s=self._local_act_age_s,
            is_frozen=lambda: self.freeze.on,
            policies=self.policies,
        )
        self.gate.when_asked(Surfaces(state, log=log).asked)

        parts = VisitParts(
            clocks=clocks,
            trust=trust,
            gate=self.gate,
            books=self.books,
            receipts=self.receipts,
            witness=self.witness,
            link=link,
            make_host=lambda heard, lost: Doers(
                SessionHost(identity.secret, heard, lost, mark=mark_of(state), keep_out=state, settings=settings.now()),
                self.bench,
                heard,
            ),
            log=log,
        )
        self.visits = Visits(parts, tickets, own=self._own_side, origin=identity.origin, send=link.send)
        settings.when_disabled = self._terminal_disabled
        link.on(SessionOffer, self.visits.offered)

        self.questions = Questions(clocks, log=log)
        self.chat = Chat(database, clocks, visit=self.visits.in_force)
        self.bench = ServiceBench(
            clocks,
            visit=self.visits.in_force,
            questions=self.questions,
            chat=self.chat,
            findings=FindingStore(database),
            change=change_by_worker,
            revocations_fresh=lambda: trust.trust.revocations_fresh(clocks.wall()),
        )
        self._kept = KeptValues(database)

    def verbs(self) -> tuple[Verb[Any], ...]:
        return (
            *ConsentVerbs(self.gate, self._clocks).verbs(),
            *SessionVerbs(self.visits).verbs(),
            *self._settings.verbs(),
            *self.questions.verbs(),
            *self.chat.verbs(),
            *ReceiptVerbs(self.receipts, self.books.journal).verbs(),
            *AbuseVerbs(
                self.freeze,
                self.gate,
                self.visits,
                self._tickets,
                self.receipts,
                self.books.journal,
                device=self._identity.device,
            ).verbs(),
            *CodeVerbs(self._tickets, self._link, self.freeze).verbs(),
            *PolicyVerbs(
                self.policies,
                self.receipts,
                self._kept,
                self._clocks,
                end_unattended=self.visits.stop_unattended,
            ).verbs(),
        )

    def _terminal_disabled(self) -> None:
        """An administrator has taken it back: a visit that was given one loses it, and what runs in it ends."""
        for visit in self.visits.current():
            allowed = [Scope(scope) for scope in visit.scopes]
            if Scope.TERMINAL in allowed:
                self.visits.narrow([scope for scope in allowed if scope is not Scope.TERMINAL])

    def trust_changed(self) -> None:
        """Something newer of the organisation was accepted: a visitor may be revoked, recipients may be there."""
        self.visits.trust_changed()

    def session_hosts(self) -> Sequence[int]:
        return self.visits.host_pids()

    @property
    def busy(self) -> bool:
        return self.visits.busy

    async def run(self) -> None:
        """Hand over what a crash left waiting, then look after the visits until cancelled."""
        try:
            self._pick_up()
        except Refusal as error:
            # A full disk: nothing was promised, and the next start picks it up.
            self._log.warning("left-for-the-next-start", reason=error.what)
        await self.visits.run()

    def _pick_up(self) -> None:
        self.books.journal.erase_values(self._clocks.wall() - VALUES_KEPT_S)
        for item in self.books.waiting():
            if not self._outbox.holds(item.id):
                self._link.enqueue(item)
            self.books.taken(item.id)

    def _own_side(self) -> OwnSide:
        certificate = self._trust.device_certificate
        return OwnSide(
            device=self._identity.device,
            signing=self._identity.signing,
            noise=self._identity.noise,
            certificate=self._trust.certificate,
            customer=self._identity.customer_hint if certificate is None else certificate.customer,
            checkpoint=self.witness.newest(),
            not_served=self._settings.not_served(),
        )

    def _local_act_age_s(self) -> float | None:
        """Nothing said before, or in, a report of abuse invites anybody."""
        at, reported = self._tickets.last_local_act_at(), self.freeze.reported_boot_s
        if at is None or (reported is not None and at <= reported):
            return None
        return self._clocks.boot() - at

    def _said_no_at(self) -> int | None:
        """When somebody here last said no to a question, stopped a visit or allowed less."""
        said = (self.gate.said_no_at(), self.books.grants.person_had_a_say_at())
        return max((at for at in said if at is not None), default=None)

    def _case_of(self, ticket: str) -> str | None:
        found = self._tickets.get(ticket)
        return None if found is None else found.case

    async def _welcomed(self, welcome: Welcome) -> None:
        """The newest checkpoint comes with the welcome; the proof it needs is fetched."""
        if welcome.checkpoint:
            await self.witness.heard(NewCheckpoint(note=welcome.checkpoint, from_size=0, consistency=()))
