"""Sealed records: what comes out is exactly what went in, in order, or the channel is dead."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol import limits
from protocol.channel import (
    FRAME_PAYLOAD_MAX_BYTES,
    SESSION_FRAMES,
    Channel,
    ConnectionLost,
    Frame,
    FrameType,
    PeerFinished,
    RecordType,
)
from protocol.cipher_state import CipherState
from protocol.errors import LocalProtocolError, RemoteProtocolError

THERE, BACK = bytes([1]) * 32, bytes([2]) * 32


def cipher(key: bytes) -> CipherState:
    return CipherState("AESGCM", key)


def pair() -> tuple[Channel, Channel]:
    return (
        Channel(cipher(THERE), cipher(BACK), now_s=0.0),
        Channel(cipher(BACK), cipher(THERE), now_s=0.0),
    )


def receiver_of(*plaintexts: bytes) -> tuple[Channel, list[bytes]]:
    """A channel, and records that hold exactly these plaintexts."""
    sender = cipher(BACK)
    return Channel(cipher(THERE), cipher(BACK), now_s=0.0), [sender.encrypt(text) for text in plaintexts]


def data(payload: bytes, stream: int = 1) -> Frame:
    return Frame(FrameType.DATA, stream, payload)


# --- What goes through


def test_frames_arrive_whole_in_order_and_share_a_record() -> None:
    sender, receiver = pair()
    frames = [Frame(FrameType.HELLO, 0, b"{}"), data(b"hi"), data(b"", 7), Frame(FrameType.CLOSE, 7, b"bye")]
    records = sender.send_frames(frames, 0.0)
    assert len(records) == 1
    assert receiver.receive_record(records[0]) == frames


def test_record_bytes_are_the_documented_ones() -> None:
    sender, _ = pair()
    (record,) = sender.send_frames([data(b"hi")], 0.0)
    assert cipher(THERE).decrypt(record) == bytes.fromhex("01 02 00000001 00000002 6869")


def test_no_frames_make_no_record() -> None:
    sender, _ = pair()
    assert sender.send_frames([], 0.0) == []


def test_frames_never_span_records_and_records_are_filled() -> None:
    sender, receiver = pair()
    frames = [data(bytes([number]) * 30_000) for number in range(5)]
    records = sender.send_frames(frames, 0.0)
    assert [len(receiver.receive_record(record)) for record in records] == [2, 2, 1]


def test_numbers_on_the_wire_never_change() -> None:
    assert {kind.name: int(kind) for kind in RecordType} == {"FRAMES": 1, "REKEY": 2, "FIN": 3}
    assert {kind.name: int(kind) for kind in FrameType} == {
        "OPEN": 1,
        "DATA": 2,
        "CREDIT": 3,
        "CLOSE": 4,
        "RESET": 5,
        "HELLO": 16,
        "GRANT": 17,
        "GRANT_CHANGE": 18,
        "REFUSED": 19,
        "SESSION_CLOSE": 20,
        "RECEIPT": 21,
        "NOTICE": 22,
    }


def test_each_of_several_longest_frames_fills_its_own_record() -> None:
    sender, receiver = pair()
    frames = [data(bytes([number]) * FRAME_PAYLOAD_MAX_BYTES) for number in range(3)]
    records = sender.send_frames(frames, 0.0)
    assert [receiver.receive_record(record) for record in records] == [[frame] for frame in frames]


def test_longest_frame_fills_one_record_and_one_byte_more_is_our_mistake() -> None:
    sender, receiver = pair()
    (record,) = sender.send_frames([data(bytes(FRAME_PAYLOAD_MAX_BYTES))], 0.0)
    assert len(record) == limits.RELAY_MESSAGE_MAX_BYTES
    assert receiver.receive_record(record) == [data(bytes(FRAME_PAYLOAD_MAX_BYTES))]
    with pytest.raises(LocalProtocolError, match="does not fit"):
        sender.send_frames([data(b"first"), data(bytes(FRAME_PAYLOAD_MAX_BYTES + 1))], 0.0)
    (record,) = sender.send_frames([data(b"nothing was lost")], 0.0)
    assert receiver.receive_record(record) == [data(b"nothing was lost")]


frames_strategy = st.lists(
    st.one_of(
        st.builds(Frame, st.sampled_from(sorted(SESSION_FRAMES)), st.just(0), st.binary(max_size=200)),
        st.builds(
            Frame,
            st.sampled_from([FrameType.OPEN, FrameType.DATA, FrameType.CLOSE]),
            st.integers(1, limits.STREAM_ID_MAX),
            st.one_of(st.binary(max_size=200), st.integers(0, FRAME_PAYLOAD_MAX_BYTES).map(bytes)),
        ),
    ),
    max_size=12,
)


@given(st.lists(frames_strategy, max_size=4))
@settings(deadline=None, derandomize=True, max_examples=100)
def test_any_frames_come_out_as_they_went_in(batches: list[list[Frame]]) -> None:
    sender, receiver = pair()
    for batch in batches:
        received: list[Frame | PeerFinished] = []
        for record in sender.send_frames(batch, 0.0):
            assert len(record) <= limits.RELAY_MESSAGE_MAX_BYTES
            received += receiver.receive_record(record)
        assert received == batch


# --- Our own mistakes


@pytest.mark.parametrize(
    "frame",
    [
        Frame(FrameType.HELLO, 1, b""),
        Frame(FrameType.DATA, 0, b"x"),
        Frame(FrameType.DATA, limits.STREAM_ID_MAX + 1, b"x"),
        Frame(FrameType.DATA, -1, b"x"),
    ],
)
def test_frame_on_an_impossible_stream_is_not_sent(frame: Frame) -> None:
    sender, _ = pair()
    with pytest.raises(LocalProtocolError):
        sender.send_frames([frame], 0.0)


def test_channel_refuses_keys_that_were_used_before() -> None:
    used = cipher(THERE)
    used.encrypt(b"")
    with pytest.raises(LocalProtocolError, match="fresh"):
        Channel(used, cipher(BACK), now_s=0.0)


# --- Rekey


def test_key_changes_by_time_and_the_counter_goes_on() -> None:
    sender, receiver = pair()
    records = sender.send_frames([data(b"1")], limits.REKEY_S - 1.0)
    assert len(records) == 1
    records += sender.send_frames([data(b"2")], float(limits.REKEY_S))
    assert len(records) == 3  # the middle one is REKEY
    records += sender.send_frames([data(b"3")], limits.REKEY_S + 1.0)
    assert len(records) == 4
    received = [receiver.receive_record(record) for record in records]
    assert received == [[data(b"1")], [], [data(b"2")], [data(b"3")]]
    assert receiver.receive_record(sender.close()) == [PeerFinished(4)]

    old_key = cipher(THERE)
    old_key.decrypt(records[0])
    assert old_key.decrypt(records[1]) == bytes.fromhex("02")
    with pytest.raises(RemoteProtocolError):
        old_key.decrypt(records[2])


def test_key_changes_after_so_many_records(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REKEY_RECORDS", 3)
    sender, receiver = pair()
    counts = [len(sender.send_frames([data(b"x")], 0.0)) for _ in range(9)]
    assert counts == [1, 1, 1, 2, 1, 1, 2, 1, 1]
    assert not receiver.dead


def test_peer_that_does_not_change_its_key_in_time_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    sender, receiver = pair()
    records = [sender.send_frames([data(b"x")], 0.0)[0] for _ in range(4)]
    monkeypatch.setattr(limits, "REKEY_RECORDS", 3)
    for record in records[:3]:
        receiver.receive_record(record)
    with pytest.raises(RemoteProtocolError, match="key for too long"):
        receiver.receive_record(records[3])
    assert receiver.dead


def test_peer_that_does_change_it_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REKEY_RECORDS", 3)
    sender, receiver = pair()
    heard = [
        said
        for number in range(20)
        for record in sender.send_frames([data(bytes([number]))], 0.0)
        for said in receiver.receive_record(record)
    ]
    assert heard == [data(bytes([number])) for number in range(20)]


@pytest.mark.soak
def test_a_million_records_change_the_key_for_real(soak: bool) -> None:
    if not soak:
        pytest.skip("long: make soak")
    sender, receiver = pair()
    frame = data(b"x")
    for _ in range(limits.REKEY_RECORDS):
        (record,) = sender.send_frames([frame], 0.0)
        receiver.receive_record(record)
    rekey, record = sender.send_frames([frame], 0.0)
    assert receiver.receive_record(rekey) == []
    assert receiver.receive_record(record) == [frame]


# --- FIN and truncation


def test_fin_with_the_right_count_means_nothing_is_missing() -> None:
    sender, receiver = pair()
    for record in sender.send_frames([data(bytes(60_000)), data(bytes(60_000))], 0.0):
        receiver.receive_record(record)
    assert receiver.receive_record(sender.close()) == [PeerFinished(2)]
    assert receiver.peer_finished
    assert sender.finished
    assert receiver.connection_lost() == ConnectionLost(truncated=False, records=3)


def test_each_direction_finishes_by_itself() -> None:
    sender, receiver = pair()
    receiver.receive_record(sender.close())
    (record,) = receiver.send_frames([data(b"still talking", 2)], 0.0)
    assert sender.receive_record(record) == [data(b"still talking", 2)]
    assert sender.receive_record(receiver.close()) == [PeerFinished(1)]


def test_lost_connection_without_fin_is_reported_as_truncated() -> None:
    sender, receiver = pair()
    (record,) = sender.send_frames([data(b"x")], 0.0)
    receiver.receive_record(record)
    assert receiver.connection_lost() == ConnectionLost(truncated=True, records=1)
    with pytest.raises(LocalProtocolError):
        receiver.receive_record(sender.close())


def test_nothing_is_sent_after_our_fin_or_after_the_loss() -> None:
    sender, receiver = pair()
    sender.close()
    with pytest.raises(LocalProtocolError):
        sender.send_frames([data(b"x")], 0.0)
    with pytest.raises(LocalProtocolError):
        sender.close()
    receiver.connection_lost()
    with pytest.raises(LocalProtocolError):
        receiver.close()


def test_record_after_fin_is_refused() -> None:
    sender = cipher(BACK)
    receiver = Channel(cipher(THERE), cipher(BACK), now_s=0.0)
    receiver.receive_record(sender.encrypt(b"\x03" + bytes(8)))
    with pytest.raises(RemoteProtocolError, match="after FIN"):
        receiver.receive_record(sender.encrypt(b"\x02"))
    assert receiver.dead


# --- Malformed records, each authentic


HEADER_OK = bytes.fromhex("02 00000001 00000002 6869")


@pytest.mark.parametrize(
    ("plaintext", "message"),
    [
        (b"", "empty"),
        (b"\x00", "unknown type"),
        (b"\x04" + HEADER_OK, "unknown type"),
        (b"\x01", "FRAMES record is empty"),
        (b"\x01" + HEADER_OK[:8], "cut off in its header"),
        (b"\x01" + HEADER_OK + b"\x02", "cut off in its header"),
        (b"\x01" + HEADER_OK[:-1], "cut off in its payload"),
        (b"\x01" + bytes.fromhex("02 00000001 ffffffff 6869"), "cut off in its payload"),
        (b"\x01" + bytes.fromhex("00 00000001 00000000"), "unknown type"),
        (b"\x01" + bytes.fromhex("06 00000001 00000000"), "unknown type"),
        (b"\x01" + bytes.fromhex("17 00000000 00000000"), "unknown type"),
        (b"\x01" + bytes.fromhex("ff 00000000 00000000"), "unknown type"),
        (b"\x01" + bytes.fromhex("02 00000000 00000000"), "wrong stream"),
        (b"\x01" + bytes.fromhex("10 00000001 00000000"), "wrong stream"),
        (b"\x02\x00", "REKEY record carries"),
        (b"\x03", "wrong length"),
        (b"\x03" + bytes(7), "wrong length"),
        (b"\x03" + bytes(9), "wrong length"),
        (b"\x03" + (1).to_bytes(8, "big"), "another number"),
        (b"\x03" + b"\xff" * 8, "another number"),
    ],
)
def test_malformed_record_kills_the_channel(plaintext: bytes, message: str) -> None:
    receiver, (record, good) = receiver_of(plaintext, b"\x01" + HEADER_OK)
    with pytest.raises(RemoteProtocolError, match=message):
        receiver.receive_record(record)
    assert receiver.dead
    with pytest.raises(LocalProtocolError, match="dead"):
        receiver.receive_record(good)
    with pytest.raises(LocalProtocolError):
        receiver.send_frames([data(b"x")], 0.0)


def test_no_frame_of_a_bad_record_is_believed() -> None:
    receiver, (record,) = receiver_of(b"\x01" + HEADER_OK + b"\xff" * 9)
    with pytest.raises(RemoteProtocolError):
        receiver.receive_record(record)


def test_record_longer_than_a_noise_message_is_refused_unopened() -> None:
    receiver, _ = receiver_of()
    with pytest.raises(RemoteProtocolError, match="too long"):
        receiver.receive_record(bytes(limits.RELAY_MESSAGE_MAX_BYTES + 1))


def test_forged_record_kills_the_channel() -> None:
    receiver, _ = receiver_of()
    with pytest.raises(RemoteProtocolError, match="authenticate"):
        receiver.receive_record(bytes(100))
    assert receiver.dead
    assert receiver.connection_lost().truncated


def test_killed_channel_says_nothing_more() -> None:
    sender, _ = pair()
    sender.kill()
    with pytest.raises(LocalProtocolError):
        sender.send_frames([data(b"x")], 0.0)
    with pytest.raises(LocalProtocolError):
        sender.receive_record(b"")


@given(st.binary(max_size=300))
@settings(deadline=None, derandomize=True, max_examples=500)
def test_any_authentic_plaintext_is_frames_that_repack_to_itself_or_a_typed_error(plaintext: bytes) -> None:
    """One spelling only: what is accepted as frames is byte for byte what we would have sent."""
    receiver, (record,) = receiver_of(plaintext)
    try:
        said = receiver.receive_record(record)
    except RemoteProtocolError:
        assert receiver.dead
        return
    if plaintext[0] == 1:
        frames = [frame for frame in said if isinstance(frame, Frame)]
        assert frames == said
        (again,) = Channel(cipher(THERE), cipher(BACK), now_s=0.0).send_frames(frames, 0.0)
        assert cipher(THERE).decrypt(again) == plaintext
    else:
        assert (plaintext, said) in [(b"\x02", []), (b"\x03" + bytes(8), [PeerFinished(0)])]
