"""Following the organisation: what the link brings is shown to the trust store, which decides.

    welcome {versions} ──► fetch-documents {what we have} ──► documents, one by one through TrustStore.accept
    certified ──► TrustStore.accept_certificate

One bad document does not stop the others; each refusal is logged, rollbacks and forks are kept as alarms.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from agent.event_log import EventLog
from agent.identity.trust_store import TrustStore
from agent.link.link import Link
from protocol.certificates import Chain
from protocol.errors import ProtocolError
from protocol.messages.documents import Documents, FetchDocuments
from protocol.messages.login import Certified, Welcome
from protocol.trust import documents_version

# Five kinds of documents and a few rotations: a server that says `more` for longer is playing.
_ROUNDS_MAX: Final = 8


class Following:
    """Registers itself on the link. `changed` is awaited after anything new was accepted."""

    def __init__(self, trust: TrustStore, link: Link, *, log: EventLog, changed: Callable[[], Awaitable[None]]) -> None:
        self._trust = trust
        self._link = link
        self._log = log
        self._changed = changed
        self._rounds = 0
        link.on(Welcome, self.welcomed)
        link.on(Certified, self.certified)
        link.on(Documents, self.documents)

    async def welcomed(self, welcome: Welcome) -> None:
        self._rounds = 0
        if welcome.certificate is not None:
            await self._take_certificate(welcome.certificate)
        self._fetch()

    async def certified(self, message: Certified) -> None:
        await self._take_certificate(message.certificate)
        # What could not be verified for want of a clock or a root may be now.
        self._fetch()

    async def documents(self, message: Documents) -> None:
        news = False
        for envelope in message.rotations:
            try:
                news |= self._trust.accept_rotation(envelope)
            except ProtocolError as error:
                self._log.warning("rotation-refused", reason=str(error))
        for document in message.documents:
            try:
                news |= self._trust.accept(document)
            except ProtocolError as error:
                self._log.warning("document-refused", reason=str(error))
        if news:
            await self._changed()
        if message.more and news and self._rounds < _ROUNDS_MAX:
            self._rounds += 1
            self._fetch()

    def _fetch(self) -> None:
        # A floor without its document (a fresh device, a damaged disk) asks for that version again.
        trust = self._trust.trust
        have = {name: version for name, version in documents_version(trust).items() if name in trust.documents}
        self._link.send(FetchDocuments(have=have))

    async def _take_certificate(self, chain: Chain) -> None:
        try:
            before = self._trust.certificate
            self._trust.accept_certificate(chain)
        except ProtocolError as error:
            self._log.warning("certificate-refused", reason=str(error))
            return
        if before != self._trust.certificate:
            await self._changed()
