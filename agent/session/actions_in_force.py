"""Actions under a grant: each opened stream is checked against it, booked, run, and its rows given back under credit.

    OPEN  (OpenAction)        check the signature, the chain, the scope, the time, the arguments
                              book it (on the disk) ─► only then run it
    DATA  ──► input           where the action takes some: counted, hashed, handed on; credit when its pipe took it
    DATA  ◄── rows or pieces  as far as the technician's program has given credit; the rest waits here, and an action
                              with a pipe of its own is held back (`action_stream.py`)
    CLOSE ◄── ActionResult    after the last row and after the journal's second entry

Refused (outside the scopes, unknown, bad arguments, time over): booked, answered, the session goes on. Replayed,
reordered or altered: `BrokenActionChain` goes up and the session ends. Pure: rows and ends come in as values.
"""

from collections.abc import Mapping
from typing import Final

from agent.session.action_stream import ActionStream
from agent.session.effects import (
    BookAction,
    BookActionEnd,
    Cancel,
    Effect,
    Finished,
    GiveInput,
    HoldBack,
    InputTaken,
    Moment,
    Rows,
    Run,
    Streamed,
)
from protocol import strict_json
from protocol.actions.catalogue import ARGUMENTS_MAX_BYTES
from protocol.actions.scopes import Scope
from protocol.actions.spec import ActionSpec
from protocol.channel import FrameType
from protocol.connection import Connection
from protocol.errors import RemoteProtocolError
from protocol.fields import sha256
from protocol.grants import ActionStatement
from protocol.journal import Outcome
from protocol.limits import FRAME_PAYLOAD_MAX_BYTES
from protocol.session_rules import GrantState, RefusedAction, check_action_chain, next_action, skip_action
from protocol.statements import Verified, VerifyKey, verify
from protocol.visit import ActionResult, Continued, Notice, OpenAction

# At one time: a person looks at one thing, a program at a few; each may hold 8 MiB of rows here.
RUNNING_MAX: Final = 4
#: Beside them, with a pipe of their own: terminals, followed logs, files. Each holds less than 1 MiB here.
STREAMING_MAX: Final = 8
#: From this risk on an action waits until the server's log has stored that it begins.
WAITS_FOR_LOG_RISK: Final = 2
#: Results kept that the technician may not have heard to the end: each at most one window beyond what waits.
WAITING_MAX: Final = 8
_DETAIL_MAX_CHARS: Final = 200


class ActionsInForce:
    """All actions of one visit that are not over. `connection` gets the frames; the effects go to the shell."""

    def __init__(
        self,
        connection: Connection,
        technician: VerifyKey,
        catalogue: Mapping[str, ActionSpec],
        *,
        before: "ActionsInForce | None" = None,
    ) -> None:
        self._connection = connection
        self._technician = technician
        self._catalogue = catalogue
        self._running: dict[int, ActionStream] = {}  # by number
        self._told: dict[int, ActionStream] = {}  # by stream: said to the end; the technician may not have heard it
        # By origin: what outlived a lost connection and was not taken up again yet.
        self._waiting: dict[tuple[bytes, int], ActionStream] = {} if before is None else before._waiting
        self._base = 0 if before is None else before._newest  # numbers used up by earlier grants of the visit
        self._newest: int = self._base
        self._cut = False
        self._took_input: set[int] = set()  # streams whose technician may not know yet that they are over

    @property
    def doing(self) -> tuple[ActionSpec, ...]:
        """What is running now, for the customer's page."""
        all_of_it = (*self._running.values(), *self._waiting.values())
        return tuple(running.spec for running in all_of_it if running.result is None)

    def open(
        self, state: GrantState, stream: int, payload: bytes, elapsed_s: float, moment: Moment
    ) -> tuple[GrantState, list[Effect]]:
        """A stream was opened. Raises RemoteProtocolError when the session must end."""
        said = strict_json.parse(payload, OpenAction, what="action", max_bytes=FRAME_PAYLOAD_MAX_BYTES)
        action = verify(said.action, ActionStatement, self._technician)
        arguments_hash = sha256(said.arguments)
        check_action_chain(state, action, arguments_hash)
        spec = self._catalogue.get(action.body.action)
        try:
            if spec is None:
                raise RefusedAction("this agent knows no such action", expected=", ".join(self._catalogue))
            following = next_action(state, action, spec.scope, arguments_hash, elapsed_s=elapsed_s, now=moment.wall)
            arguments = strict_json.parse(
                said.arguments, spec.arguments, what=f"arguments of {spec.name}", max_bytes=ARGUMENTS_MAX_BYTES
            )
            if said.continues is not None:
                return following, self._take_up(said.continues, action, stream, spec, said.arguments)
            self._refuse_too_many(spec)
        except RemoteProtocolError as refusal:
            return self._refuse(state, stream, action, spec, said.arguments, str(refusal))
        sequence = self._number(action)
        origin = (action.body.grant, action.body.sequence)
        self._running[sequence] = ActionStream(sequence, stream, spec, said.arguments, origin=origin)
        if spec.input:
            self._took_input.add(stream)
        risk = spec.risk_of(arguments)
        waits = risk >= WAITS_FOR_LOG_RISK
        effects: list[Effect] = [BookAction(sequence, action, spec.scope, risk, said.arguments, None, waits)]
        self._taken(action)
        if not waits:
            effects += self._run(self._running[sequence])
        return following, effects

    def _taken(self, action: Verified[ActionStatement]) -> None:
        """Said once it is booked: records go out after what had to be written."""
        notice = Notice(kind="taken", text=str(action.body.sequence))
        self._connection.send_session(FrameType.NOTICE, strict_json.dump(notice))

    def _number(self, action: Verified[ActionStatement]) -> int:
        self._newest = self._base + action.body.sequence
        return self._newest

    def _refuse_too_many(self, spec: ActionSpec) -> None:
        most = STREAMING_MAX if spec.streams else RUNNING_MAX
        if sum(running.spec.streams is spec.streams for running in self._running.values()) >= most:
            raise RefusedAction("too many actions at once", expected=f"at most {most}", got="one more")

    def _run(self, running: ActionStream) -> list[Effect]:
        """Start it, and hand over what the technician has sent already."""
        running.begun = True
        effects: list[Effect] = [Run(running.sequence, running.spec.name, running.arguments)]
        if running.early or running.input_over:
            effects.append(GiveInput(running.sequence, bytes(running.early), running.input_over))
            running.early.clear()
        return effects

    def _refuse(
        self,
        state: GrantState,
        stream: int,
        action: Verified[ActionStatement],
        spec: ActionSpec | None,
        arguments: bytes,
        why: str,
    ) -> tuple[GrantState, list[Effect]]:
        detail = why[:_DETAIL_MAX_CHARS]
        result = ActionResult(outcome=Outcome.REFUSED, detail=detail)
        self._connection.close_stream(stream, strict_json.dump(result))
        number = self._number(action)
        booked = BookAction(
            number,
            action,
            spec.scope if spec else None,
            spec.risk if spec else 0,
            arguments,
            detail,
            wait_for_log=False,
        )
        return skip_action(state, action), [booked]

    def logged(self, sequence: int, *, stored: bool) -> list[Effect]:
        """The server's log has the beginning of a waiting action, or does not: then it does not run."""
        running = self._running.get(sequence)
        if running is None or running.result is not None:
            return []
        if stored:
            return self._run(running)
        return self._end(running, Outcome.CANCELLED, "the audit log could not be reached; nothing was run")

    def rows(self, event: Rows) -> list[Effect]:
        running = self._under_way(event.sequence)
        if running is None or running.result is not None:
            return []
        running.add(event.lines, event.count)
        return self.pump()

    def streamed(self, event: Streamed) -> list[Effect]:
        """An action with a pipe of its own has said something."""
        running = self._running.get(event.sequence)
        if running is None or running.result is not None:
            return []
        running.add(event.data, event.data.count(b"\n") if running.in_lines else 0)
        return self.pump()

    # --- input -----------------------------------------------------------------------------------------------

    def data(self, stream: int, data: bytes) -> list[Effect]:
        """The technician sent DATA. Raises RemoteProtocolError where the action takes none, or after its end."""
        running = self._on_stream(stream)
        if running is None or running.result is not None:
            if stream not in self._took_input:
                raise RemoteProtocolError("data came for an action that takes none", got=f"stream {stream}")
            self._connection.consumed(stream, len(data))  # it crossed the action's end on its way
            return []
        if not running.spec.input:
            raise RemoteProtocolError(
                "data came for an action that takes none",
                expected="none",
                got=f"{running.spec.name}: {len(data)} bytes",
            )
        running.received(data)
        if running.begun:
            return [GiveInput(running.sequence, data)]
        running.early += data  # it waits for the log; one window at most
        return []

    def closed(self, stream: int) -> list[Effect]:
        """The technician sends nothing more on this stream; what we say still goes out."""
        self._told.pop(stream, None)
        running = self._on_stream(stream)
        if running is None or running.result is not None or not running.spec.input:
            return []
        running.input_over = True
        return [GiveInput(running.sequence, b"", last=True)] if running.begun else []

    def input_taken(self, event: InputTaken) -> None:
        running = self._running.get(event.sequence)
        if running is not None:
            self._connection.consumed(running.stream, event.size_bytes)

    def _on_stream(self, stream: int) -> ActionStream | None:
        return next((running for running in self._running.values() if running.stream == stream), None)

    # --- a lost connection ---------------------------------------------------------------------------------------

    @property
    def changing(self) -> bool:
        """Something that changes this computer is still under way."""
        return any(
            running.result is None and (running.spec.changes or running.spec.risk >= WAITS_FOR_LOG_RISK)
            for running in self._running.values()
        )

    def cut(self) -> list[Effect]:
        """The connection is gone. What only reads goes on into our memory; what streams, or has not begun, ends; what
        changes the computer and has begun runs to its end, and is told in the receipt; also a file that came whole."""
        self._cut = True
        effects: list[Effect] = []
        for running in [running for running in self._running.values() if running.result is None]:
            if not running.begun:
                effects += self._end(running, Outcome.CANCELLED, "the connection was lost; nothing was run")
            elif running.spec.streams and not (running.spec.finishes and running.input_over):
                effects.append(Cancel(running.sequence))
                effects += self._end(running, Outcome.CANCELLED, "the connection was lost")
        return effects

    def hand_on(self) -> list[Effect]:
        """The grant ends here and has a successor: what outlives it waits to be taken up again under that one."""
        effects: list[Effect] = []
        for running in (*self._told.values(), *self._running.values()):
            if running.result is None:
                effects.append(
                    BookActionEnd(running.sequence, Outcome.UNKNOWN, "went on after the connection was lost")
                )
                running.booked = None
            if running.outlives:
                self._waiting[running.origin] = running
        self._running.clear()
        self._told.clear()
        while len(self._waiting) > WAITING_MAX:
            del self._waiting[next(iter(self._waiting))]
        return effects

    def _take_up(
        self,
        continues: Continued,
        action: Verified[ActionStatement],
        stream: int,
        spec: ActionSpec,
        arguments: bytes,
    ) -> list[Effect]:
        """Rows go on where the technician's program had them; nothing is run. RefusedAction where there are none."""
        origin = (continues.grant, continues.sequence)
        running = self._waiting.get(origin)
        if running is None or (running.spec.name, running.arguments) != (spec.name, arguments):
            raise RefusedAction("no such action goes on here", got=f"{spec.name}, {continues.sequence}")
        if not running.rewind(continues.received_bytes):
            raise RefusedAction("not so many bytes were sent", got=str(continues.received_bytes))
        del self._waiting[origin]
        number = self._number(action)
        running.booked, running.stream = number, stream
        self._running[running.sequence] = running
        effects: list[Effect] = [BookAction(number, action, spec.scope, spec.risk, arguments, None, False)]
        self._taken(action)
        if running.result is not None:
            detail = f"the rest of action {continues.sequence} of a grant before"
            effects.append(BookActionEnd(number, running.result.outcome, detail))
        return effects

    def _under_way(self, number: int) -> ActionStream | None:
        """What runs under this number, whether anybody listens to it now or not."""
        waiting = (running for running in self._waiting.values() if running.sequence == number)
        return self._running.get(number) or next(waiting, None)

    # --- the end -----------------------------------------------------------------------------------------------

    def finished(self, event: Finished) -> list[Effect]:
        running = self._under_way(event.sequence)
        if running is None or running.result is not None:
            return []
        return self._end(running, event.outcome, event.detail)

    def narrowed(self, scopes: frozenset[Scope]) -> list[Effect]:
        """Cut off what the customer no longer allows."""
        effects: list[Effect] = []
        for running in (*self._running.values(), *self._waiting.values()):
            if running.spec.scope not in scopes and running.result is None:
                running.drop_unsent()
                effects.append(Cancel(running.sequence))
                effects += self._end(running, Outcome.CANCELLED, "the customer no longer allows this")
        return effects

    def reset(self, stream: int) -> list[Effect]:
        """The technician broke a stream off: whatever ran for it is cancelled."""
        running = self._on_stream(stream)
        if running is None:
            self._told.pop(stream, None)
            return []
        del self._running[running.sequence]
        if running.result is not None or running.booked is None:
            return []
        detail = running.booked_detail("the technician cancelled it")
        return [Cancel(running.sequence), BookActionEnd(running.booked, Outcome.CANCELLED, detail, running.kept())]

    def abandon(self, detail: str) -> list[Effect]:
        """The session ends: what has no result yet gets `cancelled` in the books. The host is killed by the caller."""
        ends: list[Effect] = [
            BookActionEnd(running.booked, Outcome.CANCELLED, running.booked_detail(detail), running.kept())
            for running in self._running.values()
            if running.result is None and running.booked is not None
        ]
        self._running.clear()
        self._waiting.clear()
        return ends

    def pump(self) -> list[Effect]:
        """Send what credit allows; close the streams whose last row has gone; hold back whom nobody listens to."""
        effects: list[Effect] = []
        for running in () if self._cut else list(self._running.values()):
            while running.waiting_bytes and (piece := running.take(self._connection.sendable_bytes(running.stream))):
                self._connection.send(running.stream, piece)
            if running.result is not None and not running.waiting_bytes:
                self._connection.close_stream(running.stream, strict_json.dump(running.result))
                del self._running[running.sequence]
                self._told[running.stream] = running
                if len(self._told) > WAITING_MAX:
                    del self._told[next(iter(self._told))]
            elif running.spec.streams and (held := running.should_hold()) is not None:
                effects.append(HoldBack(running.sequence, held))
        return effects

    def _end(self, running: ActionStream, outcome: Outcome, detail: str) -> list[Effect]:
        cut = detail[:_DETAIL_MAX_CHARS]
        running.result = ActionResult(outcome=outcome, detail=cut, rows=running.rows, totals=running.totals())
        number, booked = running.booked, running.booked_detail(cut)
        self.pump()
        return [] if number is None else [BookActionEnd(number, outcome, booked, running.kept())]
