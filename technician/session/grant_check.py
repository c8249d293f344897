"""Is this grant about exactly what we asked: this device, this request, this handshake, and no more than that?

A grant that allows more than was asked is refused as well: the customer cannot have been shown it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from protocol.actions.scopes import Scope
from protocol.errors import RemoteProtocolError
from protocol.grants import Grant
from protocol.statements import Envelope, Verified, VerifyKey, verify


@dataclass(frozen=True)
class AskedFor:
    """What this end knows of the visit, independent of anything the device says."""

    device: str
    root: bytes
    request: bytes
    handshake: bytes


def check_grant(
    envelope: Envelope,
    device_key: VerifyKey,
    asked: AskedFor,
    *,
    serial: str,
    ticket: str | None,
    scopes: Sequence[Scope],
    minutes: int,
    successor_of: bytes | None = None,
) -> Verified[Grant]:
    """The grant, signed by the device and about this visit. RemoteProtocolError says what it names instead."""
    grant = verify(envelope, Grant, device_key)
    body = grant.body
    for what, expected, got in (
        ("device", asked.device, body.device),
        ("root", asked.root, body.root),
        ("request", asked.request, body.request),
        ("handshake", asked.handshake, body.handshake),
        ("certificate", serial, body.serial),
        ("ticket", ticket, body.ticket),
        ("predecessor", successor_of, body.successor_of),
    ):
        if expected != got:
            raise RemoteProtocolError(f"the grant names another {what}", expected=_short(expected), got=_short(got))
    beyond = set(body.scopes) - set(scopes)
    if beyond or body.minutes > minutes:
        raise RemoteProtocolError(
            "the grant allows more than was asked",
            expected=f"within {', '.join(sorted(scopes))} for {minutes} minutes",
            got=f"{', '.join(sorted(body.scopes))} for {body.minutes} minutes",
        )
    return grant


def _short(value: object) -> str:
    return value.hex()[:16] if isinstance(value, bytes) else str(value)
