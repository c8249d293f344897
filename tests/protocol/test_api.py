"""The HTTP interface's shapes: what one end writes the other reads; anything else is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from protocol.errors import RemoteProtocolError
from protocol.grants import SessionRequest
from protocol.journal import Outcome
from protocol.messages import api
from protocol.statements import Envelope
from protocol.strict_json import WireModel, dump, parse
from protocol.visit import (
    ActionResult,
    Changed,
    Granted,
    Hello,
    Introduction,
    Item,
    NotGranted,
    Notice,
    OpenAction,
    RefusalReason,
    SessionClosing,
)
from tests.protocol.visits import ORG, request

MODELS = sorted(
    (
        model
        for model in vars(api).values()
        if isinstance(model, type) and issubclass(model, BaseModel) and model.__module__ == api.__name__
    ),
    key=lambda model: model.__name__,
)
ENVELOPE = request().envelope
SPOKEN: tuple[WireModel, ...] = (
    Introduction(technician=ORG.technician(), request=ENVELOPE),
    Hello(checkpoint="", versions={"revocations-leaves": 1}, revocations=ORG.revocations(), certificate=ORG.device()),
    Granted(grant=ENVELOPE),
    NotGranted(reason=RefusalReason.CUSTOMER),
    OpenAction(action=ENVELOPE, arguments=b"{}"),
    Item(id=1, kind="process", body='{"name":"bash"}'),
    ActionResult(outcome=Outcome.DONE, rows=3),
    Changed(change=ENVELOPE),
    SessionClosing(step="root", journal_root=bytes(32), actions=2),
    Notice(kind="expiring", text="two minutes left"),
)


@pytest.mark.parametrize("said", SPOKEN, ids=lambda said: type(said).__name__)
def test_what_one_end_of_a_visit_says_the_other_hears(said: WireModel) -> None:
    assert parse(dump(said), type(said)) == said


def test_an_envelope_inside_a_message_keeps_its_exact_signed_bytes() -> None:
    heard = parse(dump(SPOKEN[0]), Introduction)
    assert isinstance(heard.request, Envelope)
    assert heard.request.hash == ENVELOPE.hash
    assert SessionRequest.statement_name.payload_type == heard.request.payloadType


def test_a_row_has_a_bounded_body() -> None:
    huge = Item.model_construct(id=1, kind="process", body="x" * 60_001)
    with pytest.raises(RemoteProtocolError, match="60000"):
        parse(dump(huge), Item, max_bytes=1 << 20)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_no_answer_takes_an_unknown_field(model: type[BaseModel]) -> None:
    with pytest.raises(RemoteProtocolError):
        parse(b'{"surprise":1}', model)


@settings(deadline=None, derandomize=True, max_examples=50)
@given(st.sampled_from(MODELS), st.binary(max_size=60))
def test_rubbish_is_refused_with_our_own_error(model: type[BaseModel], data: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        parse(data, model)


def test_an_error_says_what_and_what_to_do() -> None:
    asked = api.ErrorReply(error=api.ErrorFacts(what="the device is not connected", hint="Try again later."))
    assert parse(dump(asked), api.ErrorReply) == asked
