"""What stays: the shape of the document around a hole, neighbours, times, and everything a technician reads."""

from __future__ import annotations

import json
import re

import pytest

from diagnostics.redaction import Identifiers, Redactor

REDACTOR = Redactor(Identifiers(), b"a secret of this device, 32 bytes")
HOLE = "<redacted:password>"


def shown(text: str) -> str:
    """Redacted, with the hex of marks written as #."""
    return re.sub(r"<([a-z-]+):[0-9a-f-]+>", r"<\1:#>", REDACTOR.text(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("password=hunter2", f"password={HOLE}"),
        ("password=hunter2 next=1", f"password={HOLE} next=1"),
        ("password=hunter2&page=2", f"password={HOLE}&page=2"),
        ("Pwd=hunter2;Server=db", f"Pwd={HOLE};Server=db"),
        ("(password=hunter2)", f"(password={HOLE})"),
        ('password="hunter2 and more" next', f'password="{HOLE}" next'),
        ("password='it''s'", f"password='{HOLE}''s'"),
        (r'password="a\"b" next', f'password="{HOLE}" next'),
        ('{"password":"x1","n":1}', f'{{"password":"{HOLE}","n":1}}'),
        ('{"password": 12345, "n": 1}', f'{{"password": "{HOLE}", "n": 1}}'),
        (r'"{\"password\":\"x1\"}"', rf'"{{\"password\":\"{HOLE}\"}}"'),
        ("password: two words\nnext: 1", f"password: {HOLE}\nnext: 1"),
        ("x=1 password: two words", f"x=1 password: {HOLE} words"),
        ("  password: |\n    secret one\n    secret two\n  next: 1", f"  password: |\n{HOLE}\n  next: 1"),
        ("export DB_PASSWORD=a b c", f"export DB_PASSWORD={HOLE}"),
        ("<password>x1</password>", f"<password>{HOLE}</password>"),
        ('<a password="x1" b="2"/>', f'<a password="{HOLE}" b="2"/>'),
        ("https://anna:x1@h/p?q=1", f"https://<user:#>:{HOLE}@h/p?q=1"),
        ("https://h:8080/p?a=1#top", "https://h:8080/p?a=1#top"),
        ("Authorization: Bearer abcDEF1234567890", "Authorization: Bearer <redacted:token>"),
        ("Set-Cookie: sid=abc123; Path=/; Secure", "Set-Cookie: sid=<redacted:cookie>; Path=/; Secure"),
        ("mysql -u app -px1 db", f"mysql -u app -p{HOLE} db"),
        ("tool --password x1 -v", f"tool --password {HOLE} -v"),
        ("mail from a@example.org, to b@example.org.", "mail from <email:#>, to <email:#>."),
        ("10.1.2.3:22 -> [2a02:1::5]:443", "<ip-private:#>:22 -> [<ip:#>]:443"),
        ("10.1.2.3/24, 10.1.2.4.", "<ip-private:#>/24, <ip-private:#>."),
        ("::ffff:10.1.2.3", "::ffff:<ip-private:#>"),
        ("S-1-5-21-1111111111-2222222222-3333333333-500", "<sid:#>-500"),
        ("/home/zoe7/.cache/x", "/home/<user:#>/.cache/x"),
        ("C:\\Users\\Zoe Smith\\x", "C:\\Users\\<user:#>\\x"),
        ("+49 170 1234567 called", "<phone:#> called"),
        ("4111 1111 1111 1111 12/27", "<redacted:card> 12/27"),
    ],
)
def test_only_the_secret_goes(text: str, expected: str) -> None:
    assert shown(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21T10:00:00.123456+01:00 INFO started in 12.5 ms",
        "Nov 21 10:00:00 box systemd[1]: Started user@1000.service - User Manager for UID 1000.",
        "error 0x80070005 at 0x00007ff6a1b2c3d4, code=exited, status=203/EXEC",
        "Boot 3f2504e0-4f89-41d3-9a0c-0305e82c3301 kernel 6.1.0-28-amd64 #1 SMP Debian 6.1.119-1",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "smartd: Device: /dev/sda [SAT], 187 Reported_Uncorrect changed from 100 to 99",
        "nginx/1.22.1 listening on 127.0.0.1:8080, dns 8.8.8.8, mask 255.255.255.0",
        "token_type=Bearer expires_in=3600 max_tokens: 4096",
        "password: must be changed",
        "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh",
        "Traceback: KeyError: 'password'",
        "x86_64-linux-gnu/libssl.so.3 libc6 2.36-9+deb12u9",
    ],
)
def test_what_a_technician_reads_stays(text: str) -> None:
    assert REDACTOR.text(text) == text


def test_json_stays_json() -> None:
    document = {
        "password": "x1",
        "pin": 1234,
        "nested": {"api_key": "abcDEF123456", "tokens": ["a1b2c3", {"deep": "d4e5f6"}, 123456, True, None]},
        "text": 'quoted "password": "y2" inside',
        "n": [1, 2.5, "ok"],
    }
    for indent in (None, 2):
        out = json.loads(REDACTOR.text(json.dumps(document, indent=indent)))
        assert set(out) == set(document)
        assert out["n"] == [1, 2.5, "ok"]
        assert "x1" not in str(out)
        assert "y2" not in str(out)
        assert out["nested"]["tokens"] == [
            "<redacted:token>",
            {"deep": "<redacted:token>"},
            "<redacted:token>",
            True,
            None,
        ]


def test_lines_are_neither_lost_nor_made() -> None:
    text = "\n".join(f"line {n} password=hunter{n} from 10.0.0.{n % 250}" for n in range(300)) + "\n"
    assert REDACTOR.text(text).count("\n") == 300


def test_line_ends_of_windows_stay() -> None:
    assert REDACTOR.text("a=1\r\npassword=x1\r\nb=2\r\n") == f"a=1\r\npassword={HOLE}\r\nb=2\r\n"


def test_report_counts_by_kind_and_file() -> None:
    worker = Redactor(Identifiers(), b"a secret of this device, 32 bytes")
    for path in ("logs/a.log", "logs/b.log"):
        list(worker.stream([b"password=x1 from 10.1.2.3 and 10.1.2.4\n"], path=path))
    assert worker.report.by_kind() == {"ip-private": 4, "password": 2}
    assert worker.report.of_file("logs/a.log") == {"ip-private": 2, "password": 1}
    list(worker.stream([b"password=x1\n"], path="logs/a.log"))
    assert worker.report.of_file("logs/a.log") == {"password": 1}


def test_text_and_stream_write_the_same_marks() -> None:
    line = "user=zoe77 from 91.2.3.4 mail z@example.test"
    assert b"".join(REDACTOR.stream([line.encode()], path="logs/a.log")).decode() == REDACTOR.text(line)


@pytest.mark.parametrize(
    "text",
    ["\ud800 lone surrogate", "nul\0 inside", "\x1b[2J\x1b[31m", "\u202egnp.exe", "</script><script>alert(1)</script>"],
)
def test_strange_text_comes_through_unchanged(text: str) -> None:
    if "\ud800" in text:
        with pytest.raises(UnicodeEncodeError):
            REDACTOR.text(text)
        return
    assert REDACTOR.text(text) == text
