"""What was asked in a visit and what came of it: the newest runs of each tab, each with its rows.

A run belongs to the tab it was asked on. The oldest that are over make room for new ones; one that still runs stays.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from protocol.strict_json import WireModel
from protocol.visit import Item, Progress
from technician.session.run import Run

#: More rows than this are counted, not kept: a page of them helps nobody.
ROWS_MAX: Final = 5000
#: Runs of one tab that can be looked at again.
RUNS_KEPT: Final = 12


class Driven(Protocol):
    """Who talks with an action that gives bytes or takes input: a terminal, a download, an upload."""

    async def drive(self, handle: Run, run: "ActionRun") -> None:
        """From the opening to the end. What is to be shown goes into `run`."""

    def again(self, handle: Run) -> WireModel | None:
        """After a lost connection ended it: what to ask for in its place, None where nothing can be carried over."""

    def close(self) -> None:
        """Nothing more comes, and nothing is asked for again."""


@dataclass
class ActionRun:
    """One action and what came of it. `outcome` empty: still running.

    `quiet`: asks once more what another run has asked; it is shown when it is over, in that one's place.
    `newest_rows`: it follows something, so that of too many rows the last are kept, else the first.
    """

    number: int
    tab: str
    act: str
    action: str
    arguments: WireModel
    asked_at: int
    items: list[Item] = field(default_factory=list)
    rows: int = 0
    outcome: str = ""
    detail: str = ""
    quiet: bool = False
    newest_rows: bool = False
    progress: Progress | None = None
    driven: Driven | None = None
    changed: Callable[[], None] = lambda: None

    @property
    def over(self) -> bool:
        return bool(self.outcome)

    def tell(self, progress: Progress) -> None:
        self.progress = progress
        self.changed()

    def take(self, item: Item) -> None:
        self.rows += 1
        self.changed()
        if len(self.items) < ROWS_MAX:
            self.items.append(item)
        elif self.newest_rows:
            del self.items[: ROWS_MAX // 10]
            self.items.append(item)

    def end(self, outcome: str, detail: str = "") -> None:
        if not self.over:
            self.outcome, self.detail = outcome, detail


class RunBook:
    """The runs of one visit, by number and by tab."""

    def __init__(self) -> None:
        self._runs: list[ActionRun] = []
        self._last = 0

    def begin(
        self,
        tab: str,
        act: str,
        action: str,
        arguments: WireModel,
        at: int,
        *,
        quiet: bool = False,
        newest_rows: bool = False,
    ) -> ActionRun:
        self._last += 1
        run = ActionRun(self._last, tab, act, action, arguments, at, quiet=quiet, newest_rows=newest_rows)
        of_tab = [each for each in self._runs if each.tab == tab and each.over]
        for old in of_tab[: max(0, len(of_tab) - RUNS_KEPT + 1)]:
            self._runs.remove(old)
        self._runs.append(run)
        return run

    def replace(self, old: ActionRun, new: ActionRun) -> None:
        """`new` has asked the same once more and is over: it stands where `old` stood."""
        new.quiet = False
        self._runs = [each for each in self._runs if each is not old]

    def of(self, tab: str, *acts: str) -> list[ActionRun]:
        """Newest first; of these acts alone when some are named."""
        return [
            run for run in reversed(self._runs) if run.tab == tab and not run.quiet and (not acts or run.act in acts)
        ]

    def find(self, number: int) -> ActionRun | None:
        return next((run for run in self._runs if run.number == number), None)

    @property
    def under_way(self) -> list[ActionRun]:
        return [run for run in self._runs if not run.over]
