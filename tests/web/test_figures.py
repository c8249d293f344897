"""Numbers as people read them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from web import figures


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1, "1 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (1500, "1.5 kB"),
        (9949, "9.9 kB"),
        (9950, "10 kB"),
        (999_499, "999 kB"),
        (999_500, "1 MB"),
        (1_830_000_000, "1.8 GB"),
        (10**19, "10 EB"),
        (10**23, "100000 EB"),
        (-1500, "−1.5 kB"),
        (None, "–"),
        (float("nan"), "–"),
    ],
)
def test_sizes(count: float | None, text: str) -> None:
    assert figures.size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.0001, "< 1 ms"),
        (0.35, "350 ms"),
        (0.9996, "1 s"),
        (4.2, "4.2 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (61, "1 min 1 s"),
        (754, "12 min"),
        (7500, "2 h 5 min"),
        (86400, "1 d"),
        (187200, "2 d 4 h"),
        (-5, "−5 s"),
        (None, "–"),
    ],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert figures.duration(seconds) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0 %"), (1, "100 %"), (0.5, "50 %"), (0.999, "> 99 %"), (0.001, "< 1 %"), (1.2, "120 %"), (-0.1, "−10 %")],
)
def test_shares_never_claim_all_or_nothing_that_is_not(share: float, text: str) -> None:
    assert figures.percent(share) == text


def test_counts_are_grouped() -> None:
    assert figures.count(1234567) == "1\u202f234\u202f567"


def test_a_time_says_utc_without_scripts_and_keeps_it_in_the_title() -> None:
    moscow = datetime(2026, 3, 14, 12, 26, 53, tzinfo=timezone(timedelta(hours=3)))
    expected = (
        '<time class="when" datetime="2026-03-14T09:26:53.000Z" title="2026-03-14 09:26:53 UTC"'
        ' data-style="time">14 Mar 2026, 09:26 UTC</time>'
    )
    assert figures.when(moscow) == expected
    assert figures.when(moscow.timestamp()) == expected


def test_a_time_without_zone_is_an_error() -> None:
    with pytest.raises(ValueError, match="with its zone"):
        figures.when(datetime(2026, 3, 14))  # noqa: DTZ001


@pytest.mark.parametrize("absurd", [1e12, 1e30, -1e30, float("inf"), float("nan")])
def test_a_broken_clock_breaks_no_page(absurd: float) -> None:
    assert figures.when(absurd) == "–"


def test_a_curve_leaves_a_gap_where_a_value_is_missing() -> None:
    assert figures.curve([0, 1, None, 1, 0], 100, 24) == "M0.0 23.0L25.0 1.0M75.0 1.0L100.0 23.0"
    assert figures.curve([None, 1]) == ""
    assert figures.curve([2, 2]) == "M0.0 12.0L100.0 12.0"


@given(st.lists(st.one_of(st.none(), st.floats()), max_size=30))
@settings(deadline=None, derandomize=True, max_examples=200)
def test_curves_and_plot_data_take_any_number(values: list[float | None]) -> None:
    path = figures.curve(values)
    assert "nan" not in path
    assert "inf" not in path
    data = figures.plot_data(list(range(len(values))), {"x": values})
    json.dumps(data, allow_nan=False)


def test_plot_data_refuses_series_of_another_length() -> None:
    with pytest.raises(ValueError, match="2 times but 1 values in 'cpu'"):
        figures.plot_data([1, 2], {"cpu": [0.5]})


def test_moments_are_utc() -> None:
    assert figures.as_moment(0) == datetime(1970, 1, 1, tzinfo=UTC)
