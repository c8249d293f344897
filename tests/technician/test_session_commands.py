"""The words of a session: each becomes exactly the action it names; a change is asked about a second time."""

import asyncio
from typing import Any

import pytest

from protocol.actions.catalogue import ACTIONS
from protocol.actions.scopes import MEANINGS
from protocol.journal import Outcome
from protocol.visit import ActionResult, Item
from technician.commands.acting import Acting
from technician.commands.connect_faces import JsonFace
from technician.problems import Problem
from technician.session.commands import HELP, parse_command

ID = "01890a5d-ac96-7745-bcce-b302099a8057"


@pytest.mark.parametrize(
    ("line", "name", "values"),
    [
        ("ps", "processes", {"sort": "cpu"}),
        ("services failed user", "services", {"state": "failed", "supervisor": "user"}),
        ("service cups 50", "services", {"name": "cups", "lines": 50}),
        ("service sync.service user", "services", {"name": "sync.service", "supervisor": "user"}),
        ("restart cups", "services.control", {"name": "cups", "act": "restart", "supervisor": "system"}),
        ("stop sync user", "services.control", {"name": "sync", "act": "stop", "supervisor": "user"}),
        ("end-process 4711 812340", "processes.end", {"pid": 4711, "started_ms": 812340, "grace_s": 5}),
        ("end-process 4711 812340 now", "processes.end", {"grace_s": 0}),
        ("logs since=2h until=1h severity=error", "logs", {"since_s": 7200, "until_s": 3600, "severity": "error"}),
        ("logs follow syslog text='out of memory'", "logs.follow", {"source": "syslog", "text": "out of memory"}),
        ("facts", "facts", {"subject": "findings"}),
        ("facts history disk.used-bytes of=disk:/ since=2d", "facts", {"instance": "disk:/", "since_s": 172_800}),
        ("facts observations memory", "facts", {"subject": "observations", "name": "memory"}),
        ("remedies", "remedies.list", {}),
        ("preview clean-user-cache disk-full", "remedies.preview", {"finding": "disk-full"}),
        (f"fix {ID}", "remedies.run", {"preview": ID}),
        (f"watch {ID}", "remedies.watch", {"run": ID}),
        (f"undo {ID}", "remedies.undo", {"run": ID}),
        ('say "It is the cache," I think', "chat.say", {"text": "It is the cache, I think"}),
        ("chat", "chat", {}),
        ("bundle for the disk", "bundle", {"reason": "for the disk"}),
    ],
)
def test_a_line_becomes_exactly_this_action(line: str, name: str, values: dict[str, Any]) -> None:
    action = parse_command(line)
    assert action.name == name
    said = action.arguments.model_dump(mode="json")
    assert {key: said[key] for key in values} == values


@pytest.mark.parametrize(
    "line",
    [
        "", "rm -rf /", "end-process 1 2", "end-process x y", "end-process 5 6 gently", "restart", "restart 'a b'",
        "restart --now", "restart cups root", "service", "service cups many", "facts nothing here at all", "fix",
        "fix x", "say", "preview Clean", "services failed running", "logs until=x",
        "'unfinished",
    ],
)  # fmt: skip
def test_what_means_nothing_is_told_so(line: str) -> None:
    with pytest.raises(Problem, match="not a command"):
        parse_command(line)


def test_help_names_every_kind_of_action() -> None:
    """By the words that the parser takes; files and a terminal have lines of their own where they are parsed."""
    for word in (
        "diagnose",
        "ps",
        "end-process",
        "services",
        "start|stop|restart",
        "logs",
        "facts",
        "remedies",
        "preview",
    ):
        assert word in HELP
    for word in ("fix", "watch", "undo", "say", "chat", "bundle", "end ", "help"):
        assert word in HELP


class OneRun:
    """A run with one row; what lasts ends when it is cancelled."""

    def __init__(self, action: str) -> None:
        self.action = action
        self.result: ActionResult | None = None
        self.cancelled = asyncio.Event()
        self.cut_off = False

    async def __aiter__(self) -> Any:
        yield Item(id=1, kind="note", body='{"text":"x"}')
        if ACTIONS[self.action].lasting:
            await self.cancelled.wait()
        self.result = ActionResult(outcome=Outcome.DONE, rows=1)

    async def cancel(self) -> None:
        self.cancelled.set()


class OneVisit:
    def __init__(self) -> None:
        self.asked: list[str] = []

    async def run(self, action: str, arguments: object) -> OneRun:
        self.asked.append(action)
        return OneRun(action)


class Told(JsonFace):
    def __init__(self) -> None:
        super().__init__()
        self.events: list[str] = []

    def _event(self, event: str, **facts: object) -> None:
        self.events.append(event)


class Typed:
    """Lines that are typed next."""

    def __init__(self, lines: tuple[str, ...]) -> None:
        self.lines = list(lines)

    async def next(self) -> str | None:
        return self.lines.pop(0) if self.lines else None


def acting(*answers: str) -> tuple[Acting, OneVisit, Told]:
    visit, face = OneVisit(), Told()
    return Acting(visit, face, Typed(answers)), visit, face  # type: ignore[arg-type]


@pytest.mark.parametrize("answer", ["", "no", "n", "what?", "end-process 4711 812340"])
async def test_a_change_is_not_asked_for_without_a_second_yes(answer: str) -> None:
    doing, visit, face = acting(*([answer] if answer else []))
    await doing.act("end-process 4711 812340")
    assert visit.asked == []
    assert face.events == ["confirm", "notice"]


async def test_a_second_yes_asks_for_it_and_looking_needs_none() -> None:
    doing, visit, face = acting("yes")
    await doing.act("restart cups")
    await doing.act("ps")
    assert visit.asked == ["services.control", "processes"]
    assert face.events == ["confirm", "row", "result", "row", "result"]


def test_every_action_that_changes_is_of_the_kind_that_is_asked_about() -> None:
    for spec in ACTIONS.values():
        if MEANINGS[spec.scope].risk >= 2 and spec.name != "terminal":
            assert spec.changes, spec.name


async def test_what_lasts_goes_on_beside_other_lines_until_it_is_cancelled() -> None:
    doing, visit, face = acting()
    await doing.act("logs follow")
    await doing.act("ps")
    assert visit.asked == ["logs.follow", "processes"]
    await doing.act("cancel")
    for _ in range(10):
        await asyncio.sleep(0)
    assert face.events.count("result") == 2
    await doing.act("cancel")
    assert face.events[-1] == "error"
    await doing.close()


async def test_a_line_that_means_nothing_leaves_the_visit_going() -> None:
    doing, visit, face = acting()
    await doing.act("rm -rf /")
    assert (visit.asked, face.events) == ([], ["error"])
