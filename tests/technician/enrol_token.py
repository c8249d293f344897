"""An enrolment token from an organisation's real desk, as `bellpull org enrol-token` prints it."""

from protocol.certificates import IssuerRole
from technician.clock import now_s
from technician.organisation.desk import Desk
from technician.organisation.enrolment import make_token
from technician.organisation.server_pin import pinned_server


def printed_token(desk: Desk, customer: str = "Acme", now: int | None = None) -> str:
    return make_token(
        customer,
        identity=desk.identity,
        certifying=desk.key(IssuerRole.CERTIFYING),
        records=desk.records,
        server=pinned_server(desk.records),
        secret_of=desk.secret_of(),
        now=now or now_s(),
    )[0]
