"""Who does an action: the session host, the service itself, or both, one after the other. To a visit this is one host.

    run ─► service part (agent/session/actions/service_part.py) ── open rows ──► the technician
                     └── raw rows, or why it failed ──► `told` ─► host part: works with them, redacts ──► the technician
    run ─► no service part: the host at once

Cancelling, or killing, ends the service part at once as well; what it has begun at the machine and must not be left
half (a fix) goes on by itself to its end (agent/mending).
"""

import asyncio
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from agent.refusal import Refusal
from agent.session.actions.service_bench import Brought, Declined, ServiceBench, Serving
from agent.session.actions.service_part import HOST_FOLLOWS, SERVING
from agent.session.effects import Finished, Rows
from agent.session.host_process import HostEvent
from agent.session.host_wire import ToldRow
from agent.session.visit import Host
from diagnostics.strict_json import dump_json
from protocol import strict_json
from protocol.actions.catalogue import find_action, parse_arguments
from protocol.errors import ProtocolError
from protocol.journal import Outcome
from protocol.visit import Item

#: One raw row: a series of 30 days is a tenth of it. Escaped, it still fits into a line to the host.
RAW_MAX_CHARS: Final = 200_000


class TellingHost(Host, Protocol):
    """The session host, as far as it is told things."""

    def tell(self, sequence: int, rows: "list[ToldRow]", failed: str = "") -> None: ...


class Doers:
    """One for each visit. `heard` gets rows and ends of service parts; the host tells its own by itself."""

    def __init__(self, host: TellingHost, bench: ServiceBench, heard: Callable[[HostEvent], None]) -> None:
        self._host = host
        self._bench = bench
        self._heard = heard
        self._serving: dict[int, asyncio.Task[None]] = {}

    @property
    def pid(self) -> int | None:
        return self._host.pid

    async def start(self) -> None:
        await self._host.start()

    def run(self, sequence: int, action: str, arguments: bytes, now: int) -> None:
        serve = SERVING.get(action)
        if serve is None:
            self._host.run(sequence, action, arguments, now)
            return
        task = asyncio.create_task(self._serve(serve, sequence, action, arguments, now))
        self._serving[sequence] = task
        task.add_done_callback(lambda _: self._serving.pop(sequence, None))

    async def _serve(self, serve: Serving, sequence: int, action: str, arguments: bytes, now: int) -> None:
        raw: list[ToldRow] = []
        failed = ""
        count = 0
        try:
            typed = parse_arguments(find_action(action), arguments)
            async for brought in serve(typed, self._bench):
                if brought.is_open:
                    count += 1
                    self._heard(Rows(sequence, _line(count, brought), 1))
                else:
                    raw.append(_raw(brought))
        except Declined as declined:
            self._heard(Finished(sequence, Outcome.REFUSED, str(declined)))
            return
        except (Refusal, ProtocolError) as error:
            failed = str(error)
        except Exception as error:  # noqa: BLE001 - an action's own defect ends that action, and says where it is
            place = traceback.extract_tb(error.__traceback__)[-1]
            failed = f"a defect of the agent: {type(error).__name__} in {Path(place.filename).name}:{place.lineno}"
        if action in HOST_FOLLOWS:
            self._host.tell(sequence, raw, failed)
            self._host.run(sequence, action, arguments, now)
        else:
            # Words of a part without a host part are our own: no names of the machine are in them.
            self._heard(Finished(sequence, Outcome.FAILED if failed else Outcome.DONE, failed[:200]))

    def cancel(self, sequence: int) -> None:
        task = self._serving.get(sequence)
        if task is not None:
            task.cancel()
        self._host.cancel(sequence)

    def give_input(self, sequence: int, data: bytes, last: bool) -> None:
        self._host.give_input(sequence, data, last)

    def hold_back(self, sequence: int, held: bool) -> None:
        self._host.hold_back(sequence, held)

    def kill(self) -> None:
        self._host.kill()
        for task in self._serving.values():
            task.cancel()


def _raw(brought: Brought) -> ToldRow:
    body = dump_json(brought.value)
    if len(body) > RAW_MAX_CHARS:
        raise Refusal("there is more to tell than a visit carries", expected=f"{RAW_MAX_CHARS} characters", got="more")
    return ToldRow(kind=brought.kind, body=body)


def _line(number: int, brought: Brought) -> bytes:
    return strict_json.dump(Item(id=number, kind=brought.kind, body=dump_json(brought.value))) + b"\n"
