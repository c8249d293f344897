"""Judging a device's hello: revocations, its own certificate, both logs; before anything of a grant is used."""

from contextlib import suppress
from dataclasses import replace

from protocol.errors import RemoteProtocolError
from technician.api import Api
from technician.audit.checkpoints import compare_with_peer
from technician.clock import now_s
from technician.devices import DeviceFacts, certified_facts
from technician.session.events import PeerHello
from technician.sign_in import Technician


async def judge_hello(hello: PeerHello, technician: Technician, api: Api, device: DeviceFacts) -> DeviceFacts:
    """What is known of the device now. Raises when we were revoked, when it is another device, or when it saw another
    log than we did."""
    now, store = now_s(), technician.store
    if hello.revocations is not None:
        with suppress(RemoteProtocolError):  # older than ours, or not the organisation's: ours stay in force
            store.accept(hello.revocations, now)
        technician.certificate(now)  # raises when we were revoked meanwhile
    if not device.certified and hello.certificate is not None:  # else proven before the handshake, by its key
        proven = certified_facts(hello.certificate, device.device, device.label, store.trust, now)
        if proven.noise_key != device.noise_key or proven.signing_key != device.signing_key:
            raise RemoteProtocolError("the device's certificate names other keys than this handshake's")
        device = replace(proven, label=device.label)
    await compare_with_peer(hello.checkpoint, api, store, technician.log(), now)
    return device
