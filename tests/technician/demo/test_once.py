"""`bellpull demo --once --json`, as a person runs it: every program, every proof, in order, and nothing left behind."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from technician.demo.steps import Step

BELLPULL = Path(sys.executable).parent / "bellpull"

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the agent's user mode is complete on Linux only"),
    pytest.mark.timeout(240),  # 25 s on two free cores; a test run has none
]

FIELDS = {
    Step.SERVER_STARTED: {"address"},
    Step.ORGANISATION_CREATED: {"organisation", "root"},
    Step.DEVICE_ENROLLED: {"device", "customer", "approved_by"},
    Step.HEALTH_CHECKED: {"checks", "ran", "skipped", "findings"},
    Step.TICKET_OPENED: {"ticket", "case", "why"},
    Step.BUNDLE_ATTACHED: {"bytes", "files", "redactions", "sha256", "sealed"},
    Step.SESSION_REQUESTED: {"device", "scopes", "minutes"},
    Step.CONSENT_GRANTED: {"scopes", "minutes", "phrase_equal"},
    Step.DIAGNOSTIC_RUN: {"name", "rows"},
    Step.OUT_OF_SCOPE_REFUSED: {"action", "outcome"},
    Step.SESSION_STOPPED: {"by", "seconds_until_dead"},
    Step.RECEIPT_VERIFIED: {"actions", "countersigned"},
    Step.AUDIT_VERIFIED: {"entries", "witnesses"},
    Step.RELAY_SAW_ONLY_CIPHERTEXT: {"canaries", "found", "control_found"},
}


@pytest.fixture
def state() -> Iterator[Path]:
    """Short enough for a unix socket, which pytest's own folders may not be."""
    with tempfile.TemporaryDirectory(prefix="bp-") as folder:
        yield Path(folder) / "demo"


def test_the_main_job_end_to_end(state: Path) -> None:
    done = subprocess.run(
        [BELLPULL, "demo", "--once", "--json", "--state", state],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NO_COLOR": "1"},
    )
    told = [json.loads(line) for line in done.stdout.splitlines()]
    failed = [line for line in told if not line["ok"]]
    assert failed == [], f"{failed}\n{done.stderr}\n{_logs(state)}"
    assert done.returncode == 0

    assert [line["step"] for line in told] == [*(step.value for step in Step), "done"]
    for line in told[:-1]:
        assert line.keys() >= {"ok", "seconds", *FIELDS[Step(line["step"])]}, line
    of = {line["step"]: line for line in told}
    assert of["bundle-attached"]["sealed"] is True
    assert of["consent-granted"]["phrase_equal"] is True
    assert of["session-stopped"]["seconds_until_dead"] < 3
    assert of["receipt-verified"]["countersigned"] is True
    assert [action["outcome"] for action in of["receipt-verified"]["actions"]] == ["done", "done", "refused"]
    assert of["audit-verified"]["witnesses"] >= 1
    assert of["relay-saw-only-ciphertext"]["found"] == 0
    assert len(of["relay-saw-only-ciphertext"]["canaries"]) >= 2

    left = [
        process for process in psutil.process_iter(["cmdline"]) if str(state) in " ".join(process.info["cmdline"] or [])
    ]
    assert left == []
    cleaned = subprocess.run([BELLPULL, "demo", "--clean", "--state", state], capture_output=True, check=False)
    assert cleaned.returncode == 0
    assert not state.exists()


def test_a_failure_is_told_with_a_hint_and_exit_1(state: Path) -> None:
    """Nothing to start: the programs are not on the PATH, nor beside this Python."""
    code = """
import shutil, sys
shutil.which = lambda *_, **__: None
from technician.cli import app
app(["demo", "--once", "--json", "--state", sys.argv[1]])
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(state)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[3],
    )
    first, last = (json.loads(line) for line in done.stdout.splitlines())
    assert done.returncode == 1
    assert (first["step"], first["ok"], last["step"], last["ok"]) == ("server-started", False, "done", False)
    assert "bellpull-server is not installed" in last["error"]
    assert last["hint"]


def _logs(state: Path) -> str:
    return "\n".join(f"--- {log.name}\n{log.read_text()[-2000:]}" for log in (state / "logs").glob("*.log"))


@pytest.mark.soak
def test_the_screen_stays_until_ctrl_c_and_then_everything_is_gone(state: Path) -> None:
    """As a person runs it; Ctrl-C reaches the demo alone, which ends what it started."""
    demo = subprocess.Popen(
        [BELLPULL, "demo", "--state", state], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert demo.stdout is not None
    said: list[str] = []
    try:
        for line in demo.stdout:
            said.append(line)
            if "Ctrl-C stops all of it" in line:
                break
        screen = "".join(said)
        assert screen.count("http://") >= 4, screen
        started = psutil.Process(demo.pid).children(recursive=True)
        assert len(started) >= 4
        demo.send_signal(signal.SIGINT)
        assert demo.wait(60) == 0
        assert [process for process in started if process.is_running()] == []
    finally:
        demo.kill()
        demo.wait()
