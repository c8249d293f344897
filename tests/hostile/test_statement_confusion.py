"""Every statement where another is expected, and a nonce chosen to look like one. (Forgeries: test_forgeries.py.)

A signature made for one purpose must be worth nothing for any other, whatever the words it covers: the same bytes,
signed by the right key as one type, are offered as every other type. Then a server chooses the nonces that a device
signs, and collects what it gets.
"""

import asyncio
import json
from pathlib import Path

import pytest
from starlette.websockets import WebSocket

from protocol import strict_json
from protocol.enrolment import DeviceLogin
from protocol.errors import RemoteProtocolError
from protocol.fields import sha256
from protocol.grants import Grant, GrantChange, Receipt
from protocol.messages.link import parse_from_agent
from protocol.messages.login import Challenge, Login
from protocol.statements import (
    Envelope,
    Statement,
    StatementName,
    VerifyKey,
    parse_payload,
    pre_authentication_encoding,
    verify,
)
from protocol.tickets import TicketStatement
from tests.hostile.evil_server import EvilServer
from tests.hostile.machine import enrolled
from tests.making import NOW, Organisation, signing_key

KEY = signing_key("whoever signs")


def of_type(name: StatementName) -> type[Statement]:
    """A statement of this type with one field: the worst case, in which all types have the same shape."""

    class Shape(Statement):
        statement_name = name
        words: str

    return Shape


TYPES = {name: of_type(name) for name in StatementName}


def signed_as(name: StatementName) -> Envelope:
    return KEY.sign(TYPES[name](words="the same words"))  # type: ignore[call-arg]


@pytest.mark.parametrize("expected", StatementName)
def test_no_statement_passes_for_another(expected: StatementName) -> None:
    assert verify(signed_as(expected), TYPES[expected], KEY.verify_key).body == TYPES[expected](words="the same words")  # type: ignore[call-arg]
    for name in StatementName:
        if name is expected:
            continue
        offered = signed_as(name)
        assert offered.payload == signed_as(expected).payload
        relabelled = offered.model_copy(update={"payloadType": expected.payload_type})
        for envelope in (offered, relabelled):
            with pytest.raises(RemoteProtocolError):
                verify(envelope, TYPES[expected], KEY.verify_key)


# --- a nonce that looks like a statement ------------------------------------------------------------------------------


def chosen_nonces(device: str, root: bytes) -> list[bytes]:
    """32 bytes of what an attacker would like to have signed: beginnings, ends and hashes of encoded statements."""
    wanted = {"device": device, "scopes": ["terminal"], "minutes": 240}
    payload = json.dumps(wanted).encode()
    nonces = []
    for name in (StatementName.GRANT, StatementName.RECEIPT, StatementName.TICKET, StatementName.GRANT_CHANGE):
        encoded = pre_authentication_encoding(name.payload_type, payload)
        nonces += [encoded[:32], encoded[-32:], sha256(encoded), sha256(payload)]
    return [*nonces, root, bytes(32), b"\xff" * 32, b'{"device":"' + b"x" * 21]


async def test_what_a_device_signs_over_chosen_nonces_is_a_login_and_nothing_else(
    tmp_path: Path, evil: EvilServer, organisation: Organisation
) -> None:
    async with enrolled(tmp_path / "s", evil, organisation) as machine:
        collected: list[Envelope] = []
        nonces = chosen_nonces(machine.device, organisation.root_hash)
        waiting = list(nonces)

        async def collect(websocket: WebSocket) -> None:
            """Asks for a login over a nonce of its choice, keeps it, and hangs up; over and over."""
            if waiting:
                await websocket.send_text(strict_json.dump(Challenge(nonce=waiting.pop(0))).decode())
                login = parse_from_agent((await websocket.receive_text()).encode())
                assert isinstance(login, Login)
                collected.append(login.statement)
            await websocket.close(1012)

        evil.greet = collect
        await evil.line.websocket.close(1012)
        while len(collected) < len(nonces):
            machine.member.link.hurry()
            await asyncio.sleep(0.005)
        key = VerifyKey(machine.identity.signing.public)
        for nonce, envelope in zip(nonces, collected, strict=True):
            login = verify(envelope, DeviceLogin, key).body
            assert (login.nonce, login.origin) == (nonce, evil.origin)
            for model in (Grant, GrantChange, Receipt, TicketStatement):
                relabelled = envelope.model_copy(update={"payloadType": model.statement_name.payload_type})
                for offered in (envelope, relabelled):
                    with pytest.raises(RemoteProtocolError):
                        verify(offered, model, key)
        assert {parse_payload(envelope, DeviceLogin).issued_at for envelope in collected} == {NOW}
