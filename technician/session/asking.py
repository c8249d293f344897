"""What a visit begins with: whose keys the device must prove, what is asked of its customer, what we have seen."""

import os

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol.actions.scopes import Scope
from protocol.limits import NONCE_BYTES
from protocol.statements import StatementName
from protocol.trust import documents_version
from protocol.visit import Hello
from technician.clock import now_s
from technician.devices import DeviceFacts
from technician.problems import Problem
from technician.session.initiator import Initiator, VisitAsk
from technician.sign_in import Technician


def the_ask(
    technician: Technician,
    device: DeviceFacts,
    ticket: str | None,
    scopes: tuple[Scope, ...],
    minutes: int,
    reason: str,
    *,
    takes_over: bool,
) -> VisitAsk:
    """For a room that is named later. Problem where nothing is known of the device's keys to recognise it by."""
    if device.noise_key is None or device.signing_key is None:
        raise Problem(
            "nothing is known of this device's keys",
            expected="its certificate, or the keys it enrolled with",
            got=device.doubt,
            hint="Approve it first: bellpull org approve",
        )
    trust = technician.store.trust
    return VisitAsk(
        device=device.device,
        device_signing=device.signing_key,
        device_noise=device.noise_key,
        root=trust.root,
        root_hash=trust.root_hash,
        room="",
        ticket=ticket,
        scopes=scopes,
        minutes=minutes,
        reason=reason,
        takes_over=takes_over,
    )


def begin(technician: Technician, ask: VisitAsk) -> Initiator:
    certificate = technician.certificate(now_s()).body
    return Initiator(
        ask,
        technician.keys(),
        technician.chain,
        certificate,
        our_hello(technician),
        nonce=os.urandom(NONCE_BYTES),
        ephemeral=X25519PrivateKey.generate,
    )


def our_hello(technician: Technician) -> Hello:
    """What we have seen, as it is now."""
    store = technician.store
    return Hello(
        checkpoint=store.newest_checkpoint(),
        versions=documents_version(store.trust),
        revocations=store.trust.documents.get(f"{StatementName.REVOCATIONS}-leaves"),
    )
