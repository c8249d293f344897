"""Following the organisation: what the link brings is shown to the trust store, which decides.

    welcome {certificate} ──► fetch-documents {what we have, our root} ──► documents {rotations, documents}
        rotations first, one after the other; then what the root itself signed; then the rest, through TrustStore.accept
    large-documents ──► fetched in parts (large_documents.py) ──► TrustStore.accept
    certified ──► TrustStore.accept_certificate

A certificate that does not hold yet (its root, its issuer or the time is not known here) is tried again after every
piece of news. One bad document does not stop the others; each refusal is logged, rollbacks and forks kept as alarms.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from agent.event_log import EventLog
from agent.identity.large_documents import Fetching
from agent.identity.trust_store import TrustStore
from agent.link.link import Link
from protocol.certificates import Chain, Document
from protocol.errors import ProtocolError
from protocol.messages.documents import DocumentPart, Documents, FetchDocuments, LargeDocuments
from protocol.messages.login import Certified, Welcome
from protocol.trust import documents_version

# Five kinds of documents and a year's rotations: a server that says `more` for longer is playing.
_ROUNDS_MAX: Final = 8


class Following:
    """Registers itself on the link. `changed` is awaited after anything new was accepted."""

    def __init__(self, trust: TrustStore, link: Link, *, log: EventLog, changed: Callable[[], Awaitable[None]]) -> None:
        self._trust = trust
        self._link = link
        self._log = log
        self._changed = changed
        self._rounds = 0
        self._waiting_certificate: Chain | None = None
        self._large = Fetching(link.send, log=log)
        link.root_now = lambda: trust.trust.root_hash
        link.on(Welcome, self.welcomed)
        link.on(Certified, self.certified)
        link.on(Documents, self.documents)
        link.on(LargeDocuments, self.offered)
        link.on(DocumentPart, self.part)

    async def welcomed(self, welcome: Welcome) -> None:
        self._rounds = 0
        self._large.connected_anew()
        if welcome.certificate is not None and self._take_certificate(welcome.certificate):
            await self._changed()
        self._fetch()

    async def certified(self, message: Certified) -> None:
        if self._take_certificate(message.certificate):
            await self._changed()
        # What could not be verified for want of a clock or a root may be now.
        self._fetch()

    async def documents(self, message: Documents) -> None:
        news = False
        for envelope in message.rotations:
            try:
                news |= self._trust.accept_rotation(envelope)
            except ProtocolError as error:
                self._log.warning("rotation-refused", reason=str(error))
        for document in sorted(message.documents, key=lambda each: each.issuer is not None):
            news |= self._accept(document)
        if not news:
            return
        await self._told()
        if message.more and self._rounds >= _ROUNDS_MAX:
            return
        self._rounds += message.more
        self._fetch()

    async def offered(self, message: LargeDocuments) -> None:
        self._large.offered(message, self._versions())

    async def part(self, message: DocumentPart) -> None:
        document = self._large.part(message)
        if document is not None and self._accept(document):
            await self._told()
            self._fetch()

    def _accept(self, document: Document) -> bool:
        try:
            return self._trust.accept(document)
        except ProtocolError as error:
            self._log.warning("document-refused", reason=str(error))
            return False

    async def _told(self) -> None:
        """Something is believed that was not before: a certificate that waited may hold now."""
        if self._waiting_certificate is not None:
            self._take_certificate(self._waiting_certificate)
        await self._changed()

    def _fetch(self) -> None:
        """Say what we have, so that the server sends what is newer, and the organisation sees who follows."""
        self._link.send(FetchDocuments(have=self._versions(), root=self._trust.trust.root_hash))

    def _versions(self) -> dict[str, int]:
        # A floor without its document (a fresh device, a damaged disk) asks for that version again.
        trust = self._trust.trust
        return {name: version for name, version in documents_version(trust).items() if name in trust.documents}

    def _take_certificate(self, chain: Chain) -> bool:
        """True when it is a new one. One that does not hold is kept in memory until there is news."""
        before = self._trust.certificate
        try:
            self._trust.accept_certificate(chain)
        except ProtocolError as error:
            if chain != self._waiting_certificate:
                self._log.warning("certificate-refused", reason=str(error))
            self._waiting_certificate = chain
            return False
        self._waiting_certificate = None
        return before != self._trust.certificate
