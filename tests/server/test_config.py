"""Settings, ids and tokens: small things that everything else stands on."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from protocol.fields import RoomId, Uuid
from protocol.messages.sessions import JoinToken
from server.clock import uuid7
from server.config import ConfigError, Settings, check_origin, create, load, log_name_for
from server.tokens import new_room, new_setup_code, new_token, token_hash


@pytest.mark.parametrize(
    "origin",
    ["https://support.example.org", "https://a:8443", "http://127.0.0.1:1", "http://localhost", "http://[::1]:8"],
)
def test_an_origin_is_https_or_on_this_machine(origin: str) -> None:
    assert check_origin(origin) == origin


@pytest.mark.parametrize(
    "origin",
    ["http://example.org", "http://127.0.0.1.evil.example", "https://u@h", "https://h/p", "https://h?q", "//h"],
)
def test_any_other_origin_is_refused(origin: str) -> None:
    with pytest.raises(ConfigError, match="--origin"):
        check_origin(origin)


def test_a_log_is_named_after_the_host_people_know() -> None:
    assert log_name_for("https://Support.Example.org:8443") == "support.example.org:8443/log"
    for origin in ("http://[::1]:8", "https://a"):
        assert re.fullmatch(r"[a-z0-9.\-/:]{1,120}", log_name_for(origin))


def test_settings_are_read_back_and_the_command_line_wins(tmp_path: Path) -> None:
    create(tmp_path / "s", Settings(origin="https://a.example"))
    assert load(tmp_path / "s").origin == "https://a.example"
    other = load(tmp_path / "s", origin="https://b.example", database="postgresql://u@h/d")
    assert (other.origin, other.database_url) == ("https://b.example", "postgresql://u@h/d")


@pytest.mark.parametrize(
    "change",
    [{"unknown": 1}, {"origin": 5}, {"caps": {"items_a_minute": 0}}, {"facts": {"cost": ""}}, {"metrics_from": "x"}],
)
def test_a_setting_that_is_unknown_or_wrong_is_named(tmp_path: Path, change: dict[str, object]) -> None:
    create(tmp_path / "s", Settings())
    file = tmp_path / "s" / "server.json"
    file.write_text(json.dumps({**json.loads(file.read_text(encoding="utf-8")), **change}), encoding="utf-8")
    with pytest.raises(ConfigError, match=next(iter(change))):
        load(tmp_path / "s")


@settings(deadline=None, derandomize=True)
@given(st.integers(0, (1 << 48) - 1), st.binary(min_size=10, max_size=10))
def test_ids_are_version_7_and_sort_by_time(now_ms: int, noise: bytes) -> None:
    made = TypeAdapter(Uuid).validate_python(uuid7(now_ms, noise))
    assert (made[14], int(made.replace("-", "")[:12], 16)) == ("7", now_ms)
    if now_ms:
        assert uuid7(now_ms - 1, b"\xff" * 10) < made


def test_tokens_rooms_and_codes_have_their_shape_and_never_repeat() -> None:
    tokens = {TypeAdapter(JoinToken).validate_python(new_token()) for _ in range(200)}
    rooms = {TypeAdapter(RoomId).validate_python(new_room()) for _ in range(200)}
    codes = {new_setup_code() for _ in range(200)}
    assert (len(tokens), len(rooms), len(codes)) == (200, 200, 200)
    assert all(re.fullmatch(r"([a-z2-7]{4}-){3}[a-z2-7]{4}", code) for code in codes)
    assert token_hash("a") != token_hash("b")
    assert token_hash("\ud800"), "a token from outside may be any text"
