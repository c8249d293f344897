"""A document that fits no message, fetched in parts: one at a time, bounded, resumed after a cut.

    large-documents {name, version, sha256, size} ──► fetch-document-part {sha256, offset} ──► document-part … ──► whole

What is put together here is only bytes with the right hash: whether they are the organisation's word, the trust store
decides like for any other document. Parts that were not asked for, or lie elsewhere than asked, are dropped.
"""

from collections.abc import Callable, Mapping

from agent.event_log import EventLog
from protocol import strict_json
from protocol.certificates import Document
from protocol.errors import ProtocolError
from protocol.fields import sha256
from protocol.limits import DOCUMENT_MAX_BYTES
from protocol.messages.documents import DocumentPart, FetchDocumentPart, LargeDocument, LargeDocuments


class Fetching:
    """`send`: puts a message on the link, and drops it when there is none."""

    def __init__(self, send: Callable[[FetchDocumentPart], None], *, log: EventLog) -> None:
        self._send = send
        self._log = log
        self._wanted: list[LargeDocument] = []
        self._got = bytearray()
        self._asked = False

    def connected_anew(self) -> None:
        """What was asked for will not come; what came is kept, in case the same document is offered again."""
        self._asked = False

    def offered(self, message: LargeDocuments, have: Mapping[str, int]) -> None:
        """The newest offer counts. `have`: floor name → version of what is here."""
        wanted = [each for each in message.documents if each.version > have.get(each.name, 0)]
        if self._wanted and (not wanted or wanted[0].sha256 != self._wanted[0].sha256):
            self._got.clear()
            self._asked = False
        self._wanted = wanted
        self._ask()

    def part(self, message: DocumentPart) -> Document | None:
        """The document once it is whole; None before, and when it turned out to be something else."""
        if not self._asked or message.sha256 != self._wanted[0].sha256 or message.offset != len(self._got):
            return None
        self._asked = False
        self._got += message.data
        size = self._wanted[0].size_bytes
        if message.data and len(self._got) < size:
            self._ask()
            return None
        document = self._whole()
        self._got.clear()
        del self._wanted[0]
        self._ask()
        return document

    def _whole(self) -> Document | None:
        wanted, data = self._wanted[0], bytes(self._got)
        if len(data) != wanted.size_bytes or sha256(data) != wanted.sha256:
            self._log.warning(
                "document-refused", reason=f"{wanted.name} version {wanted.version} is not what was offered"
            )
            return None
        try:
            return strict_json.parse(data, Document, what=wanted.name, max_bytes=DOCUMENT_MAX_BYTES)
        except ProtocolError as error:
            self._log.warning("document-refused", reason=str(error))
            return None

    def _ask(self) -> None:
        if self._wanted and not self._asked:
            self._asked = True
            self._send(FetchDocumentPart(sha256=self._wanted[0].sha256, offset=len(self._got)))
