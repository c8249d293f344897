"""Mails over a real SMTP server: STARTTLS, a password, refusals, and a server that is dead or never answers."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from server.config import ConfigError, Settings, create, load
from server.notifications.mail import Postman
from server.notifications.model import mails
from server.notifications.settings import MailSettings, Security, UnusableMail, usable
from server.notifications.store import NoticeStore
from server.people.model import accounts
from server.people.rules import Role
from server.storage.engine import Database
from server.tickets.history import account
from tests.server.actors import Clock
from tests.server.conftest import migrated_sqlite
from tests.server.notifications.certificates import made_certificate
from tests.server.stores import Stores

ORIGIN, PASSWORD = "https://help.example", "kitten-ladder-7"


@dataclass
class Inbox:
    """What an SMTP server was given; `answer` instead of taking it."""

    answer: str = ""
    got: list[tuple[str, list[str], str]] = field(default_factory=list)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        if self.answer:
            return self.answer
        self.got.append((envelope.mail_from, envelope.rcpt_tos, envelope.content.decode()))
        return "250 taken"


@dataclass
class MailHouse:
    inbox: Inbox
    settings: MailSettings


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailHouse]:
    """One server for the file: it offers STARTTLS, and takes nothing before that and a password."""
    folder = tmp_path_factory.mktemp("mail")
    certificate, key = made_certificate(folder)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)

    def let_in(_server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
        right = isinstance(given, LoginPassword) and (given.login, given.password) == (b"desk", PASSWORD.encode())
        return AuthResult(success=right, handled=False)  # False: the server itself answers 535

    inbox = Inbox()
    controller = Controller(
        inbox, hostname="127.0.0.1", port=_free_port(), tls_context=context, require_starttls=True,
        auth_required=True, authenticator=let_in,
    )  # fmt: skip
    controller.start()
    password = folder / "password"
    password.write_text(PASSWORD + "\n")
    password.chmod(0o600)
    settings = MailSettings(
        host="localhost", port=controller.port, security=Security.STARTTLS, sender="desk@helpful.example",
        username="desk", password_file=str(password), ca_file=str(certificate),
    )  # fmt: skip
    yield MailHouse(inbox, settings)
    controller.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Desk:
    stores: Stores
    notices: NoticeStore
    ticket: str

    def postman(self, settings: MailSettings) -> Postman:
        return Postman(self.notices, usable(settings), ORIGIN, self.stores.clock)

    async def waiting(self) -> list[tuple[int, str | None, bool]]:
        async with self.stores.database.read() as connection:
            rows = (await connection.execute(mails.select())).all()
        return [(row.attempts, row.error, row.next_at is None) for row in rows]


@pytest.fixture
async def desk(tmp_path: Path, clock: Clock) -> Any:
    """A ticket of which one person, with an address, was just told."""
    (tmp_path / "test.db").write_bytes(migrated_sqlite())
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'test.db'}")
    stores, notices = Stores(database, clock), NoticeStore(database, clock, by_mail=True)
    async with database.write() as connection:
        await connection.execute(accounts.insert().values(name="bo", role=Role.ADMIN, made_at=1))
    await notices.gather()
    device = await stores.device()
    ticket = await stores.open(device, device.ticket(words="Anna's secret words."))
    await notices.set_address("bo", "bo@helpful.example")
    await stores.tickets.note(ticket, "@bo: Anna called again, 555-1234", by=account("ada"))
    await notices.gather()
    yield Desk(stores, notices, ticket)
    await database.close()


async def test_a_mail_goes_over_starttls_with_a_password_and_tells_nothing_personal(
    desk: Desk, house: MailHouse
) -> None:
    house.inbox.got.clear()
    assert await desk.postman(house.settings).round() == 1
    ((sender, to, text),) = house.inbox.got
    assert (sender, to) == ("desk@helpful.example", ["bo@helpful.example"])
    assert f"{ORIGIN}/tickets/{desk.ticket}" in text
    for private in ("Anna", "555-1234", "Acme", "laptop", "printer", "@bo"):
        assert private not in text
    assert await desk.waiting() == []


async def test_a_server_with_a_certificate_we_do_not_trust_gets_nothing(desk: Desk, house: MailHouse) -> None:
    house.inbox.got.clear()
    assert await desk.postman(house.settings.model_copy(update={"ca_file": None})).round() == 0
    ((attempts, error, given_up),) = await desk.waiting()
    assert (attempts, given_up, "SSLCertVerificationError" in (error or "")) == (1, False, True)
    assert house.inbox.got == []


async def test_a_wrong_password_keeps_the_mail_and_never_says_the_password(
    desk: Desk, house: MailHouse, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("not-the-password")
    wrong.chmod(0o600)
    await desk.postman(house.settings.model_copy(update={"password_file": str(wrong)})).round()
    ((attempts, error, given_up),) = await desk.waiting()
    assert (attempts, given_up) == (1, False)
    assert "SMTPAuthenticationError" in (error or "")
    assert "not-the-password" not in (error or "")


async def test_what_is_refused_for_ever_is_given_up_and_what_may_pass_is_tried_again(
    desk: Desk, house: MailHouse, clock: Clock
) -> None:
    postman = desk.postman(house.settings)
    house.inbox.answer = "451 try later"
    assert await postman.round() == 0
    assert [(one[0], one[2]) for one in await desk.waiting()] == [(1, False)]
    assert await postman.round() == 0, "not before its time"
    assert [one[0] for one in await desk.waiting()] == [1]
    clock.now += 61
    house.inbox.answer = "550 no such mailbox"
    await postman.round()
    house.inbox.answer = ""
    ((attempts, error, given_up),) = await desk.waiting()
    assert (attempts, given_up, "no such mailbox" in (error or "")) == (2, True, True)


async def test_a_dead_or_silent_mail_server_does_not_hold_up_the_desk(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.notifications.mail.TIMEOUT_S", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes the connection and says nothing
        settings = MailSettings(
            host="127.0.0.1", port=silent.getsockname()[1], security=Security.NONE, sender="desk@helpful.example"
        )
        round_ = asyncio.create_task(desk.postman(settings).round())
        await asyncio.sleep(0)
        async with asyncio.timeout(0.9):
            await desk.stores.tickets.note(desk.ticket, "The desk goes on.", by=account("ada"))
        assert not round_.done()
        assert await round_ == 0
    ((attempts, error, given_up),) = await desk.waiting()
    assert (attempts, given_up, "timed out" in (error or "")) == (1, False, True)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sender": "nobody"}, "mail.sender"),
        ({"security": Security.NONE, "host": "mail.example"}, "only for a mail server on this machine"),
        ({"username": "desk"}, "go together"),
        ({"username": "desk", "password_file": "/nowhere/password"}, "cannot read"),
        ({"ca_file": "/nowhere/ca.pem"}, "no file"),
    ],
)
def test_settings_that_cannot_be_used_say_what_to_change(changes: dict[str, Any], said: str) -> None:
    good = MailSettings(host="127.0.0.1", sender="desk@helpful.example")
    assert usable(good).password == ""
    with pytest.raises(UnusableMail, match=said):
        usable(good.model_copy(update=changes))


def test_a_password_that_others_may_read_is_refused_before_the_server_starts(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("x")
    password.chmod(0o640)
    mail = MailSettings(host="127.0.0.1", sender="desk@helpful.example", username="desk", password_file=str(password))
    create(tmp_path / "server", Settings(mail=mail))
    with pytest.raises(ConfigError, match="chmod 600"):
        load(tmp_path / "server")
    password.chmod(0o600)
    assert load(tmp_path / "server").settings.mail == mail
