"""Words with facts filled in: templates are ours, facts are the machine's."""

import pytest

from diagnostics.wording import Language, fill, show_bytes, show_duration

EN, RU = Language.ENGLISH, Language.RUSSIAN


@pytest.mark.parametrize(
    ("count", "english", "russian"),
    [
        (0, "0 bytes", "0 байт"),
        (999, "999 bytes", "999 байт"),
        (1_500_000_000, "1.5 GB", "1,5 ГБ"),
        (480_000_000_000, "480 GB", "480 ГБ"),
        (7e15, "7000 TB", "7000 ТБ"),
    ],
)
def test_bytes_are_shown_as_disks_are_sold(count: float, english: str, russian: str) -> None:
    assert (show_bytes(count, EN), show_bytes(count, RU)) == (english, russian)


@pytest.mark.parametrize(
    ("seconds", "english", "russian"),
    [
        (0, "0 seconds", "0 с"),
        (1, "1 second", "1 с"),
        (60, "1 minute", "1 мин"),
        (3_600, "60 minutes", "60 мин"),
        (86_400, "24 hours", "24 ч"),
        (5 * 86_400 + 1, "5 days", "5 дн."),
    ],
)
def test_durations_use_the_largest_unit_that_fits_twice(seconds: float, english: str, russian: str) -> None:
    assert (show_duration(seconds, EN), show_duration(seconds, RU)) == (english, russian)


def test_facts_are_values_and_never_templates() -> None:
    facts = {"name": "{secret} {0.__class__} %s ${x}", "secret": "no"}
    assert fill("closed {name}", facts, EN) == "closed {secret} {0.__class__} %s ${x}"


@pytest.mark.parametrize("template", ["{name.__class__}", "{name[0]}", "{0}", "{}", "{name!r}"])
def test_a_template_cannot_reach_into_a_fact(template: str) -> None:
    assert fill(template, {"name": "x"}, EN) in ("?", "x")


def test_a_missing_fact_shows_as_a_question_mark() -> None:
    assert fill("{size:bytes} of {name}", {}, EN) == "? of ?"


def test_a_fact_of_another_type_is_shown_as_it_is() -> None:
    assert fill("{size:bytes}, {share:percent}, {yes:bytes}", {"size": "big", "share": 0.5, "yes": True}, EN) == (
        "big, 50 %, True"
    )


def test_facts_are_made_printable() -> None:
    assert fill("{name}", {"name": "a\x1b[2J"}, RU) == "a\\x1b[2J"
