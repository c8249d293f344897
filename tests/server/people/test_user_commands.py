"""`bellpull-server user …` and what `init` prints, as a person or a program runs them."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from server.cli import app

ORIGIN = "http://127.0.0.1:18999"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    directory = tmp_path / "server"
    done = run("init", "--data", str(directory), "--origin", ORIGIN, "--json")
    assert done["admin"] == "admin"
    assert done["admin_link"].startswith(f"{ORIGIN}/sign-in/link/")
    return directory


def run(*arguments: str, code: int = 0) -> Any:
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


def test_init_makes_one_admin_without_a_password(data: Path) -> None:
    accounts = run("user", "list", "--data", str(data), "--json")["accounts"]
    assert [(one["name"], one["role"], one["has_password"]) for one in accounts] == [("admin", "admin", False)]


def test_an_account_is_added_changed_linked_and_removed(data: Path) -> None:
    where = ("--data", str(data), "--json")
    added = run("user", "add", "Anna", "--role", "technician", *where)
    assert (added["name"], added["role"]) == ("anna", "technician")
    assert run("user", "role", "anna", "auditor", *where) == {"name": "anna", "role": "auditor"}
    link = run("user", "link", "anna", "--origin", "https://desk.example.org", *where)["link"]
    assert link.startswith("https://desk.example.org/sign-in/link/")
    assert link != added["link"]
    assert run("user", "remove", "anna", *where) == {"removed": "anna"}
    assert len(run("user", "list", *where)["accounts"]) == 1


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("add", "admin", "--role", "viewer"), "there is an account admin already"),
        (("add", "two words", "--role", "viewer"), "this cannot be a sign-in name"),
        (("remove", "admin"), "admin is the only admin"),
        (("role", "admin", "viewer"), "admin is the only admin"),
        (("link", "nobody"), "there is no such account"),
    ],
)
def test_what_is_refused_says_why_and_exits_with_1(data: Path, arguments: tuple[str, ...], what: str) -> None:
    error = run("user", *arguments, "--data", str(data), "--json", code=1)["error"]
    assert error["what"] == what
    assert set(error) == {"what", "expected", "got", "hint"}


def test_wrong_use_exits_with_2_and_a_missing_directory_with_1(tmp_path: Path, data: Path) -> None:
    assert CliRunner().invoke(app, ["user", "add", "anna", "--role", "king", "--data", str(data)]).exit_code == 2
    assert CliRunner().invoke(app, ["user", "add", "anna", "--data", str(data)]).exit_code == 2
    assert (
        "is not a server's data directory"
        in run("user", "list", "--data", str(tmp_path / "no"), "--json", code=1)["error"]["what"]
    )


def test_a_second_factor_is_reset_and_says_what_there_was(data: Path) -> None:
    done = run("user", "reset-second-factor", "admin", "--data", str(data), "--json")
    assert done == {"name": "admin", "removed": {"app_codes": False, "passkeys": 0, "recovery_codes": 0}}
    assert run("user", "reset-second-factor", "nobody", "--data", str(data), "--json", code=1)["error"]["what"]


def test_a_token_is_made_listed_without_itself_and_revoked(data: Path) -> None:
    where = ("--data", str(data), "--json")
    wish = ("--name", "Monitoring", "--scope", "tickets:read", "--customer", "Acme", "--customer", "Blå AB")
    made = run("user", "token", "add", "admin", *wish, "--days", "7", *where)
    assert made["token"].startswith("bpt_")
    assert (made["customers"], made["expires_at"] - made["made_at"]) == (["Acme", "Blå AB"], 7 * 86_400)
    listed = run("user", "token", "list", "admin", *where)["tokens"]
    assert [one["id"] for one in listed] == [made["id"]]
    assert "token" not in listed[0]
    assert run("user", "token", "revoke", "admin", made["id"], *where) == {"revoked": made["id"]}
    assert run("user", "token", "revoke", "admin", made["id"], *where, code=1)["error"]["what"]
    run("user", "add", "vera", "--role", "viewer", *where)
    above = run(
        "user", "token", "add", "vera", "--name", "x", "--scope", "audit:read", "--customer", "A", *where, code=1
    )
    assert above["error"]["what"] == "a token may not do more than its maker"


@pytest.mark.parametrize("command", ["add", "list", "role", "link", "remove", "reset-second-factor"])
def test_every_command_shows_an_example(command: str) -> None:
    done = CliRunner().invoke(app, ["user", command, "--help"])
    assert done.exit_code == 0
    assert f"Example: bellpull-server user {command}" in " ".join(done.stdout.split())
