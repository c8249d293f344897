"""Why a room came to nothing before the device was in it, in plain words. Pure.

    4410 "declined: cool-down"      the device's own word, as the server tells it: nothing of it is proven
    4411 "the other side did not come"
    4403                            the room was gone when we came: mostly because the device declined at once
    anything else                   what the relay said, or that it said nothing

A no of the customer is not among these: it comes through the sealed channel (outcome.py).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from technician.problems import Problem

_DECLINED: Final = 4410
_NOBODY_CAME: Final = 4411
_GONE: Final = 4403

#: The device's word → what it means, and what can be done.
DECLINES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "cool-down": (
            "the customer said no a short while ago, or was asked too often",
            "Nobody is asked again for half an hour, unless the customer writes to their ticket or types a code of "
            "yours: bellpull connect --code",
        ),
        "busy": (
            "another visit is under way there, or somebody is just asking",
            "Wait until it is over; or let the colleague hand it over to you: handover YOUR NAME, then "
            "bellpull connect … --handover",
        ),
        "stopped": (
            "the customer has reported abuse: nobody is let in",
            "An administrator of that machine lifts it; speak with the customer by other means.",
        ),
        "unknown-ticket": (
            "the device knows no such ticket, or it is closed",
            "It asks only about tickets of its own that are open: let the customer open one.",
        ),
        "not-enrolled": ("the device does not belong to your organisation any more", "Let it be enrolled again."),
    }
)


def turned_away(code: int, reason: str) -> Problem:
    if code == _DECLINED:
        word = reason.removeprefix("declined: ")
        why, hint = DECLINES.get(word, (f"it says: {word[:80]}" if word else "it gives no reason", "Ask again later."))
        return Problem("the device does not let you ask now", expected="to be asked", got=why, hint=hint)
    if code == _NOBODY_CAME:
        return Problem(
            "the device did not come into the room",
            expected="it within a minute",
            got="nobody",
            hint="It is connected to the server and does not answer; ask the customer to restart Bellpull there.",
        )
    if code == _GONE:
        return Problem(
            "the room was closed before we were in it",
            expected="the device to join",
            got="the device declined at once, or the server was restarted",
            hint="The device may be in another visit, know no such ticket, or have been asked too often: ask again.",
        )
    return Problem(
        "the relay closed the room",
        expected="the device to join",
        got=reason[:120] or "the connection broke off",
        hint="Ask again.",
    )
