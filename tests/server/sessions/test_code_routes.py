"""A code on the way: made by a technician, typed at a device, and looked at by nobody else."""

from protocol.messages.codes import CodeAnswer, CodeMade, CodeState, CodeTold, CodeTyped
from protocol.messages.items import Stored, TicketItem
from protocol.messages.login import Welcome
from server.sessions.codes import TRIES_MAX
from tests.server.actors import World, uuid


async def test_a_typed_code_names_device_and_ticket_once_the_ticket_is_there(desk: World) -> None:
    device = await desk.approved()
    token = await desk.technician_token()
    made = CodeMade.model_validate_json((await desk.post("/api/codes", b"", token)).content)
    ticket = device.ticket("printer")
    async with desk.link(device) as link:
        await link.hear(Welcome)
        await link.say(CodeTyped(code=made.code, ticket=ticket.ticket))
        assert (await link.hear(CodeAnswer)) == CodeAnswer(code=made.code, found=True)
        assert (await told(desk, made.code, token)).state is CodeState.WAITING  # the ticket is still on its way
        await link.say(TicketItem(id=uuid("t"), ticket=device.key.sign(ticket)))
        await link.hear(Stored)
        typed = await told(desk, made.code, token)
        assert (typed.state, typed.device, typed.ticket) == (CodeState.TYPED, device.device, ticket.ticket)


async def test_wrong_codes_are_counted_and_then_not_looked_up(desk: World) -> None:
    device = await desk.approved()
    token = await desk.technician_token()
    made = CodeMade.model_validate_json((await desk.post("/api/codes", b"", token)).content)
    wrong = f"{(int(made.code) + 1) % 10**9:09}"
    async with desk.link(device) as link:
        await link.hear(Welcome)
        for _ in range(TRIES_MAX):
            await link.say(CodeTyped(code=wrong, ticket=uuid("x")))
            assert not (await link.hear(CodeAnswer)).found
        await link.say(CodeTyped(code=made.code, ticket=uuid("x")))
        late = await link.hear(CodeAnswer)
    assert not late.found
    assert late.retry_after_s > 60
    assert (await told(desk, made.code, token)).state is CodeState.WAITING
    assert (await desk.get("/api/codes/000000000", token)).status_code == 404


async def told(desk: World, code: str, token: str) -> CodeTold:
    answer = await desk.get(f"/api/codes/{code}", token)
    assert answer.status_code == 200
    return CodeTold.model_validate_json(answer.content)
