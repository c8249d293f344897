"""The end of a visit under a grant, from the last journal entry to the one receipt. Pure.

books closed ─► root to the technician ─► countersigned, or not in time, or nobody there ─► the receipt is made once
"""

from typing import Final

from agent.session.effects import BooksClosed, Effect, MakeReceipt
from protocol.channel import FRAME_PAYLOAD_MAX_BYTES
from protocol.grants import EndedBy, SessionClose
from protocol.session_state import SessionEvent
from protocol.statements import Envelope, VerifyKey, verify
from protocol.visit import RefusalReason, SessionClosing

#: How the state table of a session names each end.
END_EVENTS: Final[dict[EndedBy, SessionEvent]] = {
    EndedBy.CUSTOMER: SessionEvent.STOPPED,
    EndedBy.AGENT_STOPPED: SessionEvent.STOPPED,
    EndedBy.TECHNICIAN: SessionEvent.CLOSED,
    EndedBy.EXPIRED: SessionEvent.EXPIRED,
    EndedBy.REVOKED: SessionEvent.REVOKED,
    EndedBy.PROTOCOL_ERROR: SessionEvent.BROKEN,
    EndedBy.AUDIT_UNAVAILABLE: SessionEvent.BROKEN,
    EndedBy.CONNECTION_LOST: SessionEvent.CONNECTION_LOST,
}
#: What a technician hears whose visit ends before a grant was handed over.
REFUSAL_OF_END: Final[dict[EndedBy, RefusalReason]] = {
    EndedBy.CUSTOMER: RefusalReason.CUSTOMER,
    EndedBy.REVOKED: RefusalReason.NOT_CERTIFIED,
    EndedBy.AUDIT_UNAVAILABLE: RefusalReason.AUDIT_UNAVAILABLE,
    EndedBy.AGENT_STOPPED: RefusalReason.BUSY,
    EndedBy.TECHNICIAN: RefusalReason.NO_ANSWER,
    EndedBy.EXPIRED: RefusalReason.NO_ANSWER,
    EndedBy.CONNECTION_LOST: RefusalReason.NO_ANSWER,
    EndedBy.PROTOCOL_ERROR: RefusalReason.NOT_CERTIFIED,
}


class Farewell:
    """One for each grant. `receipt` may be called by everybody who no longer waits: it asks for it once."""

    def __init__(self) -> None:
        self._books: BooksClosed | None = None
        self._close: Envelope | None = None
        self._asked = False

    def books_closed(self, event: BooksClosed) -> None:
        self._books = event

    def countersigned(self, said: SessionClosing, grant: bytes, technician: VerifyKey) -> list[Effect]:
        """The technician's last signature. Over another journal it is no confirmation of this one, and is left out.

        Raises RemoteProtocolError when it is not their signature at all.
        """
        books = self._books
        if books is None or said.close is None or self._asked:
            return []  # too early or too late: the receipt is made without it
        close = verify(said.close, SessionClose, technician).body
        if (close.grant, close.journal_root, close.actions) == (grant, books.root, books.actions):
            self._close = said.close
        return self.receipt()

    def receipt(self) -> list[Effect]:
        """Make the receipt now, once there is a root to put into it."""
        if self._asked or self._books is None:
            return []
        self._asked = True
        return [MakeReceipt(self._close)]


def pieces(proof: bytes) -> list[bytes]:
    """The proof file as payloads of RECEIPT frames; the last one is empty and ends it."""
    step = FRAME_PAYLOAD_MAX_BYTES
    return [*(proof[place : place + step] for place in range(0, len(proof), step)), b""]
