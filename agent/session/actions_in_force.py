"""Actions under a grant: each opened stream is checked against it, booked, run, and its rows given back under credit.

    OPEN  (OpenAction)        check the signature, the chain, the scope, the time, the arguments
                              book it (on the disk) ─► only then run it
    DATA  ◄── rows            as far as the technician's program has given credit; the rest waits here
    CLOSE ◄── ActionResult    after the last row and after the journal's second entry

Refused (outside the scopes, unknown, bad arguments, time over): booked, answered, the session goes on. Replayed,
reordered or altered: `BrokenActionChain` goes up and the session ends. Pure: rows and ends come in as values.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from agent.session.effects import BookAction, BookActionEnd, Cancel, Effect, Finished, Moment, Rows, Run
from protocol import strict_json
from protocol.actions.catalogue import ARGUMENTS_MAX_BYTES
from protocol.actions.scopes import Scope
from protocol.actions.spec import ActionSpec
from protocol.connection import Connection
from protocol.errors import RemoteProtocolError
from protocol.fields import sha256
from protocol.grants import ActionStatement
from protocol.journal import Outcome
from protocol.limits import FRAME_PAYLOAD_MAX_BYTES
from protocol.session_rules import GrantState, RefusedAction, check_action_chain, next_action, skip_action
from protocol.statements import Verified, VerifyKey, verify
from protocol.visit import ActionResult, OpenAction

# At one time: a person looks at one thing, a program at a few; each may hold 8 MiB of rows here.
RUNNING_MAX: Final = 4
#: From this risk on an action waits until the server's log has stored that it begins.
WAITS_FOR_LOG_RISK: Final = 2
_DETAIL_MAX_CHARS: Final = 200


@dataclass
class _Running:
    sequence: int
    stream: int
    spec: ActionSpec
    arguments: bytes
    waiting: bytearray = field(default_factory=bytearray)
    rows: int = 0
    mid_line: bool = False  # the technician has the beginning of a row and not its end
    result: ActionResult | None = None

    def take(self, room: int) -> bytes:
        """The next bytes to send, at most `room`."""
        piece = bytes(self.waiting[:room])
        del self.waiting[:room]
        self.mid_line = not piece.endswith(b"\n")
        return piece

    def drop_unsent(self) -> None:
        """Forget the rows that have not gone out; the one that has begun goes out whole."""
        keep = self.waiting.find(b"\n") + 1 if self.mid_line else 0
        self.rows -= self.waiting.count(b"\n", keep)
        del self.waiting[keep:]


class ActionsInForce:
    """All actions of one visit that are not over. `connection` gets the frames; the effects go to the shell."""

    def __init__(self, connection: Connection, technician: VerifyKey, catalogue: Mapping[str, ActionSpec]) -> None:
        self._connection = connection
        self._technician = technician
        self._catalogue = catalogue
        self._running: dict[int, _Running] = {}  # by sequence

    @property
    def doing(self) -> tuple[ActionSpec, ...]:
        """What is running now, for the customer's page."""
        return tuple(running.spec for running in self._running.values() if running.result is None)

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
            strict_json.parse(
                said.arguments, spec.arguments, what=f"arguments of {spec.name}", max_bytes=ARGUMENTS_MAX_BYTES
            )
            if len(self._running) >= RUNNING_MAX:
                raise RefusedAction("too many actions at once", expected=f"at most {RUNNING_MAX}", got="one more")
        except RemoteProtocolError as refusal:
            return self._refuse(state, stream, action, spec, said.arguments, str(refusal))
        sequence = action.body.sequence
        self._running[sequence] = _Running(sequence, stream, spec, said.arguments)
        waits = spec.risk >= WAITS_FOR_LOG_RISK
        effects: list[Effect] = [BookAction(action, spec.scope, spec.risk, said.arguments, None, waits)]
        if not waits:
            effects.append(Run(sequence, spec.name, said.arguments))
        return following, effects

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
        booked = BookAction(
            action, spec.scope if spec else None, spec.risk if spec else 0, arguments, detail, wait_for_log=False
        )
        return skip_action(state, action), [booked]

    def logged(self, sequence: int, *, stored: bool) -> list[Effect]:
        """The server's log has the beginning of a waiting action, or does not: then it does not run."""
        running = self._running.get(sequence)
        if running is None or running.result is not None:
            return []
        if stored:
            return [Run(sequence, running.spec.name, running.arguments)]
        return self._end(running, Outcome.CANCELLED, "the audit log could not be reached; nothing was run")

    def rows(self, event: Rows) -> None:
        running = self._running.get(event.sequence)
        if running is None or running.result is not None:
            return
        running.waiting += event.lines
        running.rows += event.count
        self.pump()

    def finished(self, event: Finished) -> list[Effect]:
        running = self._running.get(event.sequence)
        if running is None or running.result is not None:
            return []
        return self._end(running, event.outcome, event.detail)

    def narrowed(self, scopes: frozenset[Scope]) -> list[Effect]:
        """Cut off what the customer no longer allows."""
        effects: list[Effect] = []
        for running in list(self._running.values()):
            if running.spec.scope not in scopes and running.result is None:
                running.drop_unsent()
                effects.append(Cancel(running.sequence))
                effects += self._end(running, Outcome.CANCELLED, "the customer no longer allows this")
        return effects

    def reset(self, stream: int) -> list[Effect]:
        """The technician broke a stream off: whatever ran for it is cancelled."""
        for running in list(self._running.values()):
            if running.stream == stream:
                del self._running[running.sequence]
                if running.result is None:
                    detail = "the technician cancelled it"
                    return [Cancel(running.sequence), BookActionEnd(running.sequence, Outcome.CANCELLED, detail)]
        return []

    def abandon(self, detail: str) -> list[Effect]:
        """The session ends: what has no result yet gets `cancelled` in the books. The host is killed by the caller."""
        ends: list[Effect] = [
            BookActionEnd(running.sequence, Outcome.CANCELLED, detail)
            for running in self._running.values()
            if running.result is None
        ]
        self._running.clear()
        return ends

    def pump(self) -> None:
        """Send what credit allows; close the streams whose last row has gone."""
        for running in list(self._running.values()):
            room = self._connection.sendable_bytes(running.stream)
            if room and running.waiting:
                self._connection.send(running.stream, running.take(room))
            if running.result is not None and not running.waiting:
                self._connection.close_stream(running.stream, strict_json.dump(running.result))
                del self._running[running.sequence]

    def _end(self, running: _Running, outcome: Outcome, detail: str) -> list[Effect]:
        cut = detail[:_DETAIL_MAX_CHARS]
        running.result = ActionResult(outcome=outcome, detail=cut, rows=running.rows)
        self.pump()
        return [BookActionEnd(running.sequence, outcome, cut)]
