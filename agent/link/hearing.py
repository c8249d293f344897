"""Who hears which message of the server. Handlers run beside the reading, a bounded number at one time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from agent.event_log import EventLog
from agent.refusal import Refusal
from protocol.errors import ProtocolError, RemoteProtocolError
from protocol.strict_json import WireModel

M = TypeVar("M", bound=WireModel)

# A server that sends faster than the agent can answer is closed.
HANDLERS_MAX: Final = 64


class Hearing:
    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._handlers: dict[type[WireModel], list[Callable[[WireModel], Awaitable[None]]]] = {}
        self._running: set[asyncio.Task[None]] = set()

    def on(self, model: type[M], handler: Callable[[M], Awaitable[None]]) -> None:
        """In the order of registration. One that raises is logged; the others and the link go on."""
        self._handlers.setdefault(model, []).append(handler)  # type: ignore[arg-type]  # called with its model only

    def hand_over(self, message: WireModel) -> None:
        """Start the handlers of this message. RemoteProtocolError when too many are running already."""
        handlers = self._handlers.get(type(message), ())
        if handlers and len(self._running) >= HANDLERS_MAX:
            raise RemoteProtocolError(
                "more messages than can be answered", expected=f"at most {HANDLERS_MAX} at one time", got="more"
            )
        for handler in handlers:
            task = asyncio.create_task(self._handle(handler, message))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _handle(self, handler: Callable[[WireModel], Awaitable[None]], message: WireModel) -> None:
        try:
            await handler(message)
        except (ProtocolError, Refusal) as error:
            self._log.warning("message-not-taken", type=type(message).__name__, reason=str(error))
        except Exception as error:  # noqa: BLE001 - one handler's defect must not end the link; it is shown
            self._log.defect("handler-raised", error, type=type(message).__name__)
