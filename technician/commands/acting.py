"""What a technician's typed line does in a visit: look at once, change after a second question, follow beside the rest.

A change (protocol/actions: `changes`) is asked about once more here, whatever the customer has allowed: `y` in a
terminal, the line `yes` for a program. What lasts (a followed log, messages) goes on while other lines are typed, and
over lost connections, until `cancel` or the end. A terminal does not: a new one is offered.
"""

import asyncio
import shlex
from collections.abc import AsyncIterator

from protocol.actions.catalogue import find_action
from protocol.errors import ProtocolError
from protocol.visit import Item
from technician.commands.connect_faces import Face
from technician.commands.connect_files import get, put
from technician.commands.connect_terminal import open_terminal
from technician.commands.typing_in import TypedIn
from technician.problems import Problem
from technician.session.commands import parse_command
from technician.session.going_on import Followed, attempts
from technician.session.run import Run
from technician.session.visit import Visit


class Acting:
    """`typed`: the next line, for second questions; bytes, for a terminal."""

    def __init__(self, visit: Visit, face: Face, typed: TypedIn) -> None:
        self._visit = visit
        self._face = face
        self._typed = typed
        self._lasting: dict[asyncio.Task[None], Run] = {}

    async def act(self, line: str) -> None:
        """Everything that goes wrong is told on the face; the visit goes on."""
        try:
            if line.strip() == "cancel":
                await self._cancel()
                return
            if await self._carried(line):
                return
            action = parse_command(line)
            if find_action(action.name).changes and not await self._sure(action.name, line):
                self._face.notice("not-done", f"{action.name} was not asked for")
                return
            followed = Followed(action.name, action.arguments)
            runs = attempts(self._visit, action.name, action.arguments, followed.again)
            run = await anext(runs)
        except (Problem, ProtocolError) as error:
            self._face.error(error)
            return
        if find_action(action.name).lasting:
            task = asyncio.create_task(self._follow(run, runs, followed))
            self._lasting[task] = run
            task.add_done_callback(lambda done: self._lasting.pop(done, None))
        else:
            await self._look(run)

    async def _carried(self, line: str) -> bool:
        """Files and the terminal are more than rows: they have doings of their own here."""
        try:
            word, *rest = shlex.split(line)
        except ValueError:
            return False  # told by those who parse it
        if word not in ("get", "put", "terminal"):
            return False
        if word == "get":
            await get(self._visit, self._face, rest)
        elif not await self._sure({"put": "files.write", "terminal": "terminal"}[word], line):
            self._face.notice("not-done", f"{word} was not asked for")
        elif word == "put":
            await put(self._visit, self._face, rest)
        else:
            while await open_terminal(self._visit, self._face, self._typed) and await self._sure("terminal", line):
                pass  # the one before ended with the connection
        return True

    async def close(self) -> None:
        """The visit is over: what lasts has been told so and ends by itself."""
        for task in list(self._lasting):
            task.cancel()
        await asyncio.gather(*self._lasting, return_exceptions=True)

    async def _sure(self, action: str, line: str) -> bool:
        self._face.confirm(action, line.strip())
        return (await self._typed.next() or "").strip().lower() in ("y", "yes")

    async def _look(self, run: Run) -> None:
        items: list[Item] = []
        async for item in run:
            self._face.row(run.action, item)
            items.append(item)
        if run.result is not None:
            self._face.result(run.action, items, run.result.outcome.value, run.result.detail)

    async def _follow(self, run: Run, more: AsyncIterator[Run], followed: Followed) -> None:
        try:
            await self._rows(run, followed)
            async for run in more:
                if (task := asyncio.current_task()) is not None:
                    self._lasting[task] = run
                await self._rows(run, followed)
        except (Problem, ProtocolError) as error:
            self._face.error(error)
            return
        if run.result is not None:
            self._face.result(run.action, [], run.result.outcome.value, run.result.detail)

    async def _rows(self, run: Run, followed: Followed) -> None:
        async for item in run:
            if followed.takes(item):
                self._face.live_row(run.action, item)

    async def _cancel(self) -> None:
        if not self._lasting:
            raise Problem("nothing is going on beside", expected="a followed log, or chat", got="none")
        for run in list(self._lasting.values()):
            await run.cancel()
