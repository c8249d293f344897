"""A device's login: who it says it is, proven with the key it enrolled with, over this connection's nonce."""

from protocol.enrolment import DeviceLogin, check_login
from protocol.errors import RemoteProtocolError
from protocol.messages.api import EnrolmentState
from protocol.messages.link import parse_from_agent
from protocol.messages.login import Login
from protocol.statements import VerifyKey, parse_payload, verify
from server.devices.rules import Device
from server.devices.store import DeviceStore
from server.organisation.store import OrganisationStore


async def device_of_login(
    text: str, nonce: bytes, origin: str, devices: DeviceStore, organisation: OrganisationStore
) -> tuple[Device, bytes]:
    """The device, and the root it has pinned (an older one of ours until it hears of a rotation).

    Raises RemoteProtocolError with a reason that may be told.
    """
    message = parse_from_agent(text)
    if not isinstance(message, Login):
        raise RemoteProtocolError("the first message must be a login", expected="login", got=type(message).__name__)
    claimed = parse_payload(message.statement, DeviceLogin)
    device = await devices.get(claimed.device)
    if device is None:
        raise RemoteProtocolError("this device is not enrolled here", hint="Enrol it: bellpull-agent enrol TOKEN")
    login = verify(message.statement, DeviceLogin, VerifyKey(device.signing_key)).body
    trust = organisation.require_trust()
    root = login.root if organisation.was_root(login.root) else trust.root_hash
    check_login(login, root=root, origin=origin, nonce=nonce)
    if device.state is EnrolmentState.REFUSED:
        raise RemoteProtocolError("the organisation refused this device")
    if device.serial is not None and trust.is_revoked(device.serial):
        raise RemoteProtocolError("this device's certificate was revoked")
    return device, login.root
