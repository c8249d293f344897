"""Log templates: one kind of message is one template, whatever varies in it, and nothing grows without bound."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics import log_templates
from diagnostics.log_templates import (
    DAYS_KEPT,
    NEW_A_LOOK_MAX,
    TEMPLATES_ALIKE_MAX,
    Day,
    Templates,
    dump_templates,
    learn,
    load_templates,
    usual_peak,
)
from diagnostics.observations import LogLine

NOW = 1_795_000_000
DAY = 86_400


def line(text: str, *, at: int = NOW - 60, unit: str = "cups.service", severity: int = 4) -> LogLine:
    return LogLine(at, severity, unit, text)


def texts(templates: Templates) -> list[str]:
    return [template.text for template in templates.templates]


def test_what_varies_becomes_a_hole() -> None:
    lines = [
        line("Job 412 stopped due to filter errors"),
        line("Job 97 stopped due to filter errors"),
        line('User "anna" may not print'),
        line("User 'bert' may not print"),
        line("Backend usb failed after a while"),
        line("Backend ipp failed after a while"),
        line("Backend usb failed after a while", unit="other.service"),
    ]
    learned = learn(Templates(), lines, now=NOW)
    assert texts(learned.templates) == [
        "Job <*> stopped due to filter errors",
        "User <*> may not print",
        "Backend <*> failed after a while",
        "Backend usb failed after a while",
    ]
    assert [template.count for template in learned.templates.templates] == [2, 2, 2, 1]
    assert dict(learned.in_last_hour) == {0: 2, 1: 2, 2: 2, 3: 1}


def test_messages_that_share_less_than_half_stay_apart() -> None:
    learned = learn(Templates(), [line("Cannot open the tray"), line("Cannot reach any printer")], now=NOW)
    assert len(learned.templates.templates) == 2


def test_lines_that_an_earlier_look_counted_are_not_counted_again() -> None:
    lines = [line("Job 1 stopped", at=NOW - 50), line("Job 2 stopped", at=NOW - 40)]
    first = learn(Templates(), lines, now=NOW)
    again = learn(first.templates, [*lines, line("Job 3 stopped", at=NOW + 10)], now=NOW + 900)
    (template,) = again.templates.templates
    assert (template.count, again.in_last_hour[0]) == (3, 3)
    assert template.days == {str(NOW // DAY): Day(3, 3)}
    assert again.templates.began_unix_s == NOW


def test_the_loudest_hour_is_that_of_the_week_before_today() -> None:
    state = Templates()
    for back, count in ((9, 90), (6, 40), (2, 7), (0, 55)):
        at = NOW - back * DAY
        state = learn(state, [line("Job 1 stopped", at=at - 5) for _ in range(count)], now=at).templates
    (template,) = state.templates
    assert usual_peak(template, now=NOW) == 40
    assert len(template.days) <= DAYS_KEPT


def test_a_line_from_the_future_and_an_empty_one_teach_nothing() -> None:
    assert learn(Templates(), [line("Job 1", at=NOW + 5), line("  ")], now=NOW).templates.templates == ()


def test_a_flood_of_new_messages_is_cut_and_its_source_marked() -> None:
    rng = random.Random(5)
    words = ["".join(rng.choices("abcdefghij", k=8)) for _ in range(2000)]
    flood = [line(" ".join(rng.sample(words, rng.randrange(3, 9))), unit="bad.service") for _ in range(5000)]
    learned = learn(Templates(), [*flood, line("Job 1 stopped")], now=NOW)
    assert len(learned.templates.templates) <= NEW_A_LOOK_MAX
    assert "bad.service" in learned.templates.full


def test_the_bounds_hold_and_the_one_seen_longest_ago_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_templates, "TEMPLATES_PER_SOURCE_MAX", 3)
    monkeypatch.setattr(log_templates, "TEMPLATES_MAX", 5)
    lines = [line(f"{name} alone", at=NOW - 100 + index, unit="a") for index, name in enumerate("ABCD")]
    lines += [line(f"{name} alone", at=NOW - 50 + index, unit="b") for index, name in enumerate("EFG")]
    state = learn(Templates(), lines, now=NOW).templates
    assert texts(state) == ["C alone", "D alone", "E alone", "F alone", "G alone"]
    assert state.full == ("a",)


def test_many_alike_are_bounded_where_they_are_compared() -> None:
    lines = [
        line(f"Cannot {'abcdefgh'[n % 8]}{'ijklmnop'[n // 8]} {'qrstuvwx'[n % 8]}{'yzabcdef'[n // 8]} x{n}")
        for n in range(64)
    ]
    lines = [line(it.text.rsplit(" ", 1)[0]) for it in lines]
    assert len(learn(Templates(), lines, now=NOW).templates.templates) == TEMPLATES_ALIKE_MAX


def test_the_state_is_plain_json_and_reads_back() -> None:
    state = learn(Templates(), [line("Job 412 stopped"), line("Tray is empty", severity=3)], now=NOW).templates
    assert load_templates(dump_templates(state)) == state
    with pytest.raises(ValueError, match="expected log templates of format 1, got 2"):
        load_templates(dump_templates(Templates(format=2)))


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), st.text(max_size=60), st.integers(0, 7200)), max_size=40))
def test_any_lines_give_the_same_state_each_time(lines: list[tuple[str, str, int]]) -> None:
    made = [LogLine(NOW - back, 3, unit, text) for unit, text, back in lines]
    first = learn(Templates(), made, now=NOW)
    assert first == learn(Templates(), made, now=NOW)
    assert sum(first.in_last_hour.values()) == sum(1 for it in made if it.text.split())
    assert load_templates(dump_templates(first.templates)) == first.templates
    # Every line finds its template again, so a second look adds none.
    assert len(learn(first.templates, made, now=NOW).templates.templates) == len(first.templates.templates)
