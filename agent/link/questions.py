"""Questions to the server that wait for one answer: matched by type and content, ended with the connection."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from agent.refusal import Refusal
from protocol.strict_json import WireModel

#: Which answers count: type → whether this one is meant.
Replies = Mapping[type[WireModel], Callable[[WireModel], bool]]


@dataclass(frozen=True)
class _Question:
    replies: Replies
    answer: asyncio.Future[WireModel]


class Questions:
    def __init__(self) -> None:
        self._open: list[_Question] = []

    async def ask(self, send: Callable[[], None], replies: Replies, timeout_s: float) -> WireModel:
        """Send and wait for the first message that is an answer. Refusal when the link ends or time runs out."""
        question = _Question(replies, asyncio.get_running_loop().create_future())
        self._open.append(question)
        try:
            send()
            async with asyncio.timeout(timeout_s):
                return await question.answer
        except TimeoutError:
            raise Refusal(
                "the server did not answer in time", expected=f"an answer within {timeout_s:g} s", got="none"
            ) from None
        finally:
            self._open.remove(question)

    def answered(self, message: WireModel) -> bool:
        """Whether this message was the answer to something. The oldest question that it fits gets it."""
        for question in self._open:
            match = question.replies.get(type(message))
            if match is not None and not question.answer.done() and match(message):
                question.answer.set_result(message)
                return True
        return False

    def end(self) -> None:
        """The connection is over: nobody will answer."""
        for question in self._open:
            if not question.answer.done():
                question.answer.set_exception(
                    Refusal("the connection to the server ended", expected="an answer", got="none", hint="Try again.")
                )
