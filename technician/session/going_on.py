"""What a lost connection ended, asked for again once there is a way back.

    a followed log    behind the last lines that came: none twice, none left out where the log still holds them
    messages          those that came already are left out
    a file            from the byte it had reached, either way; the hash is of the whole (files.py)
    a terminal        never: its shell ended with the connection

A plain read needs nothing of this: it goes on by itself (returning.py). Of a change, the device's receipt says whether
it ran; it is never asked for again, but for an upload of which the receipt says that it did not come to its end.
"""

from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Final

from protocol import strict_json
from protocol.actions.catalogue import find_action
from protocol.actions.logs import MARKS_MAX, LastLines, LogsArguments, mark_of, time_of
from protocol.errors import RemoteProtocolError
from protocol.journal import Outcome
from protocol.strict_json import WireModel
from protocol.visit import Item
from technician.session.run import Run
from technician.session.visit import Visit

_LINES: Final = ("log-line", "text-line")

#: What to ask for in place of a run that was cut off; None where there is nothing to go on with.
Again = Callable[[Run], WireModel | None]


async def attempts(visit: Visit, action: str, arguments: WireModel, again: Again) -> AsyncIterator[Run]:
    """One run, and after each lost connection another one that goes on. Take each to its end before the next."""
    following: WireModel | None = arguments
    while following is not None:
        run = await visit.run(action, following)
        yield run
        following = again(run) if run.cut_off else None


def not_to_its_end(run: Run) -> bool:
    """The connection ended it, nothing else did."""
    return run.cut_off and run.result is not None and run.result.outcome is Outcome.CANCELLED


class Followed:
    """The rows of one action, over as many connections as it takes. What does not last is never asked for again."""

    def __init__(self, action: str, arguments: WireModel) -> None:
        self._lasts = find_action(action).lasting
        self._arguments = arguments
        self._newest: deque[tuple[bytes, int]] = deque(maxlen=MARKS_MAX)
        self._messages = 0

    def takes(self, item: Item) -> bool:
        """Whether it is one that has not come before."""
        if item.kind in _LINES:
            self._newest.append((mark_of(item.kind, item.body), time_of(item.body)))
        elif item.kind == "chat-message":
            number = _number_of(item.body)
            if number and number <= self._messages:
                return False
            self._messages = max(self._messages, number)
        return True

    def again(self, run: Run) -> WireModel | None:
        if not self._lasts or not not_to_its_end(run):
            return None
        if isinstance(self._arguments, LogsArguments) and self._newest:
            marks = tuple(mark for mark, _ in self._newest)
            return self._arguments.model_copy(update={"after": LastLines(marks=marks, since=self._newest[0][1])})
        return self._arguments


def _number_of(body: str) -> int:
    """Of a message; 0 for a body that has none, which whoever shows it finds out."""
    try:
        fields = strict_json.check_json(body.encode(), what="chat message")
    except RemoteProtocolError:
        return 0
    number = fields.get("number") if isinstance(fields, dict) else 0
    return number if isinstance(number, int) else 0
