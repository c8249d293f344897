"""Limits that depend on one another must agree with one another."""

import struct

from protocol import limits
from protocol.channel import FRAME_HEADER


def test_a_record_is_a_noise_message_without_its_tag() -> None:
    assert limits.RECORD_PLAINTEXT_MAX_BYTES == 65_519
    assert limits.RELAY_MESSAGE_MAX_BYTES == limits.NOISE_MESSAGE_MAX_BYTES == 65_535


def test_the_longest_frame_fills_a_record_exactly() -> None:
    record_type = struct.calcsize(">B")
    assert record_type + FRAME_HEADER.size + limits.FRAME_PAYLOAD_MAX_BYTES == limits.RECORD_PLAINTEXT_MAX_BYTES


def test_every_number_is_positive_and_names_its_unit() -> None:
    units = ("_BYTES", "_S", "_CHARS", "_MAX", "_DEPTH", "_LENGTH", "_RECORDS", "_AN_HOUR", "_SPLAY", "_EACH")
    units_themselves = {"KIB", "MIB"}
    numbers = {name: value for name, value in vars(limits).items() if name.isupper()}
    assert len(numbers) > 40
    for name, value in numbers.items():
        assert value > 0, name
        assert name in units_themselves or name.endswith(units), name


def test_what_is_inside_fits_into_what_is_around_it() -> None:
    assert limits.LOGIN_MAX_BYTES <= limits.CONTROL_MESSAGE_MAX_BYTES
    # base64 makes 4 of 3; the rest is the envelope
    assert limits.ITEM_BODY_MAX_BYTES * 4 // 3 + 4096 <= limits.CONTROL_MESSAGE_MAX_BYTES
    assert limits.STATEMENT_MAX_BYTES <= limits.PACK_STATEMENT_MAX_BYTES
    assert limits.NOTE_MAX_BYTES * 4 // 3 + 4096 <= limits.CONTROL_MESSAGE_MAX_BYTES
    assert limits.BUNDLE_SOFT_CAP_BYTES < limits.BUNDLE_HARD_CAP_BYTES
    assert limits.CREDIT_STEP_BYTES * 2 <= limits.STREAM_WINDOW_BYTES
    assert limits.RELAY_QUEUE_BYTES >= limits.RELAY_MESSAGE_MAX_BYTES
    assert limits.STREAMS_OPEN_MAX_EACH * 2 == limits.STREAMS_OPEN_MAX


def test_waiting_times_are_in_an_order_that_works() -> None:
    assert limits.HEARTBEAT_S * (1 + limits.HEARTBEAT_SPLAY) < limits.HALF_OPEN_S
    assert limits.BACKOFF_BASE_S < limits.BACKOFF_CAP_S <= limits.RETRY_AFTER_CAP_S
    assert limits.STOP_S < limits.STOP_CHILDREN_S
    assert limits.RISK3_WAIT_S < limits.CONSENT_TIMEOUT_S
    assert limits.HANDSHAKE_TIMEOUT_S < limits.ROOM_WAIT_S <= limits.JOIN_TOKEN_S
    # the clock that ends a session is not outrun by the one that changes its keys
    assert limits.REKEY_S < limits.SESSION_MINUTES_MAX * 60
