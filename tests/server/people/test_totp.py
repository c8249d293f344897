"""Codes of an app: RFC 6238's own numbers, what is near enough, and what is taken no more. And how secrets are kept."""

import base64
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.people.sealing import Sealer
from server.people.totp import STEP_S, address_for_app, code_of, secret_text, step_at, step_of_code, typed_code

RFC_SECRET = b"12345678901234567890"
#: RFC 6238, appendix B, the SHA-1 rows: (seconds, eight digits). Ours are the last six.
RFC_CODES = [
    (59, "94287082"), (1_111_111_109, "07081804"), (1_111_111_111, "14050471"), (1_234_567_890, "89005924"),
    (2_000_000_000, "69279037"), (20_000_000_000, "65353130"),
]  # fmt: skip


@pytest.mark.parametrize(("now", "eight_digits"), RFC_CODES)
def test_codes_are_those_of_the_rfc(now: int, eight_digits: str) -> None:
    assert code_of(RFC_SECRET, step_at(now)) == eight_digits[-6:]


def test_a_code_is_taken_one_step_early_and_one_step_late_and_no_further() -> None:
    here = 1_234_567_890
    for steps in range(-3, 4):
        taken = step_of_code(RFC_SECRET, code_of(RFC_SECRET, step_at(here) + steps), now=here, last_step=0)
        assert taken == (step_at(here) + steps if abs(steps) <= 1 else None)


@given(now=st.integers(10 * STEP_S, 1 << 40), used=st.integers(-1, 1), again=st.integers(-1, 1))
@settings(deadline=None, derandomize=True, max_examples=100)
def test_a_step_that_was_used_and_those_before_it_are_taken_no_more(now: int, used: int, again: int) -> None:
    last_step = step_at(now) + used
    code = code_of(RFC_SECRET, step_at(now) + again)
    taken = step_of_code(RFC_SECRET, code, now=now, last_step=last_step)
    # Two steps may have the same code by chance: what is taken is still later than what was used.
    assert taken is None or taken > last_step
    assert again <= used or taken is not None


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("123456", "123456"), (" 123 456 ", "123456"), ("123-456", "123456"), ("12345", None), ("1234567", None),
        ("12345a", None), ("", None), ("１２３４５６", None), ("abcd-efgh-ijkl-mnop", None),
    ],
)  # fmt: skip
def test_what_can_be_a_code(typed: str, code: str | None) -> None:
    assert typed_code(typed) == code


@pytest.mark.parametrize("account", ["anna", "anna@example.org", "a.b_c-d"])
def test_the_address_tells_an_app_whose_code_it_is_and_where(account: str) -> None:
    parts = urlsplit(address_for_app(RFC_SECRET, account=account, issuer="desk.example.org"))
    query = parse_qs(parts.query)
    assert (parts.scheme, parts.netloc, unquote(parts.path)) == ("otpauth", "totp", f"/desk.example.org:{account}")
    assert query["issuer"] == ["desk.example.org"]
    assert base64.b32decode(query["secret"][0]) == RFC_SECRET
    assert secret_text(RFC_SECRET).replace(" ", "") == query["secret"][0]


def test_a_sealed_secret_opens_for_its_account_and_its_server_only() -> None:
    sealer, other = Sealer(b"k" * 32), Sealer(b"x" * 32)
    sealed = sealer.seal(RFC_SECRET, "anna")
    assert RFC_SECRET not in sealed
    assert sealer.open(sealed, "anna") == RFC_SECRET
    assert sealer.seal(RFC_SECRET, "anna") != sealed
    assert [sealer.open(sealed, "bert"), other.open(sealed, "anna"), sealer.open(sealed[:-1], "anna")] == [None] * 3
    assert sealer.open(b"", "anna") is None
