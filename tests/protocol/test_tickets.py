"""What a device says about a ticket: its words are a person's, lines and all, and bounded."""

import pytest
from pydantic import ValidationError

from protocol.errors import RemoteProtocolError
from protocol.limits import WORDS_MAX_CHARS
from protocol.messages.desk import CustomerText
from protocol.statements import verify
from protocol.strict_json import dump, parse
from protocol.tickets import TicketOrigin, TicketStatement
from tests.making import NOW
from tests.protocol.visits import DEVICE, DEVICE_ID, ORG, TICKET

WORDS = "Мой диск полон.\n\tPlease help \U0001f642"


def ticket(words: str) -> TicketStatement:
    return TicketStatement(
        ticket=TICKET,
        case="c-" + "a" * 16,
        device=DEVICE_ID,
        root=ORG.root_hash,
        origin=TicketOrigin.CUSTOMER,
        opened_at=NOW,
        finding=None,
        instance=None,
        severity=None,
        words=words,
        evidence=(),
    )


def test_a_persons_words_arrive_as_they_were_written() -> None:
    assert verify(DEVICE.sign(ticket(WORDS)), TicketStatement, DEVICE.verify_key).body.words == WORDS


@pytest.mark.parametrize("words", ["a\0b", "x" * (WORDS_MAX_CHARS + 1)])
def test_words_no_person_types_are_refused_at_both_ends(words: str) -> None:
    with pytest.raises(ValidationError):
        ticket(words)
    sent = CustomerText(id=TICKET, ticket=TICKET, text="x", at=NOW).model_copy(update={"text": words})
    with pytest.raises(RemoteProtocolError, match="text"):
        parse(dump(sent), CustomerText)
