"""What a tab of the visit is: a name, the acts its forms can ask for, and the facts its template shows.

    TAB = Tab("processes", "Processes", "cpu", acts=(LIST, END), facts=_facts, refresh_s=5)

The template `tabs/<key>.html` holds two macros: `ask(…)` (forms; the page leaves them alone while somebody types) and
`result(…)` (fetched again whenever the tab's runs change). An act names an action of protocol/actions; whether the
visit may do it is the device's to decide, and the grant's to tell beforehand.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from protocol.actions.catalogue import find_action
from protocol.actions.scopes import MEANINGS, Scope
from protocol.actions.spec import ActionSpec
from protocol.strict_json import WireModel
from technician.workbench.desk import Desk
from technician.workbench.live import LiveVisit
from technician.workbench.runs import ActionRun, Driven

Form = Mapping[str, str]


@dataclass(frozen=True)
class Act:
    """One thing a tab can ask for. `arguments` raises Problem for a form that makes no sense.

    `question`: asked once more before it is done, with the form's fields in it; None for what only looks.
    `driven`: makes this end of an action that gives bytes or takes input; it may add to the arguments.
    `lists`: the result is what the tab shows; the result of anything else stands in a line above it, unless the tab has
    a place of its own for it (`shown` false).
    """

    name: str
    action: str
    arguments: Callable[[Form], WireModel]
    label: str
    question: Callable[[Form], str] | None = None
    lists: bool = True
    shown: bool = True
    driven: Callable[[LiveVisit, Any], Awaitable[tuple[WireModel, Driven]]] | None = None

    @property
    def spec(self) -> ActionSpec:
        return find_action(self.action)

    @property
    def scope(self) -> Scope:
        return self.spec.scope

    def allowed(self, live: LiveVisit) -> bool:
        return self.scope in live.scopes

    @property
    def meaning(self) -> str:
        """The sentence the customer reads before saying yes to it."""
        return MEANINGS[self.scope].sentence


@dataclass(frozen=True)
class TabView:
    """What a tab's facts are made from. `run`: the one looked at, the newest unless another was chosen."""

    live: LiveVisit
    run: ActionRun | None
    query: Form


@dataclass(frozen=True)
class Tab:
    """`refresh_s`: how often the newest list is asked for again while the tab is open and switched to it; 0: never.
    `news`: how much came that was on no page yet. `wide`: it takes the whole width, what stands beside goes below.
    `load`: facts that are not of the visit and have to be fetched.
    """

    key: str
    label: str
    icon: str
    acts: tuple[Act, ...] = ()
    facts: Callable[[TabView], dict[str, Any]] = field(default=lambda _view: {})
    refresh_s: int = 0
    news: Callable[[LiveVisit], int] | None = None
    wide: bool = False
    load: Callable[[Desk, LiveVisit], Awaitable[dict[str, Any]]] | None = None

    @property
    def template(self) -> str:
        return f"tabs/{self.key}.html"

    def act(self, name: str) -> Act | None:
        return next((act for act in self.acts if act.name == name), None)

    @property
    def lists(self) -> tuple[str, ...]:
        """The acts whose results are what the tab shows."""
        return tuple(act.name for act in self.acts if act.lists)

    @property
    def needs(self) -> Act | None:
        """The act without which the tab is of no use: its first."""
        return self.acts[0] if self.acts else None
