"""Pure: which enrolments are taken, and who may see a device."""

from collections.abc import Set
from dataclasses import dataclass

from protocol.certificates import Chain
from protocol.enrolment import EnrolmentRequest, EnrolmentToken, check_token
from protocol.errors import RemoteProtocolError
from protocol.messages.api import EnrolmentState
from protocol.trust import Trust


@dataclass(frozen=True)
class Device:
    """A device as the server knows it. `customer`: from its certificate; none before approval."""

    device: str
    signing_key: bytes
    witness_key: bytes
    label: str
    state: EnrolmentState
    asked_customer: str
    customer: str | None
    certificate: Chain | None
    serial: str | None
    request: EnrolmentRequest
    received_at: int
    last_seen: int | None

    def visible_to(self, customers: Set[str]) -> bool:
        """The certificate decides. Before it, the customer in the token that the organisation signed: the device is
        then shown as unverified, to those whom that token concerns."""
        match self.state:
            case EnrolmentState.APPROVED:
                return self.customer in customers
            case EnrolmentState.PENDING:
                return self.asked_customer in customers
            case EnrolmentState.REFUSED:
                return False


def check_enrolment(request: EnrolmentRequest, trust: Trust, origin: str, now: int) -> EnrolmentToken:
    """The token, proven to be the organisation's, current, and for this server. The HMAC is checked elsewhere."""
    token, _ = trust.signed_by_issuer(request.token, EnrolmentToken, now)
    check_token(token.body, trust, now)
    if token.body.server_origin != origin:
        raise RemoteProtocolError(
            "the enrolment token is for another server", expected=origin, got=token.body.server_origin
        )
    return token.body
