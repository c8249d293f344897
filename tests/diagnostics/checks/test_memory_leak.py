"""Check 14: a week's rise of one name's memory, by the rules of the forecast."""

from collections.abc import Callable

from diagnostics.checks.contract import Context
from diagnostics.checks.memory_leak import WATCHED_MAX, by_name, check_memory_leak
from diagnostics.history import MemoryHistory, Point
from diagnostics.observations import Memory, Process, Processes

NOW = 1_795_000_000
GB = 1_000_000_000
MEMORY = Memory(16 * GB, 4 * GB, 0, 0)


def process(name: str, rss_bytes: int, pid: int = 1) -> Process:
    return Process(pid, 0, name, "anna", "S", 0.0, 0.0, rss_bytes, 1, 100.0)


def rising(per_day: float, last: float) -> MemoryHistory:
    kept = MemoryHistory()
    for hours in range(168, 0, -1):
        kept.append("process.rss-bytes", "process:leaky", Point(NOW - hours * 3600, last - per_day * hours / 24))
    return kept


def codes(context: Context, rss_bytes: int = 2 * GB) -> list[str]:
    outcome = check_memory_leak(Processes(0.25, (process("leaky", rss_bytes),)), MEMORY, context)
    return [finding.fingerprint for finding in outcome.findings]


def test_a_rise_that_takes_what_is_left_within_a_week_is_a_leak(context: Callable[..., Context]) -> None:
    assert codes(context(history=rising(0.9 * GB, 2 * GB))) == ["process-memory-leak|process:leaky"]


def test_a_slow_rise_or_none_is_not(context: Callable[..., Context]) -> None:
    assert codes(context(history=rising(0.04 * GB, 2 * GB))) == []
    assert codes(context(history=rising(0.3 * GB, 2 * GB))) == []  # two weeks away
    assert codes(context(history=rising(0.0, 2 * GB))) == []


def test_without_three_days_it_says_why_it_is_silent(context: Callable[..., Context]) -> None:
    outcome = check_memory_leak(Processes(0.25, (process("leaky", GB),)), MEMORY, context())
    assert outcome.skipped
    assert [metric.instance for metric in outcome.metrics] == ["process:leaky"]


def test_processes_of_one_name_are_summed_and_the_largest_watched() -> None:
    many = tuple(process(f"p{index}", index, index) for index in range(50))
    sums = by_name(Processes(0.25, (*many, process("web", 30), process("web", 31))))
    assert len(sums) == WATCHED_MAX
    assert next(iter(sums.items())) == ("web", 61)
