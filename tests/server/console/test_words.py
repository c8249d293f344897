"""Titles and names that people read."""

import pytest

from protocol.audit import AuditWord
from protocol.messages.desk import TicketState
from server.console.words import AUDIT_WORDS, STATE_WORDS, TITLE_CHARS, from_code, ticket_title
from web.pages import icon_names


@pytest.mark.parametrize(
    ("words", "finding", "title"),
    [
        ("", "disk-space-low", "Disk space low"),
        ("Help me", "disk-space-low", "Disk space low"),
        ("The printer\nis broken", None, "The printer"),
        ("\n  \n spaced   out ", None, "spaced out"),
        ("", None, "Asks for help"),
        ("\n\n", None, "Asks for help"),
        (
            "My computer is slow since Monday. Could somebody please have a look at it soon?",
            None,
            "My computer is slow since Monday.",
        ),
        ("Hm. " + "word " * 40, None, "Hm. " + ("word " * 13).rstrip() + "…"),
        ("word " * 40, None, ("word " * 14).rstrip() + "…"),
        ("x" * 500, None, "x" * TITLE_CHARS + "…"),
    ],
)
def test_a_ticket_is_called_by_its_finding_or_the_first_line_of_its_words(
    words: str, finding: str | None, title: str
) -> None:
    assert ticket_title(words, finding) == title


def test_codes_are_read_as_words() -> None:
    assert [from_code(code) for code in ("disk-space-low", "dns", "process-cpu", "memory.pressure", "")] == [
        "Disk space low", "DNS", "Process CPU", "Memory pressure", "",
    ]  # fmt: skip


def test_every_state_and_every_audit_word_has_a_name_and_an_icon_that_is_there() -> None:
    assert set(STATE_WORDS) == set(TicketState)
    assert set(AUDIT_WORDS) == set(AuditWord)
    assert {icon for _, _, icon in AUDIT_WORDS.values()} <= icon_names()
