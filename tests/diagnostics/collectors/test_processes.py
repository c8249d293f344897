"""Processor use between two looks."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.collectors.processes import compare
from diagnostics.machine.interface import ProcessNumbers, ProcessSnapshot

ONE = ProcessNumbers(100, 1, "tracker", "R", 10.0, 5_000, 2, 50.0, 1000)


def snapshot(at_s: float, *processes: ProcessNumbers) -> ProcessSnapshot:
    return ProcessSnapshot(at_s, 1000.0 + at_s, processes)


def test_use_is_what_was_added_within_the_window() -> None:
    seen = compare(snapshot(0.0, ONE), snapshot(0.5, replace(ONE, cpu_s=10.4)), {1000: "anna"})
    (process,) = seen.processes
    assert (seen.window_s, round(process.cpu_fraction, 3), process.user) == (0.5, 0.8, "anna")
    assert round(process.age_s, 1) == 950.5
    assert round(process.lifetime_cpu_fraction, 4) == round(10.4 / 950.5, 4)


def test_a_number_used_again_is_another_process() -> None:
    again = replace(ONE, cpu_s=0.1, started_s=1000.4)
    (process,) = compare(snapshot(0.0, ONE), snapshot(0.5, again), {}).processes
    assert round(process.cpu_fraction, 2) == 1.0
    assert process.user == "1000"


def test_one_that_vanished_is_left_out() -> None:
    assert compare(snapshot(0.0, ONE), snapshot(0.5), {}).processes == ()


def test_time_that_ran_backwards_is_no_use() -> None:
    (process,) = compare(snapshot(0.0, ONE), snapshot(0.5, replace(ONE, cpu_s=1.0)), {}).processes
    assert process.cpu_fraction == 0.0


def test_busiest_first_then_largest() -> None:
    idle = [replace(ONE, pid=pid, rss_bytes=rss) for pid, rss in ((1, 10), (2, 30), (3, 20))]
    busy = replace(ONE, pid=4)
    seen = compare(snapshot(0.0, *idle, busy), snapshot(1.0, *idle, replace(busy, cpu_s=10.5)), {})
    assert [process.pid for process in seen.processes] == [4, 2, 3, 1]


def test_names_are_made_printable() -> None:
    evil = replace(ONE, name="a\x1b[2J\n\u202eb")
    assert compare(snapshot(0.0), snapshot(1.0, evil), {}).processes[0].name == "a\\x1b[2J\\x0a\\u202eb"


@settings(deadline=None, derandomize=True, max_examples=100)
@given(
    st.lists(st.tuples(st.integers(1, 9), st.floats(0, 1e6), st.floats(0, 2000)), max_size=8),
    st.lists(st.tuples(st.integers(1, 9), st.floats(0, 1e6), st.floats(0, 2000)), max_size=8),
    st.floats(0, 10),
)
def test_no_two_looks_give_negative_or_endless_use(
    first: list[tuple[int, float, float]], second: list[tuple[int, float, float]], passed_s: float
) -> None:
    def make(rows: list[tuple[int, float, float]]) -> list[ProcessNumbers]:
        return [replace(ONE, pid=pid, cpu_s=cpu, started_s=started) for pid, cpu, started in rows]

    seen = compare(snapshot(0.0, *make(first)), snapshot(passed_s, *make(second)), {})
    for process in seen.processes:
        assert process.cpu_fraction >= 0
        assert process.lifetime_cpu_fraction >= 0
