"""Who may do what: one line for each route of this server. What is not here is refused, and a test compares.

`who` says how the caller is known; what they may see of what they ask for is decided by their customers, in the stores.
`body_max_bytes` bounds what is read of a request; `quota` names a limit by address.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from protocol.limits import CONTROL_MESSAGE_MAX_BYTES, KIB, MIB, NOTE_SEALED_MAX_BYTES, UPLOAD_CHUNK_BYTES


class Who(StrEnum):
    NOBODY = "nobody"  # no sign-in: what anybody may know or say
    METRICS = "metrics"  # loopback without a proxy, or a configured address
    DEVICE = "device"  # signs in with its key in the link's first message
    JOIN_TOKEN = "join-token"  # noqa: S105 - a one-use token in the relay's first message
    UPLOAD_TOKEN = "upload-token"  # noqa: S105 - a bearer token for one blob
    ORGANISATION = "organisation"  # a certifying issuer's sign-in
    TECHNICIAN = "technician"  # a technician's certificate
    PERSON = "person"  # somebody signed in to the console, in one of `roles`


class Limit(StrEnum):
    REQUESTS = "requests"
    LOGINS = "logins"
    ENROLMENTS = "enrolments"
    LINKS = "links"


@dataclass(frozen=True)
class Door:
    who: Who
    body_max_bytes: int = 0
    quota: Limit = Limit.REQUESTS
    roles: frozenset[str] = frozenset()


_STATEMENTS = 256 * KIB

#: (method, path as routed) → door. WebSockets have the method WEBSOCKET.
API_DOORS: Final[Mapping[tuple[str, str], Door]] = {
    ("GET", "/healthz"): Door(Who.NOBODY),
    ("GET", "/metrics"): Door(Who.METRICS),
    ("GET", "/api/server"): Door(Who.NOBODY),
    ("GET", "/api/challenge"): Door(Who.NOBODY, quota=Limit.LOGINS),
    ("POST", "/api/enrol"): Door(Who.NOBODY, 64 * KIB, Limit.ENROLMENTS),
    ("POST", "/api/organisation/pin"): Door(Who.NOBODY, 64 * KIB, Limit.LOGINS),
    ("POST", "/api/organisation/login"): Door(Who.NOBODY, 64 * KIB, Limit.LOGINS),
    ("GET", "/api/organisation/enrolments"): Door(Who.ORGANISATION),
    ("GET", "/api/organisation/devices"): Door(Who.ORGANISATION),
    ("POST", "/api/organisation/refusals"): Door(Who.ORGANISATION, 4 * KIB),
    ("POST", "/api/organisation/certificates"): Door(Who.ORGANISATION, _STATEMENTS),
    ("POST", "/api/organisation/documents"): Door(Who.ORGANISATION, 4 * MIB),
    ("POST", "/api/technician/login"): Door(Who.NOBODY, _STATEMENTS, Limit.LOGINS),
    ("POST", "/api/technician/renewal"): Door(Who.NOBODY, 64 * KIB, Limit.LOGINS),
    ("GET", "/api/documents"): Door(Who.TECHNICIAN),
    ("GET", "/api/checkpoint"): Door(Who.TECHNICIAN),
    ("GET", "/api/devices"): Door(Who.TECHNICIAN),
    ("GET", "/api/devices/{device}"): Door(Who.TECHNICIAN),
    ("GET", "/api/devices/{device}/metrics/{name}"): Door(Who.TECHNICIAN),
    ("GET", "/api/tickets"): Door(Who.TECHNICIAN),
    ("GET", "/api/tickets/{ticket}"): Door(Who.TECHNICIAN),
    ("POST", "/api/tickets/{ticket}/messages"): Door(Who.TECHNICIAN, CONTROL_MESSAGE_MAX_BYTES),
    ("POST", "/api/tickets/{ticket}/notes"): Door(Who.TECHNICIAN, 2 * NOTE_SEALED_MAX_BYTES),
    ("GET", "/api/blobs/{blob}"): Door(Who.TECHNICIAN),
    ("POST", "/api/sessions"): Door(Who.TECHNICIAN, 4 * KIB),
    ("GET", "/api/sessions"): Door(Who.TECHNICIAN),
    ("POST", "/api/codes"): Door(Who.TECHNICIAN),
    ("GET", "/api/codes/{code}"): Door(Who.TECHNICIAN),
    ("GET", "/api/audit/export"): Door(Who.TECHNICIAN),
    ("POST", "/uploads/{upload}"): Door(Who.UPLOAD_TOKEN),
    ("HEAD", "/uploads/{upload}"): Door(Who.UPLOAD_TOKEN),
    ("PATCH", "/uploads/{upload}"): Door(Who.UPLOAD_TOKEN, UPLOAD_CHUNK_BYTES),
    ("WEBSOCKET", "/link"): Door(Who.DEVICE, quota=Limit.LINKS),
    ("WEBSOCKET", "/relay/{room}"): Door(Who.JOIN_TOKEN, quota=Limit.LINKS),
}
