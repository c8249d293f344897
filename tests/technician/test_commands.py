"""The technician's commands at a real server: what they print, what they exit with, what they refuse."""

import asyncio
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from technician.cli import app
from tests.technician.conftest import Ran, Run, objects
from tests.technician.device_end import process_item
from tests.technician.scene import Scene, at_now, scene

__all__ = ["at_now"]

pytestmark = pytest.mark.usefixtures("at_now")


async def ran(run: Run, made: Scene, *arguments: object, stdin: str = "") -> Ran:
    """One command in a thread, with a loop of its own, as in a process of its own."""
    return await asyncio.to_thread(lambda: run(*arguments, "--home", made.technician.home.path, stdin=stdin))


def events(done: Ran) -> list[dict[str, Any]]:
    return objects(done.result.stdout)


async def test_inbox_and_devices_for_programs_and_people(tmp_path: Path, run: Run) -> None:
    async with scene(tmp_path) as made:
        ticket = await made.ticket("It \x1b[2J is\nslow")
        assert [row["ticket"] for row in (await ran(run, made, "inbox", "--json")).json["tickets"]] == [ticket]
        shown = await ran(run, made, "inbox")
        assert shown.code == 0
        assert "\x1b[2J" not in shown.text
        assert ticket in shown.text
        (device,) = (await ran(run, made, "devices", "--json")).json["devices"]
        assert (device["customer"], device["certified"], device["connected"]) == ("Acme", True, True)


async def test_connect_tells_every_event_as_one_json_line(tmp_path: Path, run: Run) -> None:
    async with scene(tmp_path) as made:
        made.answer["items"] = [process_item(1), process_item(2)]
        done = await ran(
            run, made, "connect", "laptop", "--ticket", await made.ticket(), "--scope", "diagnose", "--scope",
            "processes", "--minutes", 15, "--reason", "it is slow", "--json",
            stdin="ps memory 2\nfly to the moon\nlogs\nend\n",
        )  # fmt: skip
        told = [event for event in events(done) if event["event"] != "ready"]
        assert done.code == 0
        assert [event["event"] for event in told] == [
            "asking", "phrase", "verified", "granted", "row", "row", "result", "error", "result", "ended",
        ]  # fmt: skip
        assert told[1]["words"] == list(made.end.phrase)
        assert told[2] == {
            "event": "verified", "device": made.device.device, "customer": "Acme", "certified": True,
        }  # fmt: skip
        assert told[4]["item"]["body"]["name"] == "program-1"
        assert "fly to the moon" in told[7]["got"]
        assert (told[8]["action"], told[8]["outcome"]) == ("logs", "refused")
        assert (told[9]["by"], told[9]["countersigned"]) == ("technician", True)
        assert told[9]["receipt"] in [str(path) for path in made.technician.home.receipts.iterdir()]


async def test_connect_shows_people_tables_and_words(tmp_path: Path, run: Run) -> None:
    async with scene(tmp_path) as made:
        made.answer["items"] = [process_item(7)]
        done = await ran(
            run, made, "connect", made.device.device[:9], "--ticket", await made.ticket(), "--scope", "diagnose",
            "--scope", "processes", "--reason", "it is slow", stdin="help\nps\n",
        )  # fmt: skip
        assert done.code == 0, done.text
        assert "program-7" in done.text
        assert "Read them to each other" in done.text
        assert "certified" in done.text
        assert "processes: done" in done.text
        assert "Ended by technician" in done.text  # the end of stdin is the end of the visit


async def test_connect_names_the_next_technician(tmp_path: Path, run: Run) -> None:
    async with scene(tmp_path) as made:
        done = await ran(
            run, made, "connect", made.device.device[:9], "--ticket", await made.ticket(), "--scope", "diagnose",
            "--scope", "processes", "--reason", "it is slow", stdin="handover\nhandover Bea Tech\n",
        )  # fmt: skip
        assert "hand over to whom?" in done.text
        assert made.end.heir == "Bea Tech"
        assert "Ended by technician" in done.text


async def test_connect_ends_when_the_customer_stops_while_it_waits_for_a_command(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scene(tmp_path) as made:
        ticket = await made.ticket()
        task = asyncio.create_task(
            _connect_that_never_types(made, ticket, monkeypatch, lambda: made.put(made.end.stop()))
        )
        code, lines = await asyncio.wait_for(task, 20)
        assert code == 0
        assert {"stopped", "ended"} <= {line["event"] for line in lines}
        assert lines[-1]["by"] == "customer"


async def _connect_that_never_types(
    made: Scene, ticket: str, monkeypatch: pytest.MonkeyPatch, when_granted: Callable[[], None]
) -> tuple[int, list[dict[str, Any]]]:
    """stdin that says nothing and does not end, as a person who reads."""
    import sys
    import threading

    silence = threading.Event()

    class Silent(io.TextIOBase):
        def isatty(self) -> bool:
            return False

        def __iter__(self) -> "Silent":
            return self

        def __next__(self) -> str:
            silence.wait(30)
            raise StopIteration

    out = io.StringIO()
    monkeypatch.setattr(sys, "stdin", Silent())
    monkeypatch.setattr(sys, "stdout", out)
    arguments = ["connect", "laptop", "--ticket", ticket, "--scope", "diagnose", "--scope", "processes"]
    arguments += ["--reason", "slow", "--json", "--home", str(made.technician.home.path)]

    def work() -> int:
        try:
            app(arguments, standalone_mode=False)
        except SystemExit as done:
            return int(done.code or 0)
        return 0

    running = asyncio.create_task(asyncio.to_thread(work))
    async with asyncio.timeout(15):
        while '"ready"' not in out.getvalue():  # noqa: ASYNC110 - the other side prints, it has no event for us
            await asyncio.sleep(0.02)
    when_granted()
    code = await running
    silence.set()
    return code, objects(out.getvalue())


@pytest.mark.parametrize(
    ("bent", "what"),
    [
        (("nobody",), "no device fits this"),
        (("laptop", "--reason", "x" * 201), "say why in 1 to 200 characters"),
    ],
)
async def test_connect_says_its_problems_as_events(tmp_path: Path, run: Run, bent: tuple[str, ...], what: str) -> None:
    async with scene(tmp_path) as made:
        arguments = ["connect", *bent, "--scope", "diagnose", "--json"]
        if "--reason" not in bent:
            arguments += ["--reason", "x"]
        done = await ran(run, made, *arguments)
        assert done.code in (1, 2)
        assert events(done)[-1]["event"] == "error"
        assert events(done)[-1]["what"] == what


async def test_evidence_opens_what_is_sealed_to_us_and_names_what_is_not(tmp_path: Path, run: Run) -> None:
    async with scene(tmp_path) as made:
        ticket = await made.ticket(sealed=(b'{"findings":[],"note":"the printer"}',))
        opened = await ran(run, made, "evidence", ticket, "--json")
        assert opened.code == 0
        assert "the printer" in opened.json["evidence"][0]["text"]
        nothing = await ran(run, made, "evidence", "01890a5d-ac96-7745-bcce-b302099a8057", "--json")
        assert nothing.code == 1
        assert nothing.json["error"]["what"]


async def test_an_audit_export_holds_and_a_server_that_rewrites_it_is_found(tmp_path: Path, run: Run) -> None:
    async with scene(tmp_path) as made:
        await made.ticket()
        out = tmp_path / "audit"
        exported = await ran(run, made, "audit", "export", "--out", out, "--json")
        assert exported.code == 0, exported.text
        assert run("audit", "verify", out, "--witnesses", 0, "--json").json["ok"] is True
        log = json.loads((out / "log.json").read_text())
        log["entries"][0], log["entries"][1] = log["entries"][1], log["entries"][0]
        (out / "log.json").write_text(json.dumps(log))
        bent = run("audit", "verify", out, "--witnesses", 0, "--json")
        assert (bent.code, bent.json["ok"]) == (1, False)


async def test_a_server_that_is_away_is_said_to_be_away(tmp_path: Path, run: Run) -> None:
    async with scene(tmp_path) as made:
        home = made.technician.home
    home.sign_in.unlink(missing_ok=True)
    done = await asyncio.to_thread(lambda: run("inbox", "--home", home.path, "--json"))
    assert done.code == 1
    assert done.json["error"]["what"] == "the server cannot be reached"
