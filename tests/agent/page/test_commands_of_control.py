"""The same control at the command line: report-abuse, unfreeze, policy, stop --keep, status, receipts."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from agent.cli.command import WrongUse
from agent.cli.main import main
from agent.cli.policy import hours_of
from protocol import strict_json
from protocol.actions.logs import LogsArguments
from protocol.actions.scopes import Scope
from protocol.proofs import ProofFile, verify_proof
from tests.agent.visit_rig import Rig


class Terminal:
    """Runs `bellpull-agent` commands beside the service's loop, and reads what they print."""

    def __init__(self, rig: Rig, capsys: pytest.CaptureFixture[str]) -> None:
        self._state = str(rig.folder.root)
        self._capsys = capsys

    async def run(self, *words: str, code: int = 0) -> str:
        self._capsys.readouterr()
        exit_code = await asyncio.to_thread(main, [words[0], "--state", self._state, *words[1:]])
        printed = self._capsys.readouterr()
        assert exit_code == code, printed.err
        return printed.out

    async def json(self, *words: str, code: int = 0) -> Any:
        return json.loads(await self.run(*words, "--json", code=code))


@pytest.fixture
def terminal(service: Rig, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(service, capsys)


async def test_status_shows_the_visit_and_stop_keep_allows_less(service: Rig, terminal: Terminal) -> None:
    technician = await service.let_in(scopes=(Scope.DIAGNOSE, Scope.LOGS))
    service.hosts[0].answers = False
    technician.initiator.open_action("logs", LogsArguments(unit="ssh.service"), service.clocks.wall())
    await technician.flush()
    await asyncio.sleep(0)
    seen = await terminal.run("status")
    assert "Visit        Ada Tech of Helpful Ltd, tier 1: 15 min left" in seen
    assert "Right now    they read" in seen
    assert "unit “ssh.service”" in seen
    assert await terminal.json("stop", "--keep", "diagnose") == {"scopes": ["diagnose"]}
    assert service.visits.current()[0].scopes == ("diagnose",)
    assert "Nothing of it is allowed" in await terminal.run("stop", "--keep", "chat")


async def test_report_abuse_keep_export_and_lift(service: Rig, terminal: Terminal, tmp_path: Path) -> None:
    technician = await service.let_in()
    await technician.act()
    said = await terminal.json("report-abuse", "He asked for \x1b[2Jmoney", "--yes")
    assert (said["ended"], said["technician"], said["told_desk"]) == (1, "Ada Tech", False)
    await service.over()
    assert "FROZEN" in await terminal.run("status", code=1)
    listed = await terminal.run("report-abuse", "--list")
    assert "Nobody can connect: abuse was reported." in listed
    assert "\x1b" not in listed
    target = tmp_path / "report.json"
    await terminal.run("report-abuse", "--export", "1", str(target))
    exported = json.loads(target.read_text())
    proof = strict_json.parse(json.dumps(exported["proof"]).encode(), ProofFile, max_bytes=1 << 20)
    assert verify_proof(proof, service.organisation.root.verify_key).receipt.technician == "Ada Tech"
    assert target.stat().st_mode & 0o777 == 0o600
    await terminal.run("report-abuse", "--export", "1", str(target), code=1)  # never over another file
    assert await terminal.json("unfreeze") == {"lifted": 1, "frozen": False}
    assert "Nothing was frozen." in await terminal.run("unfreeze")


async def test_without_a_clear_yes_nothing_is_reported(service: Rig, terminal: Terminal) -> None:
    await terminal.run("report-abuse", "words", code=1)  # no terminal: nobody can be asked
    await terminal.run("report-abuse", "--tell-organisation", "--yes", code=1)
    assert not service.freeze.on


async def test_a_policy_is_signed_shown_and_withdrawn(service: Rig, terminal: Terminal) -> None:
    assert "There is no policy" in await terminal.run("policy")
    sign = ("policy", "sign", "--tier", "2", "--scope", "diagnose", "--scope", "processes.end", "--hours")
    signed = await terminal.json(*sign, "22:00-06:00", "--yes")
    assert (signed["version"], signed["minimum_tier"], signed["from_minute_utc"]) == (1, 2, 1320)
    shown = await terminal.run("policy", "show")
    assert "who: technicians of tier 2 or above" in shown
    assert "when: 22:00–06:00 UTC, up to 60 minutes a visit" in shown
    assert "end a running program; work not saved in it is lost (changes this computer)" in shown
    assert (await terminal.json("status"))["unattended"]["version"] == 1
    assert (await terminal.json("policy", "withdraw"))["withdrawn"]
    assert "There is no policy" in await terminal.run("policy", "withdraw")
    await terminal.run("policy", "sign", "--tier", "2", code=2)
    await terminal.run("policy", "sign", "--scope", "diagnose", "--yes", code=1)  # it would let nobody in
    await terminal.run(*sign, "1:00-2:00", code=1)  # nobody can be asked whether they mean it
    assert service.policies.version == 2


@pytest.mark.parametrize("text", ["", "22-6", "22:00-22:00", "25:00-26:00", "24:30-01:00", "1:00-2:60", "0:0-1:00"])
def test_what_are_no_hours(text: str) -> None:
    with pytest.raises(WrongUse):
        hours_of(text)


def test_what_are_hours() -> None:
    assert hours_of(None) == (0, 1440)
    assert hours_of("22:00-06:00") == (1320, 360)
    assert hours_of("0:00-24:00") == (0, 1440)


async def test_a_receipt_says_what_was_done_in_words(service: Rig, terminal: Terminal) -> None:
    technician = await service.let_in()
    await technician.act()
    await technician.end()
    await service.over()
    shown = await terminal.run("receipts", "show", service.receipts.list()[0].grant.hex()[:12])
    assert "anna allowed this, with a command on this computer, for 15 minutes:" in shown
    assert "1. They looked at the running programs — done" in shown


async def test_a_code_needs_a_server_and_nine_digits(service: Rig, terminal: Terminal) -> None:
    await terminal.run("visit", "12345", code=1)
    away = await terminal.json("visit", "123 456 789", code=1)
    assert away["error"]["what"] == "the server cannot be reached now"
