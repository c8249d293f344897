"""Check 9: the age of the newest backup, by the marks that backup programs leave."""

from collections.abc import Callable

import pytest

from diagnostics.checks.backup_age import check_backup_age
from diagnostics.checks.contract import Context
from diagnostics.collectors.backups import collect_backups, duplicity_times, timeshift_times
from diagnostics.findings import Severity
from diagnostics.machine.interface import Unreadable
from diagnostics.machine.recorded import RecordedMachine
from diagnostics.system_observations import BackupMark, Backups

NOW = 1_795_000_000
DAY = 86_400


def mark(days: float, program: str = "restic", owner: str = "anna") -> BackupMark:
    return BackupMark(program, owner, int(NOW - days * DAY))


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (-1, None),
        (13, None),
        (14, Severity.WARNING),
        (59, Severity.WARNING),
        (60, Severity.ERROR),
        (401, None),
    ],
)
def test_the_newest_backup_decides(days: int, expected: Severity | None, context: Callable[..., Context]) -> None:
    outcome = check_backup_age(Backups((mark(days),)), context())
    assert [item.severity for item in outcome.findings] == ([] if expected is None else [expected])
    assert outcome.metrics[0].value == max(0, days) * DAY


def test_who_changed_the_program_is_backed_up_by_the_newer_one(context: Callable[..., Context]) -> None:
    marks = (mark(90, "borg"), mark(1, "restic"), mark(30, "timeshift", "system"))
    found = check_backup_age(Backups(marks), context()).findings
    assert [item.instance for item in found] == ["backup:timeshift:system"]


def test_each_program_names_its_backups_in_its_own_way(recorded: Callable[[str], RecordedMachine]) -> None:
    assert list(timeshift_times(["2026-11-18_14-26-40", "latest", "x"])) == [1_795_012_000]
    names = [
        "duplicity-full.20261101T080000Z.manifest",
        "duplicity-inc.20261101T080000Z.to.20261118T110640Z.manifest",
        "duplicity-full-signatures.20261101T080000Z.sigtar.gz",
    ]
    assert list(duplicity_times(names)) == [1_793_520_000, 1_795_000_000]
    assert collect_backups(recorded("laptop-worn")).marks == (BackupMark("restic", "anna", NOW - 40 * DAY),)
    troubled = collect_backups(recorded("server-troubled")).marks
    assert BackupMark("timeshift", "system", NOW - 2 * DAY) in troubled


def test_a_machine_without_marks_is_not_called_unprotected(recorded: Callable[[str], RecordedMachine]) -> None:
    with pytest.raises(Unreadable, match="restic, borg, Déjà Dup, Timeshift"):
        collect_backups(recorded("restricted-user"))
