"""The technician's steps of a visit against a device end made of protocol pieces."""

import random

import pytest

from protocol.actions.diagnose import DiagnoseArguments
from protocol.actions.logs import LogsArguments
from protocol.actions.processes import ProcessesArguments
from protocol.actions.scopes import Scope
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.grants import EndedBy
from protocol.journal import Outcome
from protocol.session_state import SessionState
from protocol.visit import ActionResult, Item, RefusalReason
from technician.session.actions import LINE_MAX_BYTES, take_data
from technician.session.events import (
    ActionEnded,
    Closing,
    GrantCame,
    Handshaken,
    Narrowed,
    PeerHello,
    ReceiptCame,
    Refused,
    Row,
    Stopped,
)
from tests.making import NOW, seed, signing_key
from tests.technician.device_end import DeviceEnd, process_item
from tests.technician.pairing import ORG, ROOM, TICKET, Pair, pair


def granted(device: DeviceEnd | None = None) -> Pair:
    made = pair(device).shake_hands()
    made.to_technician(made.device.decide())
    made.took()
    return made


def test_a_whole_visit_ends_with_a_countersigned_receipt_of_exactly_it() -> None:
    made = pair(DeviceEnd(ORG, ROOM, TICKET, items=[process_item(number) for number in range(3)])).shake_hands()
    handshaken, hello = made.took()
    assert handshaken == Handshaken(made.device.phrase)
    assert isinstance(hello, PeerHello)
    assert hello.certificate == made.device.chain

    made.to_technician(made.device.decide())
    (grant,) = made.took()
    assert isinstance(grant, GrantCame)
    assert grant.grant.body.scopes == (Scope.DIAGNOSE, Scope.PROCESSES)

    stream = made.initiator.open_action("processes", ProcessesArguments(), NOW)
    made.exchange()
    *rows, ended = made.took()
    assert [row.item.id for row in rows if isinstance(row, Row)] == [0, 1, 2]
    assert ended == ActionEnded(stream, ActionResult(outcome=Outcome.DONE, rows=3))

    made.initiator.end("done")
    made.exchange()
    closing, receipt = made.took()
    assert closing == Closing(disputed=False, reason="")
    assert isinstance(receipt, ReceiptCame)
    assert receipt.proven is not None
    assert receipt.proven.countersigned
    assert receipt.proven.certified_device
    assert receipt.ended_by is EndedBy.TECHNICIAN
    assert made.initiator.state is SessionState.ENDED


def test_an_action_outside_the_grant_is_refused_by_the_device_and_the_visit_goes_on() -> None:
    made = granted()
    made.initiator.open_action("logs", LogsArguments(), NOW)
    made.exchange()
    (refused,) = made.took()
    assert isinstance(refused, ActionEnded)
    assert refused.result.outcome is Outcome.REFUSED
    made.initiator.open_action("diagnose", DiagnoseArguments(), NOW)
    made.exchange()
    (done,) = made.took()
    assert isinstance(done, ActionEnded)
    assert done.result.outcome is Outcome.DONE
    made.initiator.end()
    made.exchange()
    receipt = made.took()[-1]
    assert isinstance(receipt, ReceiptCame)
    assert receipt.proven is not None
    assert [(action.action, action.outcome) for action in receipt.proven.receipt.actions] == [
        ("logs", Outcome.REFUSED),
        ("diagnose", Outcome.DONE),
    ]


def test_stop_by_the_customer_ends_everything_and_still_brings_a_receipt() -> None:
    made = granted()
    made.to_technician(made.device.stop())
    stopped, closing, receipt = made.took()
    assert stopped == Stopped()
    assert isinstance(closing, Closing)
    assert isinstance(receipt, ReceiptCame)
    assert receipt.ended_by is EndedBy.CUSTOMER
    with pytest.raises(LocalProtocolError, match="does not send OPEN now"):
        made.initiator.open_action("diagnose", DiagnoseArguments(), NOW)


def test_narrowing_takes_scopes_back_and_never_gives_more() -> None:
    made = granted()
    made.to_technician(made.device.narrow(Scope.DIAGNOSE, Scope.TERMINAL))
    (narrowed,) = made.took()
    assert narrowed == Narrowed(frozenset({"diagnose"}))
    assert made.initiator.scopes == {Scope.DIAGNOSE}


def test_a_no_is_a_no() -> None:
    made = pair(DeviceEnd(ORG, ROOM, TICKET, granted=())).shake_hands()
    made.took()
    made.to_technician(made.device.decide())
    assert made.took() == [Refused(RefusalReason.CUSTOMER)]
    assert made.initiator.state is SessionState.ENDED


def test_a_device_with_another_noise_key_than_its_certificate_never_gets_the_introduction() -> None:
    made = pair(device_key=seed("somebody between"))
    with pytest.raises(RemoteProtocolError):
        made.device.receive(made.initiator.begin())
    assert made.initiator.request is None


@pytest.mark.parametrize(
    ("bent", "what"),
    [
        ({"device": "d-" + "a" * 26}, "another device"),
        ({"handshake": bytes(32)}, "another handshake"),
        ({"request": bytes(32)}, "another request"),
        ({"serial": "0" * 32}, "another certificate"),
        ({"ticket": None}, "another ticket"),
        ({"root": bytes(32)}, "another root"),
        ({"scopes": (Scope.DIAGNOSE, Scope.TERMINAL)}, "more than was asked"),
        ({"minutes": 60}, "more than was asked"),
    ],
)
def test_a_grant_that_is_not_about_this_visit_is_refused(bent: dict[str, object], what: str) -> None:
    made = pair().shake_hands()
    with pytest.raises(RemoteProtocolError, match=what):
        made.to_technician(made.device.decide(**bent))


def test_a_grant_signed_by_another_key_is_refused() -> None:
    made = pair().shake_hands()
    made.device.signing = signing_key("device of a thief")
    with pytest.raises(RemoteProtocolError, match="does not verify"):
        made.to_technician(made.device.decide())


def test_a_root_over_other_actions_is_not_countersigned() -> None:
    made = granted()
    made.initiator.open_action("diagnose", DiagnoseArguments(), NOW)
    made.exchange()
    made.device.statements.clear()  # the device forgets what it was asked
    made.took()
    made.initiator.end()
    made.exchange()
    closing = made.took()[0]
    assert closing == Closing(disputed=True, reason="")
    assert made.device.closing is not None
    assert made.device.closing.close is None


def test_a_receipt_that_tells_another_outcome_is_kept_with_its_fault() -> None:
    made = granted()
    made.initiator.open_action("logs", LogsArguments(), NOW)
    made.exchange()
    # The device rewrites its own books before the end: refused becomes done, consistently and well signed.
    entry = made.device.journal[1].model_copy(update={"outcome": Outcome.DONE})
    made.device.journal[1] = entry
    made.device.told[0] = made.device.told[0].model_copy(update={"outcome": Outcome.DONE})
    made.took()
    made.initiator.end()
    made.exchange()
    receipt = made.took()[-1]
    assert isinstance(receipt, ReceiptCame)
    assert receipt.proven is None
    assert "outcome of action 1" in receipt.fault


def test_a_row_longer_than_allowed_ends_the_visit() -> None:
    made = granted()
    made.initiator.open_action("processes", ProcessesArguments(), NOW)
    made.exchange()
    assert made.initiator.chain is not None
    action = made.initiator.chain.sent[0]
    assert take_data(action, b"x" * LINE_MAX_BYTES) == ([], LINE_MAX_BYTES)
    with pytest.raises(RemoteProtocolError, match="too long"):
        take_data(action, b"x")


def test_rows_are_put_together_whatever_the_pieces() -> None:
    chosen = random.Random(7)
    items = [
        Item(id=number, kind="text-line", body='{"file":"a","text":"' + "ж" * number + '"}') for number in range(60)
    ]
    made = granted(DeviceEnd(ORG, ROOM, TICKET, items=items))
    assert made.device.connection is not None
    send = made.device.connection.send

    def in_pieces(stream: int, data: bytes) -> None:
        while data:
            size = chosen.randint(1, 700)
            send(stream, data[:size])
            data = data[size:]

    made.device.connection.send = in_pieces  # type: ignore[method-assign]
    stream = made.initiator.open_action("processes", ProcessesArguments(), NOW)
    made.exchange()
    *rows, ended = made.took()
    assert [row.item for row in rows if isinstance(row, Row)] == items
    assert isinstance(ended, ActionEnded)
    for row in rows:
        assert isinstance(row, Row)
        made.initiator.consumed(stream, row.size_bytes)  # never more than had come: LocalProtocolError otherwise


def test_bent_records_open_nothing(soak: bool) -> None:
    """The relay flips one bit of one record, each time another: the visit ends, and nothing of it is believed."""
    chosen = random.Random(11)
    for _ in range(2000 if soak else 100):
        made = granted(DeviceEnd(ORG, ROOM, TICKET, items=[process_item(1)]))

        def flip(data: bytes) -> bytes:
            place = chosen.randrange(len(data) * 8)
            bent = bytearray(data)
            bent[place // 8] ^= 1 << place % 8
            return bytes(bent)

        made.tamper = flip
        made.initiator.open_action("processes", ProcessesArguments(), NOW)
        with pytest.raises(RemoteProtocolError):
            made.exchange()
        assert made.took() == []
        with pytest.raises(LocalProtocolError):
            made.initiator.receive(b"anything", now=NOW, mono_s=0.0)
