"""Recorded machines by name, and one look at them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from diagnostics.checks.contract import Context
from diagnostics.examine import Examination, examine
from diagnostics.history import History, MemoryHistory, load_history
from diagnostics.machine.recorded import RecordedMachine
from diagnostics.state_folder import read_past

MACHINES = Path(__file__).resolve().parent.parent / "machines"
NOW = 1_795_000_000


@pytest.fixture
def recorded() -> Callable[[str], RecordedMachine]:
    return lambda name: RecordedMachine(MACHINES / name)


@pytest.fixture
def history_of() -> Callable[[str], History]:
    def load(name: str) -> History:
        path = MACHINES / name / "history.jsonl"
        return load_history(path.read_text("utf-8").splitlines()) if path.exists() else MemoryHistory()

    return load


@pytest.fixture
def look(
    recorded: Callable[[str], RecordedMachine], history_of: Callable[[str], History]
) -> Callable[..., Examination]:
    """`look("laptop-healthy", only=["disk-space"])`: examine a recorded machine once."""

    def run(name: str, only: list[str] | None = None, raised_before: tuple[str, ...] = ()) -> Examination:
        machine, past = recorded(name), read_past(MACHINES / name)
        return examine(
            machine,
            history_of(name),
            now=machine.clock().unix_s,
            only=only,
            raised_before=raised_before,
            before=past.changes,
            templates=past.templates,
        )

    return run


@pytest.fixture
def context() -> Callable[..., Context]:
    """`context("code|instance", …)`: now, with these findings raised before."""

    def make(*raised: str, history: History | None = None, boot_unix_s: int | None = None) -> Context:
        return Context(NOW, boot_unix_s, history or MemoryHistory(), frozenset(raised))

    return make
