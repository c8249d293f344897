"""`doctor` and `record` as a person meets them, without a service and with what one says."""

import json
import re
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from agent.cli.command import Exit
from agent.cli.doctor import _from_status, agent_lines, reach
from agent.cli.main import main
from agent.identity.identity import Identity
from agent.identity.trust_store import TrustStore
from agent.local.status import membership
from agent.paths import Mode, StateFolder
from diagnostics.collectors.catalogue import COLLECTORS
from diagnostics.doctor import SourceState
from diagnostics.machine.recorded import RecordedMachine
from tests.agent.doubles import HandClocks, recipients
from tests.making import Organisation

Capture = pytest.CaptureFixture[str]
READABLE = (SourceState("memory", True, 1, checks=("memory-pressure",)),)
DENIED = (
    SourceState("kernel-log", False, 1, "denied", "it is for administrators", "join adm", True, ("kernel-events",)),
)


def status(**changed: Any) -> dict[str, Any]:
    """What a service that is well says."""
    return {
        "membership": {
            "organisation": "Example Desk",
            "origin": "https://desk.example.org",
            "approved": True,
            "approval": "approved",
            "revocations_fresh": True,
            "documents": {"policy": 3, "revocations-leaves": 7},
            "issued_at": {"revocations-leaves": int(time.time()) - 7_200},
        },
        "link": {"state": "connected", "trouble": ""},
        "outbox": {"items": 0, "bytes": 0, "oldest_queued_at": None},
        "alarms": [],
        "clock_held_back_s": 0,
        "health": {"trouble": ""},
        **changed,
    }


def of(told: dict[str, Any]) -> dict[str, str]:
    return {line["what"]: line["state"] for line in _from_status(told)}


def test_a_service_that_is_well_has_no_problem() -> None:
    assert of(status()) == {"enrolled": "fine", "trust": "fine", "server": "fine", "outbox": "fine"}


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"link": {"state": "waiting", "trouble": "no answer"}}, "server"),
        ({"outbox": {"items": 3, "bytes": 900, "oldest_queued_at": 1}}, "outbox"),
        ({"alarms": [{"kind": "rollback", "name": "policy", "expected": "4", "got": "3"}]}, "alarm"),
        ({"clock_held_back_s": 90}, "clock"),
        ({"health": {"trouble": "the check worker ended"}}, "checks"),
    ],
)
def test_each_trouble_is_a_problem_with_advice(changed: dict[str, Any], what: str) -> None:
    (line,) = [item for item in _from_status(status(**changed)) if item["what"] == what]
    assert line["state"] == "problem"
    assert line["advice"]


def test_the_documents_of_trust_are_told_with_their_age() -> None:
    (trust,) = [line for line in _from_status(status()) if line["what"] == "trust"]
    assert "policy 3, revocations-leaves 7, 2 h old" in trust["told"]


def test_revocations_that_are_old_are_a_problem_of_trust() -> None:
    old = status()
    old["membership"]["revocations_fresh"] = False
    assert of(old)["trust"] == "problem"


def test_a_server_that_listens_is_reached_and_one_that_does_not_is_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        assert reach(f"http://127.0.0.1:{port}")["state"] == "fine"
    gone = reach(f"http://127.0.0.1:{port}", timeout_s=1)
    assert gone["state"] == "problem"
    assert "check link" in gone["advice"]


def test_a_machine_that_never_met_anybody_has_nothing_to_mend(tmp_path: Path) -> None:
    lines = {line["what"]: line["state"] for line in agent_lines(StateFolder(tmp_path / "none", Mode.USER))}
    assert lines == {"disk": "fine", "service": "note", "enrolled": "note"}


@pytest.mark.parametrize(("states", "code"), [(READABLE, Exit.FINE), (DENIED, Exit.PROBLEM)])
def test_doctor_ends_with_1_where_a_person_can_mend_something(
    states: tuple[SourceState, ...], code: Exit, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What can be read on the machine of a test is not known beforehand; how it is told is.
    monkeypatch.setattr("diagnostics.doctor.look_for_sources", lambda _: states)
    assert main(["doctor", "--state", str(tmp_path)]) == code
    said = capsys.readouterr().out
    assert ("→ join adm" in said) == (code is Exit.PROBLEM)
    assert ("without it: kernel-events say nothing" in said) == (code is Exit.PROBLEM)
    assert main(["doctor", "--json", "--state", str(tmp_path)]) == code
    told = json.loads(capsys.readouterr().out)
    assert told["problem"] is (code is Exit.PROBLEM)
    assert [source["id"] for source in told["sources"]] == [state.id for state in states]


@pytest.fixture
def virtual_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that was really recorded answers at once; the one of the test takes seconds to look at."""
    machine = RecordedMachine(Path(__file__).resolve().parents[1] / "machines" / "debian-virtual-machine")
    monkeypatch.setattr("diagnostics.machine.local.local_machine", lambda **_: machine)


@pytest.mark.usefixtures("virtual_machine")
def test_a_machine_is_looked_at_whole_and_recorded(tmp_path: Path, capsys: Capture) -> None:
    assert main(["doctor", "--json", "--state", str(tmp_path)]) in (Exit.FINE, Exit.PROBLEM)
    told = json.loads(capsys.readouterr().out)
    assert [source["id"] for source in told["sources"]] == [collector.id for collector in COLLECTORS]
    assert main(["record", str(tmp_path / "rec"), "--yes", "--json", "--state", str(tmp_path)]) == Exit.FINE
    kept = json.loads(capsys.readouterr().out)
    assert {"machine.toml", "answers.json", "README.txt"} <= {file["path"] for file in kept["files"]}
    assert RecordedMachine(tmp_path / "rec").about.name == "rec"
    assert main(["record", str(tmp_path / "rec"), "--yes", "--state", str(tmp_path)]) == Exit.PROBLEM
    assert "new folder, or an empty one" in capsys.readouterr().err


@pytest.mark.usefixtures("virtual_machine")
def test_without_a_yes_nothing_is_kept(tmp_path: Path, capsys: Capture) -> None:
    assert main(["record", str(tmp_path / "rec"), "--state", str(tmp_path)]) == Exit.PROBLEM
    said = capsys.readouterr()
    assert "answers.json" in said.out
    assert "Taken out and replaced: " in said.out
    assert "Nothing was kept." in said.err
    assert not (tmp_path / "rec").exists()


def test_what_a_member_says_of_its_trust_is_what_doctor_reads(
    trust_store: TrustStore, identity: Identity, clocks: HandClocks, organisation: Organisation
) -> None:
    """The real words of the service, so that both sides of the socket keep speaking of the same."""
    trust_store.accept(recipients(organisation, 3))
    lines = _from_status(status(membership=_said(identity, trust_store, clocks)))
    told = {line["what"]: line for line in lines}
    assert re.search(r"bundle-recipients 3, \d+ h old", told["trust"]["told"])
    assert told["trust"]["state"] == "problem"  # no list of revocations has come yet
    assert told["enrolled"]["state"] == "problem"
    assert "approve" in told["enrolled"]["advice"]


def _said(identity: Identity, trust_store: TrustStore, clocks: HandClocks) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(json.dumps(membership(identity, trust_store, clocks)))
    return said
