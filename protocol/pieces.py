"""Bytes and rows on one stream: the DATA of actions that give bytes, and all input of a technician.

    piece = kind u8 · length u32 big-endian · payload

    01  item    JSON of `visit.Item`, whole, at most 384 KiB      01 00000020 {"id":1,"kind":"file","body":"{}"}
    02  bytes   any length; handed on as it comes, in parts       02 00000003 616263

Frames and pieces know nothing of each other: a piece may span frames, a frame may hold many pieces.
Decides: where pieces begin and end, and that items are well formed. Leaves to others: credit, meaning.
"""

import struct
from typing import Final

from protocol import strict_json
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.limits import KIB
from protocol.visit import Item

ITEM_PIECE: Final = 1
BYTES_PIECE: Final = 2
PIECE_HEADER: Final = struct.Struct(">BI")
#: A body of 60 000 characters, each written as six bytes at worst, and what stands around it.
ITEM_MAX_BYTES: Final = 384 * KIB
#: What one bytes piece may announce. Longer data is more pieces.
BYTES_PIECE_MAX_BYTES: Final = 1 << 20

Piece = Item | bytes


def pack_item(item: Item) -> bytes:
    body = strict_json.dump(item)
    return PIECE_HEADER.pack(ITEM_PIECE, len(body)) + body


def bytes_header(count: int) -> bytes:
    """What goes before `count` bytes of data: 1 to `BYTES_PIECE_MAX_BYTES`."""
    if not 1 <= count <= BYTES_PIECE_MAX_BYTES:
        raise LocalProtocolError(
            "a piece of bytes has no such length", expected=f"1 to {BYTES_PIECE_MAX_BYTES}", got=str(count)
        )
    return PIECE_HEADER.pack(BYTES_PIECE, count)


def pack_bytes(data: bytes) -> bytes:
    return bytes_header(len(data)) + data


class PieceReader:
    """Takes a stream as it comes, gives pieces. Bytes are not gathered: one piece of them may come in many parts."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._head = bytearray()  # an unfinished header
        self._item = bytearray()  # an unfinished item
        self._item_left = 0
        self._bytes_left = 0
        self._uncounted = 0

    @property
    def mid_piece(self) -> bool:
        """The stream cannot end here."""
        return bool(self._head) or self._item_left > 0 or self._bytes_left > 0

    def feed(self, data: bytes) -> list[tuple[Piece, int]]:
        """Pieces, each with how many bytes of `data` it took, header and all. The rest of `data`: `held_bytes`."""
        pieces: list[tuple[Piece, int]] = []
        place, end, counted = 0, len(data), 0
        while place < end:
            if self._bytes_left:
                take = min(self._bytes_left, end - place)
                self._bytes_left -= take
                part = data if take == end else data[place : place + take]
                place += take
                pieces.append((part, place - counted))
                counted = place
            elif self._item_left:
                take = min(self._item_left, end - place)
                self._item += data[place : place + take]
                self._item_left -= take
                place += take
                if not self._item_left:
                    pieces.append((self._whole_item(), place - counted))
                    counted = place
            else:
                take = min(PIECE_HEADER.size - len(self._head), end - place)
                self._head += data[place : place + take]
                place += take
                if len(self._head) == PIECE_HEADER.size:
                    self._begin()
        self._uncounted = end - counted
        return pieces

    @property
    def held_bytes(self) -> int:
        """Bytes of the last `feed` that belong to no piece handed out: consumed at once, so that no window jams."""
        return self._uncounted

    def _begin(self) -> None:
        kind, length = PIECE_HEADER.unpack(self._head)
        self._head.clear()
        most = {ITEM_PIECE: ITEM_MAX_BYTES, BYTES_PIECE: BYTES_PIECE_MAX_BYTES}.get(kind)
        if most is None:
            raise RemoteProtocolError(f"{self._what} has a piece of an unknown kind", expected="1 or 2", got=str(kind))
        if not 1 <= length <= most:
            raise RemoteProtocolError(
                f"{self._what} has a piece of a wrong length", expected=f"1 to {most}", got=str(length)
            )
        if kind == ITEM_PIECE:
            self._item_left = length
        else:
            self._bytes_left = length

    def _whole_item(self) -> Item:
        body = bytes(self._item)
        self._item.clear()
        return strict_json.parse(body, Item, what=f"item of {self._what}", max_bytes=ITEM_MAX_BYTES)
