"""Who may do what: one line for each route of this server, console and /api alike. What is not here is refused.

    (method, path as routed) → Door: who · roles · of a customer? · bounds of the body · quota by address

`answer()` reads the whole table: this route, this caller, a thing of their own or of another customer → what happens.
tests/server/test_routes.py tries every such combination against the running application, and a route that is not here
fails it. A technician sees the customers in their certificate, everybody else in the console sees all
(people/reach.py); what belongs to another customer looks like what does not exist.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, assert_never

from protocol.limits import CONTROL_MESSAGE_MAX_BYTES, KIB, MIB, NOTE_SEALED_MAX_BYTES, UPLOAD_CHUNK_BYTES
from server.people.rules import Role
from server.people.token_rules import TokenScope


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
    """`roles`: who in the console may; None among them stands for somebody who is not signed in. `of_customer`: the
    address names something of a customer, which for everybody else is not there. `setting_up`: open to an account
    that lacks the second factor its role must have. `scope`: the API tokens that open it too; none: no token does."""

    who: Who
    body_max_bytes: int = 0
    quota: Limit = Limit.REQUESTS
    roles: frozenset[Role | None] = frozenset()
    of_customer: bool = False
    setting_up: bool = False
    scope: TokenScope | None = None


_STATEMENTS = 256 * KIB

#: Programs. WebSockets have the method WEBSOCKET.
API_DOORS: Final[Mapping[tuple[str, str], Door]] = {
    ("GET", "/healthz"): Door(Who.NOBODY),
    ("GET", "/metrics"): Door(Who.METRICS),
    ("GET", "/api/openapi.json"): Door(Who.NOBODY),
    ("GET", "/api/server"): Door(Who.NOBODY),
    ("GET", "/api/challenge"): Door(Who.NOBODY, quota=Limit.LOGINS),
    ("POST", "/api/enrol"): Door(Who.NOBODY, 64 * KIB, Limit.ENROLMENTS),
    ("POST", "/api/organisation/pin"): Door(Who.NOBODY, 64 * KIB, Limit.LOGINS),
    ("POST", "/api/organisation/login"): Door(Who.NOBODY, 64 * KIB, Limit.LOGINS),
    ("GET", "/api/organisation/enrolments"): Door(Who.ORGANISATION),
    ("GET", "/api/organisation/devices"): Door(Who.ORGANISATION),
    ("GET", "/api/organisation/trials"): Door(Who.ORGANISATION),
    ("POST", "/api/organisation/refusals"): Door(Who.ORGANISATION, 4 * KIB),
    ("POST", "/api/organisation/certificates"): Door(Who.ORGANISATION, _STATEMENTS),
    ("POST", "/api/organisation/documents"): Door(Who.ORGANISATION, 4 * MIB),
    ("POST", "/api/technician/login"): Door(Who.NOBODY, _STATEMENTS, Limit.LOGINS),
    ("POST", "/api/technician/renewal"): Door(Who.NOBODY, 64 * KIB, Limit.LOGINS),
    ("GET", "/api/documents"): Door(Who.TECHNICIAN),
    ("GET", "/api/checkpoint"): Door(Who.TECHNICIAN),
    ("GET", "/api/devices"): Door(Who.TECHNICIAN, scope=TokenScope.DEVICES),
    ("GET", "/api/devices/{device}"): Door(Who.TECHNICIAN, of_customer=True, scope=TokenScope.DEVICES),
    ("GET", "/api/devices/{device}/metrics/{name}"): Door(Who.TECHNICIAN, of_customer=True, scope=TokenScope.DEVICES),
    ("GET", "/api/tickets"): Door(Who.TECHNICIAN, scope=TokenScope.TICKETS),
    ("GET", "/api/tickets/{ticket}"): Door(Who.TECHNICIAN, of_customer=True, scope=TokenScope.TICKETS),
    ("POST", "/api/tickets/{ticket}/messages"): Door(Who.TECHNICIAN, CONTROL_MESSAGE_MAX_BYTES, of_customer=True),
    ("POST", "/api/tickets/{ticket}/notes"): Door(Who.TECHNICIAN, 2 * NOTE_SEALED_MAX_BYTES, of_customer=True),
    ("GET", "/api/blobs/{blob}"): Door(Who.TECHNICIAN, of_customer=True),
    ("POST", "/api/sessions"): Door(Who.TECHNICIAN, 4 * KIB),
    ("GET", "/api/sessions"): Door(Who.TECHNICIAN, scope=TokenScope.SESSIONS),
    ("POST", "/api/codes"): Door(Who.TECHNICIAN),
    ("GET", "/api/codes/{code}"): Door(Who.TECHNICIAN),
    ("GET", "/api/audit/export"): Door(Who.TECHNICIAN, scope=TokenScope.AUDIT),
    ("POST", "/uploads/{upload}"): Door(Who.UPLOAD_TOKEN),
    ("HEAD", "/uploads/{upload}"): Door(Who.UPLOAD_TOKEN),
    ("PATCH", "/uploads/{upload}"): Door(Who.UPLOAD_TOKEN, UPLOAD_CHUNK_BYTES),
    ("WEBSOCKET", "/link"): Door(Who.DEVICE, quota=Limit.LINKS),
    ("WEBSOCKET", "/relay/{room}"): Door(Who.JOIN_TOKEN, quota=Limit.LINKS),
}

# --- the console ---------------------------------------------------------------------------------------------------

_Roles = frozenset[Role | None]
ANYBODY: Final[_Roles] = frozenset({None, *Role})
SIGNED_IN: Final[_Roles] = frozenset(Role)
DESK: Final[_Roles] = frozenset({Role.TECHNICIAN, Role.ADMIN})
AUDIT: Final[_Roles] = frozenset({Role.ADMIN, Role.AUDITOR})
ADMIN: Final[_Roles] = frozenset({Role.ADMIN})

#: A posted form of the console. Files are never posted to it.
FORM_MAX_BYTES: Final = 64 * KIB


def _page(roles: _Roles, *, of_customer: bool = False, setting_up: bool = False) -> Door:
    who = Who.NOBODY if None in roles else Who.PERSON
    return Door(who, roles=roles, of_customer=of_customer, setting_up=setting_up or None in roles)


def _form(roles: _Roles, *, of_customer: bool = False, setting_up: bool = False) -> Door:
    door = _page(roles, of_customer=of_customer, setting_up=setting_up)
    quota = Limit.LOGINS if None in roles else Limit.REQUESTS
    return replace(door, body_max_bytes=FORM_MAX_BYTES, quota=quota)


#: People. HEAD counts as GET.
CONSOLE_DOORS: Final[Mapping[tuple[str, str], Door]] = {
    ("GET", "/static"): Door(Who.NOBODY),
    ("GET", "/console-static"): Door(Who.NOBODY),
    ("GET", "/sign-in"): _page(ANYBODY),
    ("POST", "/sign-in"): _form(ANYBODY),
    ("GET", "/sign-in/link/{token}"): _page(ANYBODY),
    ("POST", "/sign-in/link/{token}"): _form(ANYBODY),
    ("GET", "/sign-in/second"): _page(ANYBODY),
    ("POST", "/sign-in/second"): _form(ANYBODY),
    ("POST", "/sign-in/passkey"): _form(ANYBODY),
    ("POST", "/sign-in/passkey/options"): _form(ANYBODY),
    ("POST", "/sign-out"): _form(SIGNED_IN, setting_up=True),
    ("GET", "/account"): _page(SIGNED_IN, setting_up=True),
    ("POST", "/account/password"): _form(SIGNED_IN, setting_up=True),
    ("POST", "/account/codes"): _form(SIGNED_IN, setting_up=True),
    ("POST", "/account/codes/confirm"): _form(SIGNED_IN, setting_up=True),
    ("POST", "/account/codes/remove"): _form(SIGNED_IN),
    ("POST", "/account/recovery-codes"): _form(SIGNED_IN),
    ("POST", "/account/passkeys"): _form(SIGNED_IN, setting_up=True),
    ("POST", "/account/passkeys/options"): _form(SIGNED_IN, setting_up=True),
    ("POST", "/account/passkeys/{passkey}/remove"): _form(SIGNED_IN),
    ("POST", "/account/sessions/{session}/end"): _form(SIGNED_IN, setting_up=True),
    ("GET", "/account/tokens"): _page(SIGNED_IN),
    ("POST", "/account/tokens"): _form(SIGNED_IN),
    ("POST", "/account/tokens/{api_token}/revoke"): _form(SIGNED_IN),
    ("POST", "/account/sign-out-elsewhere"): _form(SIGNED_IN, setting_up=True),
    ("GET", "/"): _page(SIGNED_IN),
    ("GET", "/tickets"): _page(SIGNED_IN),
    ("GET", "/tickets/{ticket}"): _page(SIGNED_IN, of_customer=True),
    ("POST", "/tickets/{ticket}/facts"): _form(DESK, of_customer=True),
    ("POST", "/tickets/{ticket}/words"): _form(DESK, of_customer=True),
    ("POST", "/tickets/{ticket}/owner"): _form(DESK, of_customer=True),
    ("POST", "/tickets/{ticket}/hand-on"): _form(DESK, of_customer=True),
    ("POST", "/tickets/{ticket}/give-up"): _form(DESK, of_customer=True),
    ("POST", "/tickets/{ticket}/priority"): _form(DESK, of_customer=True),
    ("POST", "/tickets/{ticket}/tracker"): _form(DESK, of_customer=True),
    ("POST", "/tickets/{ticket}/watch"): _form(SIGNED_IN, of_customer=True),
    ("POST", "/tickets/{ticket}/note"): _form(DESK, of_customer=True),
    ("GET", "/notices"): _page(SIGNED_IN),
    ("POST", "/notices/seen"): _form(SIGNED_IN),
    ("POST", "/notices/address"): _form(SIGNED_IN),
    ("GET", "/replies"): _page(SIGNED_IN),
    ("POST", "/replies"): _form(ADMIN),
    ("POST", "/replies/{reply}/remove"): _form(ADMIN),
    ("GET", "/service-hours"): _page(SIGNED_IN),
    ("POST", "/service-hours"): _form(ADMIN),
    ("GET", "/help"): _page(ANYBODY),
    ("GET", "/help/{slug}"): _page(ANYBODY),
    ("POST", "/help/{slug}/helped"): _form(ANYBODY),
    ("GET", "/knowledge"): _page(SIGNED_IN),
    ("POST", "/knowledge"): _form(DESK),
    ("GET", "/knowledge/{article:int}"): _page(SIGNED_IN),
    ("POST", "/knowledge/{article:int}"): _form(DESK),
    ("GET", "/devices"): _page(SIGNED_IN),
    ("GET", "/devices/{device}"): _page(SIGNED_IN, of_customer=True),
    ("GET", "/reports"): _page(SIGNED_IN),
    ("GET", "/reports/{figure}"): _page(SIGNED_IN),
    ("GET", "/reports/{figure}/rows.csv"): _page(SIGNED_IN),
    ("GET", "/reports/{figure}/rows.json"): _page(SIGNED_IN),
    ("GET", "/audit"): _page(AUDIT),
    ("GET", "/audit/checkpoint.txt"): _page(AUDIT),
    ("GET", "/audit/{index:int}"): _page(AUDIT),
    ("GET", "/audit/{index:int}/proof.json"): _page(AUDIT),
    ("GET", "/people"): _page(ADMIN),
    ("POST", "/people"): _form(ADMIN),
    ("GET", "/people/{name}"): _page(ADMIN),
    ("POST", "/people/{name}/role"): _form(ADMIN),
    ("POST", "/people/{name}/technician"): _form(ADMIN),
    ("POST", "/people/{name}/link"): _form(ADMIN),
    ("POST", "/people/{name}/sign-out"): _form(ADMIN),
    ("POST", "/people/{name}/tokens/{api_token}/revoke"): _form(ADMIN),
    ("POST", "/people/{name}/reset-second-factor"): _form(ADMIN),
    ("POST", "/people/{name}/remove"): _form(ADMIN),
}

DOORS: Final[Mapping[tuple[str, str], Door]] = {**API_DOORS, **CONSOLE_DOORS}


def may(method: str, path: str, role: Role | None) -> bool:
    """Whether somebody of `role` may open this route of the console. `path` as in the table, with its `{…}`."""
    door = CONSOLE_DOORS.get(("GET" if method == "HEAD" else method, path))
    return door is not None and role in door.roles


# --- the whole table, as an answer to each question ----------------------------------------------------------------


class Caller(StrEnum):
    """Everybody who comes by HTTP. Roles come with a browser's session; the others with a bearer token."""

    STRANGER = "stranger"
    VIEWER = "viewer"
    TECHNICIAN = "technician"
    ADMIN = "admin"
    AUDITOR = "auditor"
    TECHNICIANS_PROGRAM = "technician's program"
    ORGANISATIONS_PROGRAM = "organisation's program"
    API_TOKEN = "api token"  # noqa: S105 - with all scopes, made by an admin, of a customer

    @property
    def role(self) -> Role | None:
        return Role(self.value) if self.value in set(Role) else None


class Whose(StrEnum):
    """What the address names. A thing of nobody's is, for instance, a page about an account."""

    OWN = "of a customer of theirs, or of nobody"
    OTHER = "of another customer"


class Answer(StrEnum):
    LET_IN = "let in"
    SIGN_IN = "sent to the sign-in page"  # 303
    UNKNOWN = "told to sign in"  # 401
    FORBIDDEN = "refused"  # 403
    ABSENT = "there is no such thing"  # 404


#: Who sees some customers only; the rest of the console sees all.
BOUNDED: Final = frozenset({Caller.TECHNICIAN, Caller.TECHNICIANS_PROGRAM, Caller.API_TOKEN})


def answer(method: str, path: str, caller: Caller, whose: Whose) -> Answer:
    """What happens to a request that says nothing wrong otherwise. Raises KeyError for what is not in the table."""
    door = DOORS[("GET" if method == "HEAD" and ("HEAD", path) not in DOORS else method, path)]
    inside = Answer.ABSENT if door.of_customer and whose is Whose.OTHER and caller in BOUNDED else Answer.LET_IN
    match door.who:
        case Who.NOBODY | Who.METRICS | Who.DEVICE | Who.JOIN_TOKEN:
            # The last two prove themselves in their first message.
            return Answer.LET_IN
        case Who.UPLOAD_TOKEN:
            return Answer.ABSENT  # for all who do not hold the token of this very upload
        case Who.ORGANISATION:
            return Answer.LET_IN if caller is Caller.ORGANISATIONS_PROGRAM else Answer.UNKNOWN
        case Who.TECHNICIAN if caller is Caller.API_TOKEN:
            return inside if door.scope is not None else Answer.FORBIDDEN
        case Who.TECHNICIAN:
            return inside if caller is Caller.TECHNICIANS_PROGRAM else Answer.UNKNOWN
        case Who.PERSON if caller.role is None:
            return Answer.SIGN_IN if method in ("GET", "HEAD") else Answer.UNKNOWN
        case Who.PERSON:
            return inside if caller.role in door.roles else Answer.FORBIDDEN
        case never:
            assert_never(never)
