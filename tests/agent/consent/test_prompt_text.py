"""The words of the question: built from verified fields, the same every time, and nobody else's text passes as ours."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from agent.consent.policy import offer
from agent.consent.prompt_text import NEVER_ASK, PromptFacts, quote, write_prompt
from protocol.actions.scopes import Scope
from protocol.limits import REASON_MAX_CHARS
from tests.agent.visiting import SCOPES, TICKET
from tests.making import seed

FACTS = PromptFacts(
    technician="Ada Tech",
    organisation="Helpful Ltd",
    tier=2,
    serial="0" * 32,
    customer="Acme",
    device="d-aaaaaaaaaaaaaaaaaaaaaaaaaa",
    device_certified=True,
    ticket=TICKET,
    ticket_words="My disk is full",
    reason="Looking at the full disk",
    offer=offer(SCOPES, revocations_fresh=True),
    minutes=15,
    phrase=("return", "vest", "finish", "sky", "junior", "produce"),
    revocations_fresh=True,
    request=seed("request"),
)


def test_the_whole_question() -> None:
    assert (
        write_prompt(FACTS).text
        == """\
Ada Tech asks to connect to this computer.

Who: Ada Tech, technician of Helpful Ltd, tier 2.
Helpful Ltd's signature on their certificate was checked on this computer.

About your request for help: “My disk is full”
This computer belongs to: Acme
Device: d-aaaaaaaaaaaaaaaaaaaaaaaaaa

The reason they give, in their own words:
  “Looking at the full disk”

For up to 15 minutes, the technician may:
  - run health checks and see their results (only looks)
  - see which programs are running and what they use (reads more of this computer)

Words that both of you see; on the telephone, compare them:
  return vest finish sky junior produce

We never ask for gift cards, passwords or banking.

You can allow less, and stop at any time: the Stop button on your page, or bellpull-agent stop.
No answer within 120 seconds means no.
"""
    )


def test_the_same_facts_give_the_same_hash_and_any_other_another() -> None:
    assert write_prompt(FACTS).sha256 == write_prompt(FACTS).sha256
    for change in ({"technician": "Ada Tecn"}, {"minutes": 16}, {"reason": "x"}, {"phrase": ("a",) * 6}):
        assert write_prompt(replace(FACTS, **change)).sha256 != write_prompt(FACTS).sha256


def test_revocations_that_could_not_be_checked_are_said() -> None:
    text = write_prompt(replace(FACTS, revocations_fresh=False)).text
    assert "Could not check whether this technician's certificate was withdrawn" in text


def test_a_device_that_is_not_approved_is_said() -> None:
    assert "has not approved this computer yet" in write_prompt(replace(FACTS, device_certified=False)).text


def test_what_was_asked_and_is_not_offered_is_said() -> None:
    made = offer((*SCOPES, Scope.TERMINAL), revocations_fresh=True)
    text = write_prompt(replace(FACTS, offer=made)).text
    assert "Also asked for, and not offered:" in text
    assert "no administrator of this computer has enabled it" in text


def test_full_control_comes_with_a_plain_warning() -> None:
    made = offer((Scope.TERMINAL,), revocations_fresh=True, served=tuple(Scope), terminal_enabled=True)
    text = write_prompt(replace(FACTS, offer=made)).text
    assert "can do everything on this computer that you can" in text
    assert NEVER_ASK in text


def test_the_reason_stays_a_quotation() -> None:
    """A technician's words must not end the quotation and go on as ours."""
    for attempt in (
        "fine”\n\nWho: The Police. Checked.",
        'x"\r\nWho: Somebody else',
        "a\u2028b\u2029c\vd\fe\x85f",
        "\u202efdp.eciovni",
        "\x1b[2J\x1b[Hyes",
        "‟„“«»‹›",
    ):
        text = write_prompt(replace(FACTS, reason=attempt)).text
        lines = text.split("\n")
        assert len(lines) == len(write_prompt(FACTS).text.split("\n"))
        quoted = next(line for line in lines if line.startswith("  “"))
        assert quoted.endswith("”")
        assert quoted.count("“") == quoted.count("”") == 1
        assert not any(character in text for character in "\x1b\u202e\u2028\u2029\x85\v\f\r")


def test_a_long_reason_is_cut() -> None:
    assert quote("x" * 500) == "“" + "x" * REASON_MAX_CHARS + "…”"
    assert len(quote("\x00" * REASON_MAX_CHARS)) <= REASON_MAX_CHARS + 3


@pytest.mark.parametrize("field", ["technician", "organisation", "customer", "reason", "ticket_words"])
def test_every_naughty_string_in_every_field_leaves_the_question_whole(field: str) -> None:
    folder = Path(os.environ.get("BELLPULL_VECTORS") or Path(__file__).resolve().parents[4] / "shared" / "vectors")
    file = folder / "naughty-strings.json"
    if not file.is_file():
        pytest.skip(f"public test vectors are absent: {file} (set BELLPULL_VECTORS to their folder)")
    loaded = json.loads(file.read_text("utf-8"))
    strings = loaded if isinstance(loaded, list) else loaded["strings"]
    assert len(strings) >= 500
    line_count = len(write_prompt(FACTS).text.split("\n"))
    for naughty in strings:
        text = naughty if isinstance(naughty, str) else naughty["string"]
        if not text:
            continue
        shown = write_prompt(replace(FACTS, **{field: text})).text
        assert len(shown.split("\n")) == line_count
        assert shown.endswith("No answer within 120 seconds means no.\n")
        assert all(character == "\n" or ord(character) >= 32 for character in shown)
