"""Rooms: the table of states, tokens used once, and waiting that ends."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from protocol.limits import JOIN_TOKEN_S, ROOM_WAIT_S
from server.relay.rooms import MOVES, JoinRefused, RoomBook, RoomEvent, RoomState, Side

TOKENS = {b"t" * 32: Side.TECHNICIAN, b"d" * 32: Side.DEVICE}


def book(now_s: float = 0.0) -> RoomBook:
    made = RoomBook()
    made.open("room", device="d-1", serial="s-1", tokens=TOKENS, now_s=now_s)
    return made


def test_every_state_but_the_last_can_end_and_only_waiting_ones_admit() -> None:
    assert {state for state in RoomState if RoomEvent.ENDED in MOVES[state]} == set(RoomState) - {RoomState.CLOSED}
    assert {state for state in RoomState if RoomEvent.JOINED in MOVES[state]} == {RoomState.WAITING, RoomState.HALF}
    assert {target for moves in MOVES.values() for target in moves.values()} == set(RoomState) - {RoomState.WAITING}


def test_two_tokens_pair_a_room_in_either_order() -> None:
    for first, second in (TOKENS, list(reversed(TOKENS))):
        rooms = book()
        assert rooms.join("room", first, 1)[1] is TOKENS[first]
        room, side = rooms.join("room", second, 2)
        assert (side, room.state) == (TOKENS[second], RoomState.PAIRED)


def test_a_token_opens_once() -> None:
    rooms = book()
    rooms.join("room", b"t" * 32, 1)
    with pytest.raises(JoinRefused):
        rooms.join("room", b"t" * 32, 1)


@pytest.mark.parametrize(("name", "token"), [("room", b"x" * 32), ("other", b"t" * 32), ("", b"")])
def test_a_wrong_token_or_room_opens_nothing(name: str, token: bytes) -> None:
    with pytest.raises(JoinRefused):
        book().join(name, token, 1)


def test_a_token_is_too_late_after_its_time_also_in_a_room_that_waits() -> None:
    rooms = book()
    rooms.join("room", b"t" * 32, JOIN_TOKEN_S - 1)
    with pytest.raises(JoinRefused):
        rooms.join("room", b"d" * 32, JOIN_TOKEN_S + 1)


def test_an_unpaired_room_is_overdue_and_a_paired_one_never() -> None:
    rooms = book()
    assert rooms.overdue(JOIN_TOKEN_S) == []
    assert [room.name for room in rooms.overdue(JOIN_TOKEN_S + 1)] == ["room"]
    rooms.join("room", b"t" * 32, 10)
    assert rooms.overdue(10 + ROOM_WAIT_S) == []
    assert rooms.overdue(11 + ROOM_WAIT_S)
    rooms.join("room", b"d" * 32, 20)
    assert rooms.overdue(1e9) == []


class RoomMachine(RuleBasedStateMachine):
    """Any order of joins, ends and waiting: each token at most once, never both sides by one token, no way back."""

    def __init__(self) -> None:
        super().__init__()
        self.rooms = book()
        self.now_s = 0.0
        self.used: list[bytes] = []
        self.over = False

    @rule(token=st.sampled_from([*TOKENS, b"x" * 32]), wait_s=st.floats(0, 40))
    def join(self, token: bytes, wait_s: float) -> None:
        self.now_s += wait_s
        try:
            room, side = self.rooms.join("room", token, self.now_s)
        except JoinRefused:
            return
        assert not self.over
        assert token not in self.used
        assert TOKENS[token] is side
        assert self.now_s <= JOIN_TOKEN_S
        self.used.append(token)
        assert room.state is (RoomState.PAIRED if len(self.used) == 2 else RoomState.HALF)

    @rule()
    def end(self) -> None:
        ended = self.rooms.end("room")
        assert (ended is None) is self.over
        self.over = True

    @invariant()
    def the_book_knows_what_is_not_over(self) -> None:
        assert len(self.rooms) == (0 if self.over else 1)
        assert bool(self.rooms.of_technician("s-1")) is bool(self.rooms.of_device("d-1")) is not self.over


TestRoomMachine = RoomMachine.TestCase
TestRoomMachine.settings = settings(deadline=None, derandomize=True, max_examples=60, stateful_step_count=20)
