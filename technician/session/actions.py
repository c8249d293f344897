"""The chain of signed actions under one grant, and the rows and bytes of their results.

Each action statement names the grant, its number and its predecessor, so that the device can tell a replayed, reordered
or foreign one; the arguments travel beside it as exact bytes whose hash is signed. Results come as DATA on the action's
stream: one JSON text a line (`{"id":1,"kind":"process","body":"{…}"}`), or pieces (protocol/pieces.py), then CLOSE
with how it ended. Both ends count and hash what went each way on an action that streams; the device's totals must be
ours: what the customer's journal says the technician typed is what the technician typed.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Final

from protocol import strict_json
from protocol.actions.catalogue import find_action
from protocol.actions.spec import Output
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.fields import sha256
from protocol.grants import ActionStatement, Grant
from protocol.journal import Outcome
from protocol.pieces import ITEM_MAX_BYTES, PieceReader
from protocol.statements import Envelope, Verified
from protocol.strict_json import WireModel
from protocol.visit import ActionResult, Continued, Item, StreamTotals
from technician.session.events import BytesCame, Row

LINE_MAX_BYTES: Final = ITEM_MAX_BYTES


class SentAction:
    """One action as it was signed, and what has come of it. `rows` counts lines seen."""

    def __init__(self, sequence: int, name: str, statement: Envelope, arguments: bytes, grant: bytes) -> None:
        self.origin = Continued(grant=grant, sequence=sequence, received_bytes=0)  # where it began
        self.arguments = arguments
        self.taken = False  # the device has said that it is in its books
        self.issued_at = 0
        self.sequence = sequence
        self.name = name
        self.statement = statement
        self.spec = find_action(name)
        self.stream = 0
        self.rows = 0
        self.tail = b""
        self.result: ActionResult | None = None
        self.pieces = PieceReader(f"output of {name}") if self.spec.output is Output.BYTES else None
        self._came_bytes = self._sent_bytes = 0
        self._came, self._sent = hashlib.sha256(), hashlib.sha256()

    def came(self, data: bytes) -> None:
        """RemoteProtocolError when it is more than this action may ever give: a device is not trusted with our disk."""
        self.taken = True
        self._came_bytes += len(data)
        most = 2 * self.spec.output_bytes + LINE_MAX_BYTES  # as the agent counts: its host counts its own spelling
        if self._came_bytes > most:
            raise RemoteProtocolError(
                f"the device gives more than {self.name} may", expected=f"at most {most} bytes", got="more"
            )
        if self.spec.streams:
            self._came.update(data)

    def send(self, data: bytes) -> None:
        """Input goes out; LocalProtocolError where the action takes none."""
        if not self.spec.input:
            raise LocalProtocolError(f"{self.name} takes no input", got=f"{len(data)} bytes")
        self._sent_bytes += len(data)
        self._sent.update(data)

    @property
    def acknowledged(self) -> bool:
        """The device has shown that it took this action, by a word or by what came of it."""
        return self.taken or self.result is not None

    def follow(self, before: "SentAction") -> Continued:
        """Take over what came under the grant before; from where the device is to go on."""
        self.rows, self.tail = before.rows, before.tail
        self._came_bytes = before._came_bytes
        self.origin = before.origin
        return before.origin.model_copy(update={"received_bytes": self._came_bytes})

    def agrees(self, totals: StreamTotals) -> bool:
        """The device counts as we do. Of input it may have seen less: the end can cross what was on its way."""
        gave_all = totals.sent_bytes == self._came_bytes and totals.sent_sha256 == self._came.digest()
        if totals.received_bytes < self._sent_bytes:
            return gave_all
        return gave_all and totals.received_sha256 == self._sent.digest()


@dataclass
class ActionChain:
    """All actions of one grant, in order."""

    grant: Verified[Grant]
    sent: list[SentAction] = field(default_factory=list)

    def next_body(self, name: str, arguments: WireModel, now: int) -> tuple[ActionStatement, bytes]:
        """The unsigned next action and the exact bytes of its arguments."""
        spec = find_action(name)
        if not isinstance(arguments, spec.arguments):
            raise LocalProtocolError(
                f"wrong arguments for {name}", expected=spec.arguments.__name__, got=type(arguments).__name__
            )
        data = strict_json.dump(arguments)
        return self.body_of(name, data, now), data

    def body_of(self, name: str, data: bytes, now: int) -> ActionStatement:
        """The unsigned next action with these exact arguments."""
        previous = self.sent[-1].statement.hash if self.sent else self.grant.hash
        return ActionStatement(
            grant=self.grant.hash,
            sequence=len(self.sent) + 1,
            action=name,
            arguments_sha256=sha256(data),
            previous=previous,
            issued_at=now,
        )

    def add(self, body: ActionStatement, statement: Envelope, arguments: bytes) -> SentAction:
        action = SentAction(body.sequence, body.action, statement, arguments, self.grant.hash)
        action.issued_at = body.issued_at
        self.sent.append(action)
        return action

    def heard_taken(self, text: str) -> None:
        """The device's word on the sequence of one of our actions; anything else it may say here means nothing."""
        if text.isdecimal() and len(text) < 12 and 1 <= int(text) <= len(self.sent):
            self.sent[int(text) - 1].taken = True

    def on_stream(self, stream: int) -> SentAction:
        for action in reversed(self.sent):
            if action.stream == stream:
                return action
        raise RemoteProtocolError("data on a stream that carries no action", got=str(stream))


def take_data(action: SentAction, data: bytes) -> tuple[list[Row | BytesCame], int]:
    """What is whole in what has come so far; the rest waits. Second: how many bytes count as consumed at once, because
    they belong to nothing that is handed out yet; so the window never jams."""
    action.came(data)
    if action.pieces is None:
        return list(_take_rows(action, data)), min(len(action.tail), len(data))
    came: list[Row | BytesCame] = []
    for piece, size in action.pieces.feed(data):
        if isinstance(piece, Item):
            came.append(Row(action.stream, piece, size))
        else:
            came.append(BytesCame(action.stream, piece, size))
    return came, action.pieces.held_bytes


def _take_rows(action: SentAction, data: bytes) -> list[Row]:
    *lines, tail = (action.tail + data).split(b"\n")
    before = len(action.tail)
    if len(tail) > LINE_MAX_BYTES:
        raise RemoteProtocolError(
            "a row of a result is too long", expected=f"at most {LINE_MAX_BYTES} bytes", got="more"
        )
    rows: list[Row] = []
    for line in lines:
        item = strict_json.parse(line, Item, what=f"row of {action.name}", max_bytes=LINE_MAX_BYTES)
        rows.append(Row(action.stream, item, len(line) + 1 - before))
        before = 0
    action.tail = tail
    action.rows += len(rows)
    return rows


def end_action(action: SentAction, payload: bytes) -> ActionResult:
    """The device's last word on an action. A line without its end, or other totals, mean that something is missing."""
    result = strict_json.parse(payload, ActionResult, what=f"result of {action.name}")
    refused = result.outcome is Outcome.REFUSED  # also to go on with rows of which some have come
    if not refused and (action.tail or result.rows != action.rows):
        raise RemoteProtocolError(
            f"the result of {action.name} is incomplete", expected=f"{result.rows} rows", got=f"{action.rows}"
        )
    if action.pieces is not None and action.pieces.mid_piece and result.outcome is Outcome.DONE:
        raise RemoteProtocolError(f"the result of {action.name} ends inside a piece", expected="a whole one")
    if result.totals is not None and result.outcome is Outcome.DONE and not action.agrees(result.totals):
        raise RemoteProtocolError(f"the device counts other bytes on {action.name} than came and went here")
    action.result = result
    return result
