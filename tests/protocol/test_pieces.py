"""Pieces: whatever the cuts of the stream, the same pieces come out; nothing else is taken for one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.pieces import (
    BYTES_PIECE_MAX_BYTES,
    ITEM_MAX_BYTES,
    PIECE_HEADER,
    Piece,
    PieceReader,
    bytes_header,
    pack_bytes,
    pack_item,
)
from protocol.visit import Item


def together(pieces: list[Piece]) -> list[Piece]:
    """Neighbouring bytes joined: how they are cut means nothing."""
    joined: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, bytes) and joined and isinstance(joined[-1], bytes):
            joined[-1] = joined[-1] + piece
        else:
            joined.append(piece)
    return joined


PIECES = st.lists(
    st.one_of(
        st.binary(min_size=1, max_size=300),
        st.builds(Item, id=st.integers(0, 1000), kind=st.just("row"), body=st.text(max_size=40)),
    ),
    max_size=12,
)


@settings(deadline=None, derandomize=True, max_examples=150)
@given(PIECES, st.lists(st.integers(1, 200), max_size=60))
def test_any_cuts_give_the_same_pieces_and_every_byte_is_counted_once(pieces: list[Piece], cuts: list[int]) -> None:
    stream = b"".join(pack_item(piece) if isinstance(piece, Item) else pack_bytes(piece) for piece in pieces)
    reader = PieceReader("test")
    came: list[Piece] = []
    counted = 0
    rest = stream
    for cut in [*cuts, len(stream)]:
        part, rest = rest[:cut], rest[cut:]
        if not part:
            continue
        fed = reader.feed(part)
        assert sum(size for _, size in fed) + reader.held_bytes == len(part)
        counted += len(part)
        came += [piece for piece, _ in fed]
    assert counted == len(stream)
    assert together(came) == together(pieces)
    assert not reader.mid_piece


def test_bytes_are_handed_on_before_their_piece_is_whole() -> None:
    reader = PieceReader("test")
    assert reader.feed(bytes_header(10) + b"abc") == [(b"abc", 8)]
    assert reader.mid_piece
    assert reader.feed(b"defghij") == [(b"defghij", 7)]
    assert not reader.mid_piece


@pytest.mark.parametrize("kind", [0, 3, 255])
def test_an_unknown_kind_is_an_offence(kind: int) -> None:
    with pytest.raises(RemoteProtocolError, match="unknown kind"):
        PieceReader("test").feed(PIECE_HEADER.pack(kind, 1) + b"x")


@pytest.mark.parametrize(("kind", "length"), [(1, 0), (2, 0), (1, ITEM_MAX_BYTES + 1), (2, BYTES_PIECE_MAX_BYTES + 1)])
def test_a_length_beyond_its_limit_is_an_offence_before_anything_is_kept(kind: int, length: int) -> None:
    with pytest.raises(RemoteProtocolError, match="wrong length"):
        PieceReader("test").feed(PIECE_HEADER.pack(kind, length))


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"id":1,"kind":"a","kind":"b","body":""}', b"\xff\xff"])
def test_an_item_that_is_none_is_an_offence(body: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        PieceReader("test").feed(PIECE_HEADER.pack(1, len(body)) + body)


@pytest.mark.parametrize("count", [0, BYTES_PIECE_MAX_BYTES + 1])
def test_our_own_pieces_keep_the_limits(count: int) -> None:
    with pytest.raises(LocalProtocolError):
        bytes_header(count)
