"""A device that does not come into the room: its word, in plain ones, for the person who asks."""

from typing import get_args

import pytest

from protocol.messages.sessions import OfferDeclined
from server.relay import meeting
from technician.session.turned_away import DECLINES, turned_away

WORDS = get_args(OfferDeclined.model_fields["reason"].annotation)


def test_every_word_a_device_may_decline_with_is_told_plainly() -> None:
    assert set(DECLINES) == set(WORDS)
    for word in WORDS:
        told = turned_away(meeting.DECLINED, f"declined: {word}")
        assert (told.got, told.hint) == DECLINES[word]
        assert word not in told.got.split()


@pytest.mark.parametrize(
    ("code", "reason", "said"),
    [
        (meeting.DECLINED, "declined: a-word-of-a-newer-device", "it says: a-word-of-a-newer-device"),
        (meeting.DECLINED, "", "it gives no reason"),
        (meeting.NOBODY_CAME, "the other side did not come", "nobody"),
        (meeting.NOT_ADMITTED, "no such room, or this token does not open it", "declined at once"),
        (meeting.RESTARTING, "the server is restarting", "the server is restarting"),
        (0, "", "the connection broke off"),
    ],
)
def test_whatever_the_relay_says_is_a_sentence_with_something_to_do(code: int, reason: str, said: str) -> None:
    told = turned_away(code, reason)
    assert said in (told.got or "")
    assert told.hint
    assert "no reason given" not in str(told)
