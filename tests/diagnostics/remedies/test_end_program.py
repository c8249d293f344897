"""A program that is ended for real: a child of this test, named by the finding."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from diagnostics.machine.local import local_machine
from diagnostics.remedies.end_program import REMEDY
from diagnostics.remedies.remedy import Means, NotNeeded
from diagnostics.remedies.transaction import Answer, Transaction
from tests.diagnostics.remedies.journal_file import JournalFile
from tests.diagnostics.remedies.scratch import NOW, TROUBLED, means_for

if sys.platform == "linux":
    from diagnostics.machine.change.processes import LocalProcesses

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="programs are ended on Linux only")
NAME = "hog-of-a-test"


@pytest.fixture
def hog(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    program = shutil.copy("/bin/sleep", tmp_path / NAME)
    child = subprocess.Popen([program, "60"])
    yield child
    child.kill()
    child.wait()


@pytest.fixture
def means(tmp_path: Path) -> Means:
    (tmp_path / "cache").mkdir()
    (tmp_path / "quarantine").mkdir()
    # This test stands above its child, as the agent would: so the agent is said to be nobody here. Not as root, who
    # ends people's programs only.
    processes = LocalProcesses(local_machine(), own_uid=os.getuid(), agent_pid=2**22 + 1, grace_s=5)
    processes._whole = False
    return replace(means_for(tmp_path), processes=processes, subject=f"process:{NAME}")


def _named(pid: int) -> None:
    until = time.monotonic() + 10
    while Path(f"/proc/{pid}/comm").read_text().strip() != NAME:
        assert time.monotonic() < until
        os.sched_yield()


def test_the_program_of_the_dry_run_is_ended(hog: subprocess.Popen[bytes], means: Means, tmp_path: Path) -> None:
    _named(hog.pid)
    transaction: Transaction[Any] = Transaction(REMEDY, means, JournalFile(tmp_path / "j"), lambda: TROUBLED)
    plan, question = transaction.preview(now=NOW)
    assert plan.pid == hog.pid
    assert f"number {hog.pid}" in question.steps[0]
    ending = transaction.begin("run-1", now=NOW, ask=lambda q: Answer(True, "anna"))
    assert ending.outcome is None
    assert hog.wait(5) == -15


def test_a_later_program_with_its_number_is_never_hit(
    hog: subprocess.Popen[bytes], means: Means, tmp_path: Path
) -> None:
    _named(hog.pid)
    plan = REMEDY.acts.plan(means, now=NOW)
    later = replace(plan, started_ms=plan.started_ms - 5000)
    assert means.processes is not None
    with pytest.raises(Exception, match="another program has its number"):
        REMEDY.acts.apply(later, means)
    assert hog.poll() is None


def test_a_program_that_does_not_run_or_is_the_agents_own_is_not_needed(
    hog: subprocess.Popen[bytes], means: Means
) -> None:
    _named(hog.pid)
    with pytest.raises(NotNeeded):
        REMEDY.acts.plan(replace(means, subject="process:nobody"), now=NOW)
    agents = LocalProcesses(local_machine(), own_uid=os.getuid(), agent_pid=hog.pid)
    with pytest.raises(NotNeeded):
        REMEDY.acts.plan(replace(means, processes=agents), now=NOW)
