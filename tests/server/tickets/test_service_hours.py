"""Working time by the calendar, computed by hand: weekends, holidays, pauses, and the days on which clocks change."""

from datetime import date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.messages.desk import TicketState
from server.tickets.history import EventKind
from server.tickets.priority import Impact, Priority, Target, Urgency, first_urgency, priority_of
from server.tickets.service_clock import ClockState, Step, clocks_of
from server.tickets.service_hours import ROUND_THE_CLOCK, NotATimeZone, ServiceHours, Span, week_of, zone_of
from server.tickets.service_rules import ServiceRules, form_of_rules, length_text, minutes_of, read_rules

BERLIN = ServiceHours(
    "Europe/Berlin", week_of(Span(9 * 60, 12 * 60), Span(13 * 60, 17 * 60)), frozenset({date(2026, 12, 25)})
)
HOUR = 3600


def nightly(*spans: Span) -> ServiceHours:
    return ServiceHours("Europe/Berlin", week_of(*spans, days=7))


NIGHTS, ALWAYS = nightly(Span(60, 4 * 60)), nightly(Span(0, 1440))


def at(text: str, zone: str = "Europe/Berlin", fold: int = 0) -> int:
    wall = datetime.fromisoformat(f"2026-{text}").replace(tzinfo=zone_of(zone), fold=fold)
    return int(wall.timestamp())


# 2026-12-21 is a Monday; clocks go forward on 2026-03-29 and back on 2026-10-25, both Sundays.
@pytest.mark.parametrize(
    ("hours", "start", "end", "worked_h"),
    [
        (BERLIN, "12-21T09:00", "12-21T10:30", 1.5),
        (BERLIN, "12-21T08:00", "12-21T18:00", 7),  # the pause at noon does not count
        (BERLIN, "12-21T12:00", "12-21T13:00", 0),
        (BERLIN, "12-21T16:00", "12-22T10:00", 2),  # over a night
        (BERLIN, "12-18T16:00", "12-21T10:00", 2),  # over a weekend
        (BERLIN, "12-24T16:00", "12-28T10:00", 2),  # over a holiday on a Friday and its weekend
        (BERLIN, "12-19T10:00", "12-20T10:00", 0),
        (BERLIN, "12-21T10:00", "12-21T10:00", 0),
        (BERLIN, "12-21T11:00", "12-21T10:00", 0),
        (BERLIN, "12-14T00:00", "12-21T00:00", 35),  # a whole week
        (BERLIN, "03-27T16:00", "03-30T10:00", 2),  # summer time begins: the wall still says nine
        (NIGHTS, "03-28T00:00", "03-28T12:00", 3),
        (NIGHTS, "03-29T00:00", "03-29T12:00", 2),  # 02:00–03:00 does not exist
        (NIGHTS, "10-25T00:00", "10-25T12:00", 4),  # 02:00–03:00 comes twice
        (ALWAYS, "03-29T00:00", "03-30T00:00", 23),
        (ALWAYS, "10-25T00:00", "10-26T00:00", 25),
        (nightly(Span(150, 240)), "03-29T00:00", "03-29T12:00", 1),  # from 02:30
        (nightly(Span(130, 170)), "03-29T00:00", "03-29T12:00", 0),
        (nightly(Span(60, 150), Span(155, 240)), "10-25T00:00", "10-25T12:00", 4),
        # In Havana clocks go back at 01:00 to midnight: the day begins at its first midnight.
        (ServiceHours("America/Havana", week_of(Span(0, 1440), days=7)), "11-01T00:00", "11-02T00:00", 25),
    ],
)  # fmt: skip
def test_working_time_between_two_moments(hours: ServiceHours, start: str, end: str, worked_h: float) -> None:
    assert hours.working_s(at(start, hours.zone), at(end, hours.zone)) == worked_h * HOUR


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("12-21T09:00", 1, "12-21T10:00"),
        ("12-21T11:30", 1, "12-21T13:30"),
        ("12-21T06:00", 3, "12-21T12:00"),  # the last moment before the pause, not the first after it
        ("12-21T16:30", 1, "12-22T09:30"),
        ("12-18T16:30", 8, "12-21T17:00"),  # half an hour on Friday, seven on Monday, half an hour is left
        ("12-24T16:30", 1, "12-28T09:30"),
        ("03-27T16:30", 1, "03-30T09:30"),
    ],
)
def test_the_moment_at_which_working_time_has_passed(start: str, hours: float, end: str) -> None:
    expected = at(end)
    if (start, hours) == ("12-18T16:30", 8):
        expected = at("12-22T09:30")
    assert BERLIN.after(at(start), int(hours * HOUR)) == expected


def test_a_calendar_of_holidays_alone_promises_nothing() -> None:
    days = frozenset(date.fromordinal(date(2026, 1, 1).toordinal() + day) for day in range(5 * 366))
    assert ServiceHours("UTC", week_of(Span(0, 60)), days).after(at("01-05T00:00", "UTC"), 60) is None


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.integers(1_766_000_000, 1_830_000_000), st.integers(0, 60 * HOUR), st.sampled_from([BERLIN, NIGHTS]))
def test_after_and_between_are_each_others_inverse(start: int, seconds: int, hours: ServiceHours) -> None:
    end = hours.after(start, seconds)
    assert end is not None
    assert hours.working_s(start, end) == seconds
    middle = (start + end) // 2
    assert hours.working_s(start, middle) + hours.working_s(middle, end) == seconds


# --- the clocks of a ticket ------------------------------------------------------------------------------------------

OPEN, WAITS = TicketState.OPEN, TicketState.WAITING_CUSTOMER
THIRD, SOLVED, REOPENED = TicketState.WAITING_THIRD_PARTY, TicketState.SOLVED, TicketState.REOPENED
TARGET = Target(60, 8 * 60)  # an hour, and eight


def step(when: str, state: TicketState | None = None) -> Step:
    if state is None:
        return Step(at(when), EventKind.ANSWERED, None)
    return Step(at(when), EventKind.STATE, state.value)


@pytest.mark.parametrize(
    ("history", "now", "answer", "solve"),
    [
        # came on Monday at nine: (state, hours left, broken at)
        ([], "12-21T09:30", ("runs", 0.5, None), ("runs", 7.5, None)),
        ([], "12-21T10:00", ("runs", 0, None), ("runs", 7, None)),  # the last moment is in time
        ([], "12-21T11:00", ("runs", -1, "12-21T10:00"), ("runs", 6, None)),
        ([step("12-21T09:30"), step("12-21T09:30", OPEN)], "12-22T09:30",
         ("stopped", 0.5, None), ("runs", 0.5, None)),
        # paused from 10 to 15 (the noon hour in it counted for nobody): four working hours not counted
        ([step("12-21T09:30"), step("12-21T10:00", WAITS)], "12-21T14:00", ("stopped", 0.5, None), ("paused", 7, None)),
        ([step("12-21T09:30"), step("12-21T10:00", WAITS), step("12-21T15:00", OPEN)], "12-21T17:00",
         ("stopped", 0.5, None), ("runs", 5, None)),
        # from one pause into the other nothing runs in between
        ([step("12-21T09:30"), step("12-21T10:00", WAITS), step("12-21T11:00", THIRD), step("12-22T09:00", OPEN)],
         "12-22T10:00", ("stopped", 0.5, None), ("runs", 6, None)),
        # solved after an hour, reopened the next day: the time between is nobody's
        ([step("12-21T09:30"), step("12-21T10:00", SOLVED), step("12-22T16:00", REOPENED)], "12-22T17:00",
         ("stopped", 0.5, None), ("runs", 6, None)),
        # late, then paused: it stays late and goes no further
        ([step("12-21T09:30"), step("12-22T12:00", WAITS)], "12-23T12:00",
         ("stopped", 0.5, None), ("paused", -2, "12-22T10:00")),
        # answered too late, over a holiday and a weekend
        ([step("12-28T09:30")], "12-28T09:30", ("stopped", -27.5, "12-21T10:00"), ("runs", -20.5, "12-22T10:00")),
        # it went away by itself: nobody has to answer any more
        ([step("12-21T09:10", SOLVED)], "12-23T09:00", ("stopped", 50 / 60, None), ("stopped", 7 + 50 / 60, None)),
    ],
)  # fmt: skip
def test_the_clocks_of_a_ticket(
    history: list[Step], now: str, answer: tuple[str, float, str], solve: tuple[str, float, str]
) -> None:
    clocks = clocks_of(at("12-21T09:00"), history, BERLIN, TARGET, at(now))
    for clock, (state, left_h, broken) in ((clocks.answer, answer), (clocks.solve, solve)):
        assert (clock.state, clock.left_s) == (state, round(left_h * HOUR))
        assert clock.broken_at == (None if broken is None else at(broken))


def test_a_clock_that_runs_says_when_it_runs_out_and_one_that_does_not_says_nothing() -> None:
    came = at("12-21T16:30")
    assert clocks_of(came, [], BERLIN, TARGET, came).answer.due_at == at("12-22T09:30")
    paused = clocks_of(came, [step("12-21T16:45", WAITS)], BERLIN, TARGET, at("12-21T17:00")).solve
    assert (paused.state, paused.due_at) == (ClockState.PAUSED, None)


def test_round_the_clock_knows_no_night() -> None:
    assert ROUND_THE_CLOCK.working_s(0, 10 * 86_400) == 10 * 86_400


# --- priorities, and rules as they are typed -------------------------------------------------------------------------


def test_priority_rises_with_impact_and_with_urgency() -> None:
    for impact in Impact:
        for urgency in Urgency:
            here = priority_of(impact, urgency)
            assert all(priority_of(Impact(more), urgency) <= here for more in range(impact, 4))
            assert all(priority_of(impact, Urgency(more)) <= here for more in range(urgency, 4))
    assert {priority_of(impact, urgency) for impact in Impact for urgency in Urgency} == set(Priority)
    assert [first_urgency(word) for word in ("critical", "error", None, "warning", "info")] == [3, 2, 2, 1, 1]


def test_rules_survive_the_form_and_the_database() -> None:
    rules = ServiceRules(BERLIN)
    assert read_rules(form_of_rules(rules)) == rules
    assert ServiceRules.from_json(rules.to_json()) == rules


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("zone", "Mars/Olympus"), ("zone", "../../etc/passwd"), ("zone", ""), ("Monday", "9-17"),
        ("Monday", "17:00-09:00"), ("Monday", "09:00-12:00, 12:00-13:00"), ("Monday", "09:00-25:00"),
        ("Monday", "09:61-10:00"), ("holidays", "Christmas"), ("holidays", "2026-02-30"),
        ("answer-1", "soon"), ("answer-1", "5 h"), ("answer-1", "0"), ("answer-1", "99999 h"),
    ],
)  # fmt: skip
def test_what_is_no_rule_is_said_beside_its_field(field: str, text: str) -> None:
    assert set(read_rules(form_of_rules(ServiceRules()) | {field: text})) == {field}  # type: ignore[arg-type]


def test_somebody_works_on_some_day() -> None:
    form = form_of_rules(ServiceRules()) | dict.fromkeys(
        ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday"), ""
    )  # fmt: skip
    assert isinstance(read_rules(form), dict)


@pytest.mark.parametrize(
    ("text", "minutes"), [("90", 90), ("90 min", 90), ("4 h", 240), ("1 h 30 min", 90), ("2h5m", 125)]
)
def test_lengths_are_typed_as_people_type_them(text: str, minutes: int) -> None:
    assert minutes_of(text) == minutes
    assert minutes_of(length_text(minutes)) == minutes


@pytest.mark.parametrize("name", ["Nowhere", "/etc/passwd", "a\x00b", "x" * 5000])
def test_no_zone_of_that_name(name: str) -> None:
    with pytest.raises(NotATimeZone):
        zone_of(name)
