"""What this device shows of itself in a visit, and what it signs and proves itself with."""

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol.actions.scopes import Scope
from protocol.certificates import Chain
from protocol.statements import SigningKey


@dataclass(frozen=True)
class OwnSide:
    """This device in one visit. `customer`: from its certificate, or before approval from its enrolment token."""

    device: str
    signing: SigningKey
    noise: X25519PrivateKey
    certificate: Chain | None
    customer: str | None
    checkpoint: str  # the newest note of the server's log that this device has seen and checked
    not_served: frozenset[Scope] = frozenset({Scope.TERMINAL})  # what its owner has not allowed at all: never offered
