"""One action under way, as the service holds it: what waits for the technician, what has come, how much of both.

What goes over the stream of an action with input, bytes or a long life is counted and hashed here, by the service,
which the action's own process cannot reach. The totals stand in the result and, in words, in the journal's entry:

    got 52 bytes sha256 9f86d081…; gave 1048576 bytes sha256 30e14955…
"""

import hashlib
from collections import deque
from typing import Final

from protocol import strict_json
from protocol.actions.spec import ActionSpec, Output
from protocol.channel import FRAME_PAYLOAD_MAX_BYTES
from protocol.fields import Base64
from protocol.limits import KIB, STREAM_WINDOW_BYTES
from protocol.strict_json import WireModel
from protocol.visit import ActionResult, StreamTotals

#: More than this waits for credit: read no more from the action's pipe. At half of it: go on.
HOLD_BYTES: Final = 2 * STREAM_WINDOW_BYTES
#: A smaller rest of credit is worth no frame of its own while more would fill one.
_WORTH_BYTES: Final = 16 * KIB
_DETAIL_MAX_CHARS: Final = 200
#: From this risk on an action changes the machine: it ends under the grant it began under.
CHANGES_RISK: Final = 2


class KeptStreams(WireModel):
    """A value beside the journal: what went each way, as pieces. `cut`: there was more than is kept."""

    received: Base64
    sent: Base64
    cut: bool


class ActionStream:
    """`early`: input that came before the action could begin. `begun`: it has been handed to the session host.

    `sequence`: its number in the visit. `origin`: the grant it began under and its sequence there. `booked`: the number
    that its end is booked under; None while the connection it was asked for on is lost and nobody has taken it up.
    """

    def __init__(
        self, sequence: int, stream: int, spec: ActionSpec, arguments: bytes, *, origin: tuple[bytes, int] = (b"", 0)
    ) -> None:
        self.origin = origin
        self.booked: int | None = sequence
        self.sequence = sequence
        self.stream = stream
        self.spec = spec
        self.arguments = arguments
        self.begun = False
        self.rows = 0
        self.early = bytearray()
        self.input_over = False
        self.result: ActionResult | None = None
        self.waiting_bytes = 0
        self._waiting: deque[bytes] = deque()
        self._offset = 0  # how much of the first waiting chunk has gone
        self._kept = b""  # what has gone and may not have arrived: as much as there was credit for
        self._gone_bytes = 0
        self._mid_line = False  # the technician has the beginning of a row and not its end
        self._held = False
        self._sent_bytes = 0
        self._received_bytes = 0
        self._sent = hashlib.sha256()
        self._received = hashlib.sha256()
        self._told_sent = bytearray()  # the beginning of each, for the transcript
        self._told_received = bytearray()

    @property
    def in_lines(self) -> bool:
        return self.spec.output is Output.ITEMS

    def add(self, data: bytes, rows: int) -> None:
        """The action has said this. `data` is not empty."""
        self._waiting.append(data)
        self.waiting_bytes += len(data)
        self.rows += rows

    def received(self, data: bytes) -> None:
        self._received_bytes += len(data)
        self._received.update(data)
        self._told_received += data[: self.spec.kept_bytes - len(self._told_received)]

    def take(self, room: int) -> bytes:
        """The next bytes to send, at most `room`; none while a frame would be needlessly small."""
        room = min(room, FRAME_PAYLOAD_MAX_BYTES)
        if not room or (room < _WORTH_BYTES and room < self.waiting_bytes):
            return b""
        piece = self._cut(room)
        self.waiting_bytes -= len(piece)
        self._mid_line = not piece.endswith(b"\n")
        if self.outlives:
            self._gone_bytes += len(piece)
            self._kept = (self._kept + piece)[-STREAM_WINDOW_BYTES:]
        if self.spec.streams:
            self._sent_bytes += len(piece)
            self._sent.update(piece)
            self._told_sent += piece[: self.spec.kept_bytes - len(self._told_sent)]
        return piece

    @property
    def outlives(self) -> bool:
        """It goes on when the connection is lost, and waits to be taken up again: what only reads, and soon ends."""
        return not self.spec.streams and not self.spec.changes and self.spec.risk < CHANGES_RISK

    def rewind(self, received_bytes: int) -> bool:
        """Whatever went out behind the first `received_bytes` goes out again. False: that cannot be what arrived."""
        again = self._gone_bytes - received_bytes
        if not 0 <= again <= len(self._kept):
            return False
        kept = self._kept[len(self._kept) - again :]
        rest = b"".join(self._waiting)[self._offset :]
        self._kept = self._kept[: len(self._kept) - again]
        self._mid_line = bool(received_bytes) and not self._kept.endswith(b"\n")
        self._gone_bytes = received_bytes
        self._waiting = deque([kept + rest] if kept or rest else [])
        self._offset, self.waiting_bytes = 0, len(kept) + len(rest)
        return True

    def _cut(self, room: int) -> bytes:
        parts: list[bytes] = []
        while room and self._waiting:
            first = self._waiting[0]
            part = first[self._offset : self._offset + room]
            parts.append(part)
            room -= len(part)
            self._offset += len(part)
            if self._offset == len(first):
                self._waiting.popleft()
                self._offset = 0
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def drop_unsent(self) -> None:
        """Forget what has not gone out; a row that has begun goes out whole. Pieces end where they are."""
        if not self.in_lines:
            self._waiting.clear()
            self._offset = self.waiting_bytes = 0
            return
        rest = b"".join(self._waiting)[self._offset :]
        keep = rest.find(b"\n") + 1 if self._mid_line else 0
        self.rows -= rest.count(b"\n", keep)
        self._waiting = deque([rest[:keep]] if keep else [])
        self._offset, self.waiting_bytes = 0, keep

    def should_hold(self) -> bool | None:
        """Whether its pipe is to be held back from now on, or read again; None where nothing changes."""
        if not self._held and self.waiting_bytes > HOLD_BYTES:
            self._held = True
        elif self._held and self.waiting_bytes <= HOLD_BYTES // 2:
            self._held = False
        else:
            return None
        return self._held

    def totals(self) -> StreamTotals | None:
        """What has gone each way; of what waits it is said that it went, because the result comes behind it."""
        if not self.spec.streams:
            return None
        sent = self._sent.copy()
        for index, chunk in enumerate(self._waiting):
            sent.update(chunk[self._offset :] if index == 0 else chunk)
        return StreamTotals(
            received_bytes=self._received_bytes,
            received_sha256=self._received.digest(),
            sent_bytes=self._sent_bytes + self.waiting_bytes,
            sent_sha256=sent.digest(),
        )

    def kept(self) -> bytes | None:
        """The beginning of what went each way, for the sealed transcript; None where nothing is kept."""
        if not self.spec.kept_bytes:
            return None
        cut = len(self._told_received) < self._received_bytes or len(self._told_sent) < self._sent_bytes
        return strict_json.dump(KeptStreams(received=bytes(self._told_received), sent=bytes(self._told_sent), cut=cut))

    def booked_detail(self, detail: str) -> str:
        """The journal's words: how it ended, then the totals; the words are cut before a hash would be."""
        totals = self.totals()
        if totals is None:
            return detail[:_DETAIL_MAX_CHARS]
        said = []
        if totals.received_bytes:
            said.append(f"got {totals.received_bytes} bytes sha256 {totals.received_sha256.hex()}")
        if totals.sent_bytes and self.spec.output is Output.BYTES:
            said.append(f"gave {totals.sent_bytes} bytes sha256 {totals.sent_sha256.hex()}")
        figures = "; ".join(said)
        room = _DETAIL_MAX_CHARS - len(figures) - 2
        return "; ".join(filter(None, [detail[: max(0, room)], figures]))
