"""Check 10: stalls and what is available, together."""

from collections.abc import Callable

import pytest

from diagnostics.checks.contract import Context
from diagnostics.checks.memory_pressure import check_memory_pressure, severity_of
from diagnostics.findings import Severity
from diagnostics.observations import Memory, MemoryPressure, Stall

GB = 1_000_000_000


def memory(available_fraction: float) -> Memory:
    return Memory(16 * GB, int(16 * GB * available_fraction), 2 * GB, 1 * GB)


def pressure(some: float, full: float) -> MemoryPressure:
    return MemoryPressure(Stall(some, some, some), Stall(full, full, full))


@pytest.mark.parametrize(
    ("available", "some", "full", "expected"),
    [
        (0.60, 0.00, 0.00, None),
        (0.02, 0.00, 0.00, None),  # caches fill memory on purpose: nobody waits
        (0.05, 0.15, 0.01, Severity.WARNING),
        (0.50, 0.15, 0.01, None),  # one program in its own limit
        (0.50, 0.30, 0.06, Severity.WARNING),
        (0.05, 0.30, 0.06, Severity.ERROR),
        (0.05, 0.60, 0.25, Severity.ERROR),
        (0.02, 0.60, 0.25, Severity.CRITICAL),
    ],
)
def test_waiting_and_scarcity_decide_together(
    available: float, some: float, full: float, expected: Severity | None
) -> None:
    assert severity_of(memory(available), pressure(some, full), already_raised=False) is expected


def test_without_stall_numbers_only_an_empty_tank_counts() -> None:
    assert severity_of(memory(0.05), None, already_raised=False) is None
    assert severity_of(memory(0.02), None, already_raised=False) is Severity.WARNING


def test_it_clears_at_another_line_than_it_was_raised_at() -> None:
    now = memory(0.12), pressure(0.08, 0.01)
    assert severity_of(*now, already_raised=False) is None
    assert severity_of(*now, already_raised=True) is Severity.WARNING


def test_the_finding_shows_both_numbers(context: Callable[..., Context]) -> None:
    outcome = check_memory_pressure(memory(0.02), pressure(0.6, 0.25), context())
    (finding,) = outcome.findings
    assert [proof.excerpt for proof in finding.evidence] == [
        "320 MB of 16 GB available",
        "over the last minute: something waited 60.0 % of the time, everything waited 25.0 %",
    ]
    assert finding.facts["swap_used_bytes"] == GB
    assert {metric.name for metric in outcome.metrics} >= {"memory.available-bytes"}


def test_metrics_come_also_when_nothing_is_wrong(context: Callable[..., Context]) -> None:
    outcome = check_memory_pressure(memory(0.5), None, context())
    assert outcome.findings == ()
    assert len(outcome.metrics) == 3


@pytest.mark.parametrize(("level", "severity"), [(1, None), (2, Severity.WARNING), (4, Severity.ERROR)])
def test_the_systems_own_word_decides_where_it_gives_one(
    level: int, severity: Severity | None, context: Callable[..., Context]
) -> None:
    none = Stall(0.0, 0.0, 0.0)
    findings = check_memory_pressure(memory(0.02), MemoryPressure(none, none, level), context()).findings
    assert [finding.severity for finding in findings] == ([] if severity is None else [severity])
