"""How a visit ends, whatever ends it: refused before a grant, or under one, with exactly one receipt. Pure.

The first end counts: kill, then write, then tell. `EndingSteps` holds what all the steps of a visit share; how a visit
comes to its grant, what happens under it and how it goes on after a lost connection is steps.py.
"""

from typing import Final

from agent.session.actions_in_force import ActionsInForce
from agent.session.arrival import HandOver, Visitor
from agent.session.device_words import the_change
from agent.session.doorstep import Doorstep
from agent.session.effects import (
    BookChange,
    BooksClosed,
    CloseBooks,
    Effect,
    HandOverSettled,
    HangUp,
    KillHost,
    Moment,
    ReceiptMade,
    WithdrawQuestion,
)
from agent.session.farewell import END_EVENTS, REFUSAL_OF_END, Farewell, pieces
from agent.session.own_side import OwnSide
from agent.session.pause import Pauses
from protocol import strict_json
from protocol.channel import FRAME_PAYLOAD_MAX_BYTES, FrameType
from protocol.errors import ProtocolError, RemoteProtocolError
from protocol.grants import ChangeKind, EndedBy
from protocol.limits import RESUME_WINDOW_S
from protocol.session_rules import GrantState
from protocol.session_state import SessionEvent, SessionState, next_state
from protocol.statements import VerifyKey
from protocol.trust import Trust
from protocol.visit import Changed, NotGranted, Notice, RefusalReason, SessionClosing

#: How long the receipt waits for the technician's countersignature.
COUNTERSIGN_WAIT_S: Final = 3


class EndingSteps:
    """The state of one visit, and its ends."""

    def __init__(self, own: OwnSide, trust: Trust, door: Doorstep, moment: Moment) -> None:
        self.state = next_state(SessionState.REQUESTED, SessionEvent.PAIRED)
        self.visitor: Visitor | None = None
        self.grant: GrantState | None = None
        self.ended_by: EndedBy | None = None
        self.refused: RefusalReason | None = None
        self._own = own
        self._trust = trust
        self._door = door
        self._actions: ActionsInForce | None = None
        self._handed_over = False
        self._ends_boot_s = 0.0
        self._slept_before_s = moment.boot_s - moment.mono_s
        self._deadline_s: float | None = None
        self._pauses = Pauses()
        self._may_go_on = False  # the one who came back is proven, and the views of the log fit
        self._opened_successor = False  # a successor grant is in the books and was not handed over yet
        self._proof_before = b""  # of the grant before, to be told ahead of its successor
        self._heir = ""
        self._heir_until_boot_s = 0.0
        self._farewell = Farewell()
        self.why = ""

    # --- the end ---------------------------------------------------------------------------------------------

    def _closing(self, payload: bytes, moment: Moment) -> list[Effect]:
        said = strict_json.parse(payload, SessionClosing, what="session close", max_bytes=FRAME_PAYLOAD_MAX_BYTES)
        match said.step:
            case "end":
                return self._end(EndedBy.TECHNICIAN, said.reason, moment)
            case "countersign":
                return self._countersigned(said)
            case "hand-over" if said.to is not None:
                return self._name_the_next(said.to, moment)
            case _:
                raise RemoteProtocolError(
                    "a technician sent the journal's root", expected="end, countersign or hand-over"
                )

    # --- a hand-over -----------------------------------------------------------------------------------------

    def _name_the_next(self, heir: str, moment: Moment) -> list[Effect]:
        """Nothing changes yet: the one who is named has to come, to prove it, and to be let in by the customer."""
        if self.state is SessionState.ACTIVE:
            self._heir, self._heir_until_boot_s = heir, moment.boot_s + RESUME_WINDOW_S
            self._notice("hand-over-waits", heir)
        return []

    def hands_over_to(self, moment: Moment) -> str:
        """Whom the technician has named as the next, for some minutes; empty: nobody."""
        return self._heir if moment.boot_s <= self._heir_until_boot_s and self.grant is not None else ""

    def hand_over(self, moment: Moment) -> HandOver | None:
        heir = self.hands_over_to(moment)
        return HandOver(self.visitor.technician.body.name, heir) if heir and self.visitor is not None else None

    def _hand_over_settled(self, event: HandOverSettled, moment: Moment) -> list[Effect]:
        heir, self._heir = self._heir, ""
        if not event.taken:
            self._notice("hand-over-refused", heir)
            return []
        self._notice("handed-over", heir)
        return self._end(EndedBy.TECHNICIAN, "the visit was handed over", moment)

    def _notice(self, kind: str, text: str) -> None:
        if self._handed_over:
            self._door.say(FrameType.NOTICE, Notice(kind=kind, text=text))

    def _countersigned(self, said: SessionClosing) -> list[Effect]:
        if self.grant is None or self.visitor is None:
            return []
        key = VerifyKey(self.visitor.technician.body.signing_key)
        return self._farewell.countersigned(said, self.grant.grant.hash, key)

    def _end(self, by: EndedBy, why: str, moment: Moment) -> list[Effect]:
        """The first end counts. Kill first, then write, then tell."""
        if self.state in (SessionState.STOPPING, SessionState.ENDED):
            return self._farewell.receipt() if self._door.gone else []
        self.ended_by, self.why = by, why
        if self.state is SessionState.PAUSED:
            self._door.say(FrameType.REFUSED, NotGranted(reason=RefusalReason.NOT_RESUMED))
        elif self.state in (SessionState.VERIFIED, SessionState.PROMPTED):
            self._door.say(FrameType.REFUSED, NotGranted(reason=REFUSAL_OF_END[by]))
        if self.grant is None:
            self.state = next_state(self.state, END_EVENTS[by])
            self._door.finish()
            withdraw: list[Effect] = [WithdrawQuestion()]
            return [KillHost(), *withdraw, HangUp(why)]
        if self.state is SessionState.PROMPTED:
            # The grant was signed but never handed over. It still gets its receipt, with nothing in it.
            self.state = next_state(self.state, SessionEvent.GRANTED)
        self.state = next_state(self.state, END_EVENTS[by])
        if self.state is SessionState.PAUSED:
            self.state = next_state(self.state, SessionEvent.NOT_RESUMED)
        effects: list[Effect] = [KillHost()]
        if self._actions:
            effects += self._actions.abandon(f"the session ended: {by.value}")
        self.grant = self.grant.ended(by)
        if by is EndedBy.CUSTOMER:
            effects.append(self._change(ChangeKind.STOPPED, moment))
        self._deadline_s = moment.mono_s + COUNTERSIGN_WAIT_S
        return [*effects, CloseBooks(by)]

    def _books_closed(self, event: BooksClosed, moment: Moment) -> list[Effect]:
        self._farewell.books_closed(event)
        if self._door.deaf or not self._handed_over:
            return self._farewell.receipt()
        self._deadline_s = moment.mono_s + COUNTERSIGN_WAIT_S
        by = self.ended_by.value if self.ended_by else ""
        self._door.say(
            FrameType.SESSION_CLOSE,
            SessionClosing(step="root", reason=by, journal_root=event.root, actions=event.actions),
        )
        return []

    def _receipt_made(self, event: ReceiptMade) -> list[Effect]:
        for piece in pieces(event.proof) if self._handed_over else ():
            self._door.say_bytes(FrameType.RECEIPT, piece)
        self.state = next_state(self.state, SessionEvent.RECEIPT_MADE)
        self._door.finish()
        return [HangUp(self.why)]

    def _refuse(self, reason: RefusalReason, why: str) -> list[Effect]:
        """Without a grant: say no inside the sealed channel, and go. A return is refused, and the visit waits on."""
        self._door.say(FrameType.REFUSED, NotGranted(reason=reason))
        self._door.finish()
        if self.state is SessionState.PAUSED:
            return self._hung_up(why)
        self.refused, self.why = reason, why
        unanswered = reason is RefusalReason.NO_ANSWER and self.state is SessionState.PROMPTED
        self.state = next_state(self.state, SessionEvent.UNANSWERED if unanswered else SessionEvent.REFUSED)
        return [KillHost(), WithdrawQuestion(), HangUp(why)]

    def _broken(self, error: ProtocolError, moment: Moment) -> list[Effect]:
        """Somebody broke the protocol: nothing is answered any more. Where a visit waits, it was not its technician."""
        self._door.gone = True
        if self.state is SessionState.PAUSED and not self._opened_successor:
            return self._hung_up(str(error))
        return self._end(EndedBy.PROTOCOL_ERROR, str(error), moment)

    def _change(self, kind: ChangeKind, moment: Moment) -> BookChange:
        """Sign what the customer changed and tell the technician; the effect books it."""
        assert self.grant is not None  # noqa: S101 - only ever under a grant
        change = the_change(self.grant, self._own, kind, moment)
        if self._handed_over:
            self._door.say(FrameType.GRANT_CHANGE, Changed(change=change.envelope))
        return BookChange(change)

    def _hung_up(self, why: str) -> list[Effect]:
        """The door is closed behind whoever left; the visit waits."""
        self._may_go_on = False
        return [HangUp(why)]
