"""Sends the mails that wait, one after the other, in a thread of their own: nobody waits for a mail server.

    due mail ─► SMTP (TLS from the first byte, or STARTTLS; plain only on this machine) ─► gone
                  ├─ refused for ever (5xx) ─► kept with the reason
                  └─ anything else ─► again in a minute, two, four …, for three days; the rest waits too

A crash between the server's "accepted" and our note of it sends a mail twice; none is lost.
"""

import asyncio
import smtplib
import ssl
from email.message import EmailMessage
from typing import Final

from server.clock import Clock
from server.logs import log
from server.notifications.rules import mail_of
from server.notifications.settings import MailServer, Security
from server.notifications.store import NoticeStore

TIMEOUT_S: Final = 20.0
AT_ONCE: Final = 20


class RefusedForEver(Exception):
    """This mail will never be taken by this server."""


def send(server: MailServer, message: EmailMessage) -> None:
    """Blocking. RefusedForEver for a 5xx about this mail; OSError and smtplib's errors for all that may pass."""
    settings = server.settings
    context = ssl.create_default_context(cafile=settings.ca_file)
    if settings.security is Security.TLS:
        connection: smtplib.SMTP = smtplib.SMTP_SSL(settings.host, settings.port, timeout=TIMEOUT_S, context=context)
    else:
        connection = smtplib.SMTP(settings.host, settings.port, timeout=TIMEOUT_S)
    with connection:
        if settings.security is Security.STARTTLS:
            connection.starttls(context=context)  # a server that does not offer it raises: nothing goes in the clear
        if settings.username:
            connection.login(settings.username, server.password)
        try:
            connection.send_message(message)
        except smtplib.SMTPRecipientsRefused as refused:
            code, reason = next(iter(refused.recipients.values()))
            _judge(code, reason, refused)
        except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as refused:
            _judge(refused.smtp_code, refused.smtp_error, refused)


def _judge(code: int, reason: bytes | str, error: smtplib.SMTPException) -> None:
    if 500 <= code < 600:
        text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else reason
        raise RefusedForEver(f"{code} {text}"[:200]) from error
    raise error


class Postman:
    def __init__(self, store: NoticeStore, server: MailServer, origin: str, now: Clock) -> None:
        self._store = store
        self._server = server
        self._origin = origin
        self._now = now

    async def round(self) -> int:
        """Send what is due. How many went; it stops at the first that the server itself did not take."""
        went = 0
        for mail in await self._store.due(AT_ONCE):
            message = mail_of(
                sender=self._server.settings.sender,
                to=mail.address,
                case=mail.case,
                ticket=mail.ticket,
                state=mail.state.value,
                origin=self._origin,
                now=self._now(),
            )
            try:
                await asyncio.to_thread(send, self._server, message)
            except RefusedForEver as refused:
                await self._store.failed(mail, str(refused), for_ever=True)
                log.warning("mail-refused", ticket=mail.ticket, reason=str(refused))
            except (OSError, smtplib.SMTPException) as error:
                await self._store.failed(mail, f"{type(error).__name__}: {error}", for_ever=False)
                log.warning("mail-server-failed", ticket=mail.ticket, error=type(error).__name__)
                return went
            else:
                await self._store.sent(mail)
                went += 1
        return went
