"""What the service holds of one action: order kept, credit kept, held back, counted and hashed."""

import hashlib

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.session.action_stream import HOLD_BYTES, ActionStream
from protocol.actions.files import FILES_READ
from protocol.actions.processes import PROCESSES
from protocol.actions.terminal import TERMINAL
from protocol.channel import FRAME_PAYLOAD_MAX_BYTES
from protocol.limits import KIB

SMALL = st.binary(min_size=1, max_size=400)


def stream(spec: object = FILES_READ) -> ActionStream:
    return ActionStream(1, 1, spec, b"{}")  # type: ignore[arg-type]


@settings(deadline=None, derandomize=True, max_examples=120)
@given(st.lists(SMALL, max_size=20), st.lists(st.integers(0, 700), max_size=60))
def test_all_that_was_said_goes_out_in_order_within_the_credit(chunks: list[bytes], rooms: list[int]) -> None:
    made = stream()
    for chunk in chunks:
        made.add(chunk, 0)
    out = []
    for room in [*rooms, *[FRAME_PAYLOAD_MAX_BYTES] * 3]:
        piece = made.take(room)
        assert len(piece) <= room
        out.append(piece)
    said = b"".join(chunks)
    assert b"".join(out) == said
    assert made.waiting_bytes == 0
    totals = made.totals()
    assert totals is not None
    assert (totals.sent_bytes, totals.sent_sha256) == (len(said), hashlib.sha256(said).digest())


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.lists(SMALL, max_size=10), st.integers(0, 2000))
def test_totals_tell_of_what_still_waits_because_the_result_comes_behind_it(chunks: list[bytes], room: int) -> None:
    made = stream()
    for chunk in chunks:
        made.add(chunk, 0)
    made.take(room)
    said = b"".join(chunks)
    totals = made.totals()
    assert totals is not None
    assert (totals.sent_bytes, totals.sent_sha256) == (len(said), hashlib.sha256(said).digest())


def test_a_small_rest_of_credit_is_kept_for_a_whole_frame() -> None:
    made = stream()
    made.add(b"x" * 100 * KIB, 0)
    assert made.take(108) == b""
    assert len(made.take(16 * KIB)) == 16 * KIB


def test_it_is_held_back_once_and_let_go_once() -> None:
    made = stream()
    made.add(b"x" * (HOLD_BYTES + 1), 0)
    assert [made.should_hold(), made.should_hold()] == [True, None]
    while made.waiting_bytes > HOLD_BYTES // 2:
        assert made.should_hold() is None
        made.take(FRAME_PAYLOAD_MAX_BYTES)
    assert [made.should_hold(), made.should_hold()] == [False, None]


@settings(deadline=None, derandomize=True, max_examples=80)
@given(
    st.lists(st.binary(max_size=20).map(lambda line: line.replace(b"\n", b"") + b"\n"), max_size=12),
    st.integers(0, 120),
)
def test_what_is_dropped_ends_with_a_whole_row(rows: list[bytes], room: int) -> None:
    """The customer narrowed: rows that have not begun to go out stay here, one that has goes out whole."""
    made = stream(PROCESSES)
    for row in rows:
        made.add(row, 1)
    out = made.take(room)
    made.drop_unsent()
    out += made.take(FRAME_PAYLOAD_MAX_BYTES)
    assert not out or out.endswith(b"\n")
    assert out.count(b"\n") == made.rows
    assert made.totals() is None  # it does not stream


def test_the_journals_words_keep_both_hashes_whole() -> None:
    made = stream(TERMINAL)
    made.received(b"rm -rf ~\n")
    made.add(b"rm: refused", 0)
    detail = made.booked_detail("x" * 400)
    assert len(detail) <= 200
    assert hashlib.sha256(b"rm -rf ~\n").hexdigest() in detail
    assert hashlib.sha256(b"rm: refused").hexdigest() in detail


def test_an_action_without_a_stream_is_booked_with_its_words_alone() -> None:
    made = stream(PROCESSES)
    made.add(b"{}\n", 1)
    assert made.booked_detail("it ended without a result") == "it ended without a result"
