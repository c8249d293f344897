"""The tabs of a visit: what a device says is text, changes are asked twice, a closed tab says why, lists stay fresh."""

import asyncio
import html
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from protocol.actions.catalogue import ACTIONS
from protocol.actions.scopes import Scope
from protocol.visit import Item
from technician.session.events import Noticed
from technician.workbench.news import keep_fresh
from technician.workbench.tabs.catalogue import TABS
from tests.making import NOW
from tests.technician.device_end import process_item
from tests.technician.scene import at_now
from tests.technician.test_workbench import HOSTILE, Workbench, workbench
from tests.web.naughty import naughty_strings

__all__ = ["at_now"]

pytestmark = pytest.mark.usefixtures("at_now")
ALL = tuple(Scope)
#: Without the chat nothing is asked by itself.
SILENT = tuple(scope for scope in Scope if scope is not Scope.CHAT)


@asynccontextmanager
async def visiting(tmp_path: Path, granted: tuple[Scope, ...] = ALL) -> AsyncIterator[Workbench]:
    """A visit under way in which the customer allowed `granted`."""
    async with workbench(tmp_path, scopes=ALL) as bench:
        bench.scene.answer["granted"] = granted
        ticket = await bench.scene.ticket()
        scopes = [scope.value for scope in granted]
        asked = await bench.post(f"/tickets/{ticket}/visit", scope=scopes, minutes="15", reason="why")
        assert asked.status_code == 303, asked.text
        await bench.live(lambda page: "Visit under way" in page)
        yield bench


def rows(kind: str, *bodies: dict[str, object]) -> list[Item]:
    return [Item(id=number, kind=kind, body=json.dumps(body)) for number, body in enumerate(bodies, start=1)]


FINDING = {
    "code": "disk-space-low", "instance": f"disk:{HOSTILE}", "severity": "error", "rule": "disk-space@1",
    "first_seen_unix_s": NOW, "last_seen_unix_s": NOW, "state": "active", "count": 2, "explained_by": None,
    "facts": {"mount": HOSTILE, "available_bytes": 1_000_000_000, "total_bytes": 50_000_000_000},
    "evidence": [{"source": HOSTILE, "locator": HOSTILE, "excerpt": HOSTILE, "sha256": "ab" * 32}],
    "remedies": [], "changes": [], "time_to_act": None,
}  # fmt: skip
SERVICE = {
    "name": HOSTILE, "description": HOSTILE, "load_state": HOSTILE, "active_state": "failed", "sub_state": HOSTILE,
    "result": HOSTILE, "exit_status": 1, "restarts": 3, "main_pid": 7, "enabled": HOSTILE, "changed_unix_s": NOW,
}  # fmt: skip
PROCESS = json.loads(process_item(7).body) | {"name": HOSTILE, "user": HOSTILE, "state": HOSTILE, "started_ms": 5}
REMEDY = {
    "id": HOSTILE, "title": HOSTILE, "text": HOSTILE, "risk": 2, "reversible": True, "estimated_s": 30,
    "not_now": None, "again_at": None,
}  # fmt: skip
RUN = {
    "remedy": HOSTILE, "run": HOSTILE, "asked_at": NOW, "next": HOSTILE, "watch_until": NOW, "outcome": HOSTILE,
    "detail": HOSTILE, "ended_at": None,
}  # fmt: skip
LINE = {"at_unix_s": NOW, "severity": 3, "unit": HOSTILE, "text": HOSTILE}
LOG_FILE = {"name": HOSTILE, "path": HOSTILE, "size_bytes": 1, "modified_unix_s": NOW}
MESSAGE = {"number": 1, "at": NOW, "by": HOSTILE, "name": HOSTILE, "text": HOSTILE}
#: (tab, the form that asks, the rows a hostile device answers with)
ANSWERS: tuple[tuple[str, dict[str, str], list[Item]], ...] = (
    ("checks", {}, rows("finding", FINDING)),
    ("checks", {}, rows("check", {"id": HOSTILE, "status": "skipped", "reason": HOSTILE, "ms": 1})),
    ("processes", {}, rows("process", PROCESS)),
    ("services", {}, rows("service", SERVICE)),
    ("services", {"do": "look", "name": "a"}, [*rows("service", SERVICE), *rows("log-line", LINE)]),
    ("logs", {}, rows("log-line", LINE)),
    ("logs", {}, rows("text-line", {"file": HOSTILE, "at_unix_s": None, "text": HOSTILE})),
    ("logs", {"do": "files"}, rows("log-file", LOG_FILE)),
    ("logs", {}, rows("note", {"text": HOSTILE})),
    ("facts", {"do": "findings"}, rows("finding", FINDING)),
    ("facts", {"do": "observations"}, rows("collector", {"id": HOSTILE, "cost": HOSTILE, "may_contain": [HOSTILE]})),
    (
        "facts",
        {"do": "observations", "name": "memory"},
        rows("observation", {"collector": "m", "field": HOSTILE, "index": 0, "value": json.dumps({HOSTILE: HOSTILE})}),
    ),
    (
        "facts",
        {"do": "history"},
        rows(
            "series",
            {"metric": HOSTILE, "instance": HOSTILE, "points": 1, "first_unix_s": 1, "last_unix_s": 1, "last": 1.0},
        ),
    ),
    (
        "facts",
        {"do": "history", "name": "x"},
        rows("history", {"metric": HOSTILE, "instance": HOSTILE, "points": [[1, 1.0], [2, 2.0]]}),
    ),
    ("files", {}, rows("allowed-folder", {"label": HOSTILE, "writable": True})),
    (
        "files",
        {"path": "a"},
        rows("folder-entry", {"name": HOSTILE, "kind": "file", "size_bytes": 1, "modified_at": NOW, "usable": True}),
    ),
    ("remedies", {"do": "list"}, rows("remedy", REMEDY)),
    ("remedies", {"do": "list"}, rows("remedy-run", RUN)),
    (
        "remedies",
        {"do": "preview", "remedy": "clean"},
        rows("remedy-step", {"preview": HOSTILE, "remedy": HOSTILE, "risk": 2, "number": 1, "text": HOSTILE}),
    ),
    ("chat", {"do": "say", "text": "x"}, rows("chat-message", MESSAGE)),
    ("bundle", {}, rows("bundle", {"id": HOSTILE, "ticket": HOSTILE, "bytes": 1, "files": 2})),
)  # fmt: skip


def shows(words: str) -> Callable[[str], bool]:
    return lambda page: words in page


async def answered(bench: Workbench, tab: str) -> str:
    """The tab's page once everything that was asked on it is over."""

    def over(_page: str) -> bool:
        live = bench.desk.live
        assert live is not None
        return all(run.over for run in live.runs.of(tab))

    await bench.live(over, tab)
    return await bench.get(f"/visit?tab={tab}")


async def test_whatever_a_device_answers_is_text_on_every_tab(tmp_path: Path) -> None:
    async with visiting(tmp_path) as bench:
        live = bench.desk.live
        assert live is not None
        for tab, form, items in ANSWERS:
            bench.scene.end.items = items
            asked = await bench.post("/visit/run", tab=tab, **form)
            assert asked.status_code == 303, (tab, asked.text)

            page = await answered(bench, tab)
            assert "not what they said they are" not in page, (tab, form)
            assert "<script>alert" not in page, (tab, form)
            assert "\x1b" not in page
            assert "\u202e" not in page
            shown = html.escape("<script>alert(1)") in page or "%3Cscript%3Ealert" in page
            plotted = "\\u003cscript\\u003ealert(1)" in page  # in the JSON block of a plot
            assert shown or plotted or items[0].kind == "bundle", (tab, form)


class Shape(HTMLParser):
    """How often each element and attribute stands in a page; what a browser would run or fetch elsewhere."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: Counter[str] = Counter()
        self.acting: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] += 1
        for name, value in attrs:
            if name.startswith("on") or name in ("style", "srcdoc"):
                self.acting.append(f"{tag} {name}")
            if name in ("href", "src", "action", "formaction") and not (value or "").startswith(("/", "#", "?")):
                self.acting.append(f"{tag} {name}={value}")


#: (tab, form, a row that holds a text wherever one may stand)
NAUGHTY_ROWS: tuple[tuple[str, dict[str, str], Callable[[str], Item]], ...] = (
    ("processes", {"limit": "2000"}, lambda text: rows("process", PROCESS | {"name": text, "user": text})[0]),
    ("logs", {}, lambda text: rows("log-line", LINE | {"unit": text, "text": text})[0]),
    ("services", {}, lambda text: rows("service", SERVICE | {"name": text, "description": text, "enabled": text})[0]),
    (
        "facts",
        {"do": "observations"},
        lambda text: rows("collector", {"id": text, "cost": text, "may_contain": [text]})[0],
    ),
    ("remedies", {"do": "list"}, lambda text: rows("remedy", REMEDY | {"id": text, "title": text, "text": text})[0]),
)


async def test_no_naughty_string_changes_the_shape_of_a_tab(tmp_path: Path) -> None:
    """Each string on one of the tabs, in every place of a row."""
    async with visiting(tmp_path, SILENT) as bench:
        for number, (tab, form, row) in enumerate(NAUGHTY_ROWS):
            texts = naughty_strings()[number :: len(NAUGHTY_ROWS)]
            shapes: list[Shape] = []
            for words in (["harmless"] * len(texts), texts):
                bench.scene.end.items = [row(text).model_copy(update={"id": at}) for at, text in enumerate(words, 1)]
                await bench.post("/visit/run", tab=tab, **form)
                page = await answered(bench, tab)
                assert "not what they said they are" not in page, tab
                shapes.append(Shape(page))
            plain, naughty = shapes
            for shape in shapes:
                del shape.elements["li"], shape.elements["details"]  # one more run in the list of earlier ones
            assert {name: count for name, count in (naughty.elements - plain.elements).items() if count > 3} == {}, tab
            assert naughty.acting == plain.acting == [], tab


async def test_rows_that_do_not_fit_their_kind_are_counted_and_the_page_stands(tmp_path: Path) -> None:
    async with visiting(tmp_path) as bench:
        for tab, form, items in ANSWERS:
            bench.scene.end.items = [item.model_copy(update={"body": '{"no":"such"}'}) for item in items]
            await bench.post("/visit/run", tab=tab, **form)
            page = await bench.live(lambda page: "not what they said they are" in page, tab)
            assert "<main" in page


async def test_a_change_is_asked_once_more_before_it_is_done(tmp_path: Path) -> None:
    async with visiting(tmp_path, SILENT) as bench:
        bench.scene.end.items = []
        for form, words in (
            ({"tab": "processes", "do": "end", "pid": "812", "started_ms": "5", "name": f"evil {HOSTILE}"}, "End evil"),
            ({"tab": "services", "do": "control", "name": "cups.service", "act": "restart"}, "Restart the service"),
            ({"tab": "terminal", "do": "open"}, "Open a terminal?"),
        ):
            before = len(bench.scene.end.statements)
            asked = await bench.post("/visit/run", **form)
            assert asked.status_code == 303
            page = await bench.get(asked.headers["location"].partition("#")[0])
            assert words in page
            assert "Are you sure?" in page
            assert "<script>alert" not in page
            assert len(bench.scene.end.statements) == before, "nothing was done yet"
        sure = {"tab": "processes", "do": "end", "pid": "812", "started_ms": "5", "name": "x", "sure": "yes"}
        assert (await bench.post("/visit/run", **sure)).status_code == 303
        await bench.live(lambda page: "End it" in page and "Done" in page, "processes")
        assert bench.scene.end.told[-1].action == "processes.end"


def test_every_change_that_a_tab_can_ask_for_has_a_second_question_or_a_form_of_its_own() -> None:
    own_form = {"files.write"}  # with a box to tick
    spoken = {"chat.say"}
    for tab in TABS.values():
        for act in tab.acts:
            if act.spec.changes and act.action not in own_form | spoken:
                assert act.question is not None, (tab.key, act.name)


def test_every_action_of_the_catalogue_can_be_asked_for_on_some_tab() -> None:
    assert {act.action for tab in TABS.values() for act in tab.acts} == set(ACTIONS)


async def test_a_tab_that_the_grant_does_not_hold_says_why_and_where_to_ask(tmp_path: Path) -> None:
    async with visiting(tmp_path, (Scope.DIAGNOSE,)) as bench:
        page = await bench.get("/visit?tab=logs")
        assert "The customer did not allow “logs”" in page
        link = f"/tickets/{bench.desk.live.plan.ticket}?scope=logs" if bench.desk.live else ""
        assert html.escape(link) in page
        await bench.post("/visit/end")
        await bench.live(lambda page: "How it ended" in page)
        form = await bench.get(link)
        assert 'value="logs" checked' in form
        assert 'value="terminal" checked' not in form


async def test_a_list_that_is_kept_fresh_stays_one_list(tmp_path: Path) -> None:
    async with visiting(tmp_path) as bench:
        live = bench.desk.live
        assert live is not None
        bench.scene.end.items = [process_item(1)]
        await bench.post("/visit/run", tab="processes", sort="memory", limit="3")
        await bench.live(lambda page: "program-1" in page, "processes")
        bench.scene.end.items = [process_item(2)]
        happened = len(live.happenings)
        fresh = asyncio.create_task(keep_fresh(live, TABS["processes"], wait_s=0.01))
        page = await bench.live(lambda page: "program-2" in page, "processes")
        fresh.cancel()
        await asyncio.gather(fresh, return_exceptions=True)
        assert "program-1" not in page
        assert len(live.runs.of("processes")) == 1
        assert len(live.happenings) == happened, "it does not fill the transcript"
        assert live.runs.of("processes")[0].arguments.model_dump() == {"sort": "memory", "limit": 3}


async def test_earlier_runs_of_a_tab_can_be_looked_at_again(tmp_path: Path) -> None:
    async with visiting(tmp_path) as bench:
        live = bench.desk.live
        assert live is not None
        for number in range(1, 15):
            bench.scene.end.items = rows(
                "log-line", {"at_unix_s": NOW, "severity": 6, "unit": "u", "text": f"line-{number}."}
            )
            await bench.post("/visit/run", tab="logs")
            await bench.live(shows(f"line-{number}."), "logs")
        runs = live.runs.of("logs")
        assert len(runs) == 12, "the oldest make room"
        page = await bench.get(f"/visit?tab=logs&run={runs[-1].number}")
        assert "line-3." in page
        assert "line-14." not in page
        assert "line-14." in await bench.get("/visit?tab=logs&run=99999")


NONSENSE = (
    {"tab": "nothing"},
    {"tab": "transcript"},
    {"tab": "processes", "limit": "many"},
    {"tab": "processes", "do": "end", "pid": "1", "started_ms": "0"},
    {"tab": "services", "do": "control", "name": "--now", "act": "restart"},
    {"tab": "logs", "since": "yesterday"},
    {"tab": "files", "path": "Documents/../.."},
    {"tab": "files", "do": "write", "path": "x"},
    {"tab": "remedies", "do": "run", "preview": "nonsense"},
    {"tab": "chat", "do": "say", "text": "  "},
)


async def test_nonsense_is_answered_with_a_page_that_says_what_is_wrong(tmp_path: Path) -> None:
    async with visiting(tmp_path, SILENT) as bench:
        before = len(bench.scene.end.statements)
        for form in NONSENSE:
            answer = await bench.post("/visit/run", **form)
            assert answer.status_code == 400, form
            assert "<main" in answer.text
        assert len(bench.scene.end.statements) == before


async def test_a_note_that_nobody_could_open_is_not_kept(tmp_path: Path) -> None:
    async with workbench(tmp_path) as bench:
        ticket = await bench.scene.ticket()
        for words, said in (
            ("what I tried", "recipients that the organisation has published"),
            ("  ", "write something"),
        ):
            answer = await bench.post(f"/tickets/{ticket}/notes", note=words)
            assert answer.status_code == 400
            assert said in answer.text.casefold()


async def test_a_visit_is_handed_over_to_somebody_with_a_name(tmp_path: Path) -> None:
    async with visiting(tmp_path, SILENT) as bench:
        assert (await bench.post("/visit/hand-over", to="  ")).status_code == 400
        assert (await bench.post("/visit/hand-over", to=f"Bea {HOSTILE}"[:100])).status_code == 303
        page = await bench.live(shows("To be handed over to Bea"))
        assert "<script>alert" not in page


async def test_actions_that_the_end_crossed_are_shown_as_never_taken(tmp_path: Path) -> None:
    async with visiting(tmp_path, SILENT) as bench:
        live = bench.desk.live
        assert live is not None
        await bench.post("/visit/end")
        await bench.live(shows("How it ended"))
        assert live.ended is not None
        live.ended = replace(live.ended, untaken=("services.control",))
        page = await bench.get("/visit?tab=checks")
        assert "Asked too late." in page
        assert "nothing was run: services.control." in page


async def test_what_became_of_a_hand_over_is_told_in_words(tmp_path: Path) -> None:
    async with visiting(tmp_path, SILENT) as bench:
        live = bench.desk.live
        assert live is not None
        await bench.post("/visit/hand-over", to="Bea Tech")
        live._watch(Noticed("hand-over-refused", "Bea Tech"))
        page = await bench.get("/visit?tab=transcript")
        assert "Bea Tech was not let in; you stay" in page
        assert "To be handed over to Bea Tech." not in page
        live._watch(Noticed("handed-over", "Bea Tech"))
        await bench.post("/visit/end")
        assert "The customer let Bea Tech in" in await bench.live(shows("How it ended"))


async def test_a_gap_in_a_followed_log_stands_above_its_lines(tmp_path: Path) -> None:
    async with visiting(tmp_path, SILENT) as bench:
        line = {"file": "a.log", "at_unix_s": None, "text": "a line"}
        said = (
            rows("note", {"text": "no times here"}),
            rows("text-line", line),
            rows("note", {"text": "some may be gone"}),
        )
        bench.scene.end.items = [item for part in said for item in part]
        await bench.post("/visit/run", tab="logs", do="read", source="a.log")
        page = await answered(bench, "logs")
        assert page.index("Some may be gone.") < page.index("a line")
        assert page.count("ome may be gone") == 1
        assert "no times here" in page
