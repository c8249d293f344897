"""When a room is given: an agent that is there, within the bounds of technician and device."""

import pytest

from protocol.messages.api import SessionAsk
from protocol.messages.login import Welcome
from protocol.messages.sessions import SessionOffer
from server.quotas import Quota
from server.refusal import Refusal
from server.relay.meeting import LEFT
from server.sessions.rules import check_offer
from tests.server.actors import World


def test_what_is_refused_for_another_reason_uses_up_no_permit() -> None:
    taken: list[int] = []

    def take() -> float:
        taken.append(1)
        return 0

    with pytest.raises(Refusal) as away:
        check_offer(connected=False, rooms=0, rooms_max=8, take=take)
    with pytest.raises(Refusal) as many:
        check_offer(connected=True, rooms=8, rooms_max=8, take=take)
    assert (away.value.status, many.value.status, taken) == (409, 429, [])
    check_offer(connected=True, rooms=7, rooms_max=8, take=take)
    assert taken == [1]


async def test_a_device_is_not_offered_rooms_without_end(desk: World) -> None:
    device = await desk.approved()
    token = await desk.technician_token()
    ask = SessionAsk(device=device.device, ticket=None)
    object.__setattr__(desk.office.quotas, "offers_by_device", Quota.per_hour(3))
    async with desk.link(device) as link:
        await link.hear(Welcome)
        for _ in range(3):
            assert (await desk.post("/api/sessions", ask, token)).status_code == 200
            desk.office.relay.end((await link.hear(SessionOffer)).room, LEFT, "test")
        refused = await desk.post("/api/sessions", ask, token)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 60
