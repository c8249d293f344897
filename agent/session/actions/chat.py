"""chat and chat.say: messages of the visit, both ways. Nothing is redacted: people write them to each other."""

from collections.abc import AsyncIterator

from agent.session.actions.service_bench import Brought, ServiceBench
from diagnostics.strict_json import encode
from protocol.actions.chat import ChatArguments, ChatSayArguments


async def serve_chat(arguments: ChatArguments, bench: ServiceBench) -> AsyncIterator[Brought]:
    """What was said in this visit, then each new message; until it is cancelled."""
    grant, seen = bench.here().grant, 0
    while True:
        for message in await bench.chat.after(grant, seen):
            seen = message.number
            yield Brought("chat-message", encode(message), is_open=True)


async def serve_chat_say(arguments: ChatSayArguments, bench: ServiceBench) -> AsyncIterator[Brought]:
    """The author is the verified technician of the visit, who has signed this action."""
    visit = bench.here()
    message = bench.chat.say(visit.grant, "technician", visit.technician, arguments.text)
    yield Brought("chat-message", encode(message), is_open=True)
