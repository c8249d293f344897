"""Metric history: order, limits, and the file a recorded machine brings."""

import pytest

from diagnostics.history import KEPT_S, MemoryHistory, Point, dump_history, load_history
from diagnostics.strict_json import StrictJsonError


def test_points_come_back_in_order_from_a_time_on() -> None:
    history = MemoryHistory()
    for unix_s in (10, 20, 30):
        history.append("disk.used-bytes", "disk:/", Point(unix_s, float(unix_s)))
    assert history.series("disk.used-bytes", "disk:/", since_unix_s=20) == (Point(20, 20.0), Point(30, 30.0))
    assert history.series("disk.used-bytes", "disk:/home", since_unix_s=0) == ()


def test_a_clock_set_back_replaces_what_lies_after_it() -> None:
    history = MemoryHistory()
    for unix_s in (10, 20, 30, 15):
        history.append("load", "", Point(unix_s, float(unix_s)))
    assert history.series("load", "", since_unix_s=0) == (Point(10, 10.0), Point(15, 15.0))


def test_points_older_than_a_month_are_dropped() -> None:
    history = MemoryHistory()
    history.append("load", "", Point(0, 1.0))
    history.append("load", "", Point(KEPT_S + 1, 2.0))
    assert history.series("load", "", since_unix_s=0) == (Point(KEPT_S + 1, 2.0),)


def test_a_history_file_reads_back() -> None:
    series = {("disk.used-bytes", "disk:/"): [Point(10, 1.0), Point(20, 2.5)]}
    text = dump_history(series)
    history = load_history(text.splitlines())
    assert history.series("disk.used-bytes", "disk:/", since_unix_s=0) == (Point(10, 1.0), Point(20, 2.5))
    with pytest.raises(StrictJsonError, match="unix_s"):
        load_history(['{"metric":"a","instance":"","unix_s":"1","value":1}'])
