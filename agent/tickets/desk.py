"""What the desk says about our tickets, as the link brings it: kept to be shown, trusted only where it is signed.

ticket-update   the server's word: state and the four facts
desk-text       the server's word: shown as "via the server, not verified"
signed-message  a technician's statement: shown with its author once certificate, device and ticket hold; it may ask
                for evidence, which the customer then looks at and sends, or does not
"""

from agent.clocks import Clocks
from agent.event_log import EventLog
from agent.identity.identity import Identity
from agent.identity.trust_store import TrustStore
from agent.link.link import Link
from agent.tickets.store import MessageKind, TicketStore
from protocol.errors import RemoteProtocolError
from protocol.messages.desk import DeskText, SignedMessage, TicketUpdate
from protocol.statements import VerifyKey, verify
from protocol.tickets import MessageStatement


class Desk:
    """Registers itself on the link."""

    def __init__(
        self,
        tickets: TicketStore,
        identity: Identity,
        trust: TrustStore,
        clocks: Clocks,
        link: Link,
        *,
        log: EventLog,
    ) -> None:
        self._tickets = tickets
        self._identity = identity
        self._trust = trust
        self._clocks = clocks
        self._log = log
        link.on(TicketUpdate, self.updated)
        link.on(DeskText, self.said)
        link.on(SignedMessage, self.signed)

    async def updated(self, update: TicketUpdate) -> None:
        if self._tickets.updated(update):
            self._log.info("ticket-updated", ticket=update.ticket, state=update.state.value)

    async def said(self, text: DeskText) -> None:
        key = b"desk " + str(text.at).encode() + b" " + text.text.encode()
        self._tickets.heard(text.ticket, MessageKind.UNVERIFIED, None, None, text.text, text.at, key)

    async def signed(self, message: SignedMessage) -> None:
        """RemoteProtocolError (logged by the link) when anything in it does not hold: then it is not shown at all."""
        technician = self._trust.trust.technician(message.chain, self._clocks.wall()).body
        said = verify(message.message, MessageStatement, VerifyKey(technician.signing_key))
        body = said.body
        for what, expected, got in (
            ("root", self._trust.trust.root_hash, body.root),
            ("device", self._identity.device, body.device),
            ("certificate", technician.serial, body.serial),
        ):
            if expected != got:
                raise RemoteProtocolError(f"a message that names another {what}", expected="our own", got="another")
        certificate = self._trust.device_certificate
        if certificate is not None and certificate.customer not in technician.customers:
            raise RemoteProtocolError(
                "a message from a technician of other customers", expected=certificate.customer, got=technician.name
            )
        new = self._tickets.heard(
            body.ticket, MessageKind.VERIFIED, technician.name, body.sequence, body.text, body.issued_at, said.hash
        )
        if new and body.asks_evidence:  # once: an old message that is shown again asks for nothing anew
            self._tickets.evidence_asked(body.ticket, technician.name, body.issued_at)
