"""The question in a window of its own: really drawn under Xvfb, really pressed, against the service's real socket."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.consent.asked import AskedQuestion
from agent.consent.gate import Decision, No, Yes
from agent.consent.native_box import EXIT_NO_WINDOW, ask_in_box, box_text
from agent.consent.policy import offer
from agent.consent.prompt_text import write_prompt
from agent.consent.surfaces import NO_WINDOW, Surfaces, has_desktop
from agent.consent.verbs import ConsentVerbs, prompt_value
from agent.local.server import LocalServer
from agent.local.verbs import Catalogue
from agent.paths import Mode, StateFolder
from protocol.actions.scopes import MEANINGS, Scope
from protocol.grants import ConsentMethod
from protocol.limits import CONSENT_TIMEOUT_S
from protocol.visit import RefusalReason
from tests.agent.consent.test_gate import Table
from tests.agent.consent.test_prompt_text import FACTS
from tests.agent.doubles import MemoryLog
from tests.agent.technician_end import until
from tests.agent.xvfb import REPOSITORY, needs_window

DRIVER = Path(__file__).with_name("window_driver.py")


class Service(Table):
    """A gate behind the real socket."""

    def __init__(self, folder: StateFolder) -> None:
        folder.make()
        super().__init__(folder.database)
        self.folder = folder
        self.server = LocalServer(folder, Catalogue(ConsentVerbs(self.gate, self.clocks).verbs()), log=MemoryLog())

    async def press(self, display: str, act: str) -> dict[str, Any]:
        (prompt,) = self.gate.pending()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(DRIVER),
            str(self.folder.root),
            prompt.id,
            act,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "DISPLAY": display, "PYTHONPATH": str(REPOSITORY)},
        )
        if act == "wait":
            await until(lambda: prompt.first_shown_boot_s is not None)
            self.clocks.pass_s(CONSENT_TIMEOUT_S + 1)
        async with asyncio.timeout(30):
            out, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()
        seen: dict[str, Any] = json.loads(out)
        return seen


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    service = Service(StateFolder(tmp_path / "s", Mode.USER))
    await service.server.start()
    yield service
    await service.server.stop()
    service.database.close()


@needs_window
async def test_the_window_shows_the_question_and_enter_is_no(service: Service, display: str) -> None:
    task = await service.asked()
    seen = await service.press(display, "enter")
    assert await task == No(RefusalReason.CUSTOMER)
    assert seen["title"] == "Ada Tech asks to connect to this computer."
    assert seen["text"] == write_prompt(FACTS).text, "exactly the text that is hashed"
    assert seen["ticks"] == {"diagnose": True, "processes": True}
    assert (seen["minutes"], seen["focus_is_no"], seen["answered"]) == ("15", True, True)


@needs_window
@pytest.mark.parametrize(
    ("act", "expected"),
    [
        ("close", No(RefusalReason.CUSTOMER)),
        ("yes-none", No(RefusalReason.CUSTOMER)),
        ("wait", No(RefusalReason.NO_ANSWER)),
    ],
)
async def test_closing_unticking_and_silence_are_no(
    service: Service, display: str, act: str, expected: Decision
) -> None:
    task = await service.asked()
    seen = await service.press(display, act)
    assert await task == expected
    assert (seen["answered"], seen["said_yes"]) == (act != "wait", False)


@needs_window
async def test_a_yes_to_less_for_a_shorter_time(service: Service, display: str) -> None:
    task = await service.asked()
    seen = await service.press(display, "yes-few")
    decision = await task
    assert seen["said_yes"], "the banner comes after this"
    assert isinstance(decision, Yes)
    assert (decision.scopes, decision.minutes) == ((Scope.DIAGNOSE,), 5)
    assert decision.transcript.method is ConsentMethod.WINDOW
    assert decision.transcript.text_sha256 == write_prompt(FACTS).sha256


@needs_window
async def test_full_control_waits_and_is_not_ticked(service: Service, display: str) -> None:
    """Asked for everything there is, on a small screen: both answers are still on it."""
    scopes = tuple(Scope)
    facts = replace(FACTS, offer=offer(scopes, revocations_fresh=True, served=scopes, terminal_enabled=True))
    task = asyncio.create_task(service.gate.ask(facts))
    await until(lambda: bool(service.gate.pending()))
    seen = await service.press(display, "too-soon")
    assert await task == No(RefusalReason.CUSTOMER)
    assert seen["ticks"] == {scope.value: MEANINGS[scope].risk < 2 for scope in Scope}
    assert (seen["yes_is_disabled"], seen["no_is_on_the_screen"]) == (True, True)
    assert "read the warning first" in seen["told"]


async def test_without_a_display_the_page_opens_and_the_log_says_why(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", ":65535")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    log, opened = MemoryLog(), []
    surfaces = Surfaces(service.folder.root, log=log, environment={"DISPLAY": ":65535"})

    async def page() -> None:
        opened.append("page")

    monkeypatch.setattr(surfaces, "_open_page", page)
    task = await service.asked()
    surfaces.asked(service.gate.pending()[0])
    await until(lambda: bool(opened))
    assert "no-window-of-our-own" in log.events()
    service.gate.refuse(service.gate.pending()[0].id)
    await task


def question(**changes: Any) -> AskedQuestion:
    text = write_prompt(FACTS)
    asked = AskedQuestion(
        id="1",
        technician=FACTS.technician,
        headline=text.headline,
        text=text.text,
        text_sha256="",
        options=(),
        minutes=FACTS.minutes,
        risk=0,
        phrase=FACTS.phrase,
    )
    return replace(asked, **changes)


def test_a_desktop_is_where_a_window_could_be() -> None:
    assert has_desktop({"DISPLAY": ":0"}) or sys.platform != "linux"
    assert not has_desktop({"DISPLAY": ":0", NO_WINDOW: "1"})


def test_never_more_minutes_than_were_asked() -> None:
    assert question(minutes=15).minute_choices == [5, 10, 15]
    assert question(minutes=1).minute_choices == [1]
    assert question(minutes=20).minute_choices == [5, 10, 15, 20]


async def test_a_message_box_offers_only_looking(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    task = await service.asked()
    (prompt,) = service.gate.pending()
    shown = {**prompt_value(prompt, 0.0), "text": prompt.text.text, "text_sha256": ""}
    asked = AskedQuestion.of(json.loads(json.dumps(shown)))
    assert box_text(asked).startswith(prompt.text.text)
    assert "allows only:\n  - run health checks" in box_text(asked)
    if sys.platform == "linux":
        assert ask_in_box(service.folder.root, asked, why_not="no tkinter") == EXIT_NO_WINDOW
        assert "no tkinter" in capsys.readouterr().err
    service.gate.refuse(prompt.id)
    await task
