"""The chain of signed actions under one grant, and the rows of their results.

Each action statement names the grant, its number and its predecessor, so that the device can tell a replayed, reordered
or foreign one; the arguments travel beside it as exact bytes whose hash is signed. Results come as DATA on the action's
stream: one JSON text a line (`{"id":1,"kind":"process","body":"{…}"}`), then CLOSE with how it ended.
"""

from dataclasses import dataclass, field
from typing import Final

from protocol import strict_json
from protocol.actions.catalogue import find_action
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.fields import sha256
from protocol.grants import ActionStatement, Grant
from protocol.limits import KIB
from protocol.statements import Envelope, Verified
from protocol.strict_json import WireModel
from protocol.visit import ActionResult, Item
from technician.session.events import Row

#: A body of 60 000 characters, each written as six bytes at worst, and its frame.
LINE_MAX_BYTES: Final = 384 * KIB


@dataclass
class SentAction:
    """One action as it was signed, and what has come of it. `rows` counts lines seen."""

    sequence: int
    name: str
    statement: Envelope
    stream: int = 0
    rows: int = 0
    tail: bytes = b""
    result: ActionResult | None = None


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
        previous = self.sent[-1].statement.hash if self.sent else self.grant.hash
        body = ActionStatement(
            grant=self.grant.hash,
            sequence=len(self.sent) + 1,
            action=name,
            arguments_sha256=sha256(data),
            previous=previous,
            issued_at=now,
        )
        return body, data

    def add(self, body: ActionStatement, statement: Envelope) -> SentAction:
        action = SentAction(body.sequence, body.action, statement)
        self.sent.append(action)
        return action

    def on_stream(self, stream: int) -> SentAction:
        for action in reversed(self.sent):
            if action.stream == stream:
                return action
        raise RemoteProtocolError("data on a stream that carries no action", got=str(stream))


def take_rows(action: SentAction, data: bytes) -> list[Row]:
    """The whole lines in what has come so far; the rest waits. Bytes of an unfinished line count as consumed."""
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


def fresh_tail_bytes(action: SentAction, data: bytes) -> int:
    """How many bytes of `data` belong to the unfinished line: consumed at once, so that the window never jams."""
    return min(len(action.tail), len(data))


def end_action(action: SentAction, payload: bytes) -> ActionResult:
    """The device's last word on an action. A line without its end means that something is missing."""
    result = strict_json.parse(payload, ActionResult, what=f"result of {action.name}")
    if action.tail or result.rows != action.rows:
        raise RemoteProtocolError(
            f"the result of {action.name} is incomplete", expected=f"{result.rows} rows", got=f"{action.rows}"
        )
    action.result = result
    return result
