"""The console's door: each request is held against the route table before anything of it is done.

    our Host, our Origin ─► cookie ─► session ─► account ─► role in CONSOLE_DOORS ─► (a form: its token) ─► the page

`page()` is the only way to make a route of the console, and it refuses a path that the table does not list. The token
in forms is the second lock on the door that Origin and Sec-Fetch-Site already close to other sites.
"""

import hmac
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Final
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from protocol.errors import RemoteProtocolError
from server.access import CONSOLE_DOORS, may
from server.asking import office_of
from server.console.face import Visitor, show_part, show_refusal
from server.office import Office
from server.people.forms import read_form
from server.people.reach import KnownTechnician, Reach, known_technicians, reach_of
from server.people.rules import FRESH_S, HALF_S, Role
from server.people.store import Account
from server.refusal import Refusal
from server.technicians.listing import TechnicianListing
from web.loopback import HostAndOrigin
from web.pages import wants_fragment

Handler = Callable[[Request], Awaitable[Response]]

FORM_TOKEN: Final = "form"  # noqa: S105 - the field's name


def page(method: str, path: str, handler: Handler) -> Route:
    """The handler behind the door."""
    if (method, path) not in CONSOLE_DOORS:
        raise LookupError(f"{method} {path} is not in CONSOLE_DOORS of server/access.py")

    async def endpoint(request: Request) -> Response:
        objection = _host_and_origin(office_of(request).config.origin).objection(request.scope)
        if objection is not None:
            return PlainTextResponse(f"Refused: {objection}\n", 403)
        try:
            return await _let_in(request, method, path, handler)
        except Refusal as refusal:
            return show_refusal(request, refusal)
        except RemoteProtocolError as error:
            return show_refusal(request, Refusal.of(error, 422))

    return Route(path, endpoint, methods=[method])


async def _let_in(request: Request, method: str, path: str, handler: Handler) -> Response:
    visitor = await _visitor(request)
    request.state.person = visitor
    if not may(method, path, None if visitor is None else visitor.account.role):
        if visitor is None:
            return _to_sign_in(request)
        raise Refusal(
            403,
            f"the role {visitor.account.role} may not do this",
            hint="An admin decides who may do what, under People.",
        )
    if visitor is not None and visitor.lacks_factor and not CONSOLE_DOORS[(method, path)].setting_up:
        return _to_set_up(request, visitor)
    if method == "POST":
        request.state.form = await read_form(request)
        if visitor is not None and not _same(request.state.form.pop(FORM_TOKEN, ""), visitor.form_token):
            raise Refusal(
                403, "this form was not made for your session", hint="Go back, reload the page, and send it again."
            )
    return await handler(request)


async def _visitor(request: Request) -> Visitor | None:
    office = office_of(request)
    token = request.cookies.get(cookie_name(office.config.origin), "")
    if not token:
        return None
    # What a page fetches by itself does not show that somebody is still there.
    session = await office.people.session(token, active=not wants_fragment(request))
    if session is None:
        return None
    account = session.account
    return Visitor(account, token, await reach_now(office, account), session, lacks_factor(office, account))


async def reach_now(office: Office, account: Account) -> Reach:
    """Whose tickets and devices this account may see at this moment."""
    known: tuple[KnownTechnician, ...] = ()
    if account.role is Role.TECHNICIAN:  # the only ones bounded by certificates
        chains = await TechnicianListing(office.database).current(office.now())
        known = known_technicians(chains, office.organisation.trust, office.now())
    return reach_of(account.role, account.technician_key, known)


def lacks_factor(office: Office, account: Account) -> bool:
    return account.role in office.config.second_factor_roles and not account.second_factor


async def technicians_of(office: Office) -> tuple[KnownTechnician, ...]:
    """Everyone with a certificate, and those whose last one ended lately; proven now."""
    chains = await TechnicianListing(office.database).current_and_lately_ended(office.now())
    return known_technicians(chains, office.organisation.trust, office.now())


def _to_set_up(request: Request, visitor: Visitor) -> Response:
    if request.method not in ("GET", "HEAD"):
        raise Refusal(
            403,
            f"the role {visitor.account.role} needs a second factor",
            hint="Set up codes of an app, or a passkey, under Your account.",
        )
    return RedirectResponse("/account", status_code=303)


def _to_sign_in(request: Request) -> Response:
    if request.method not in ("GET", "HEAD"):
        raise Refusal(401, "you are not signed in, or were signed out meanwhile", hint="Sign in and do it again.")
    if wants_fragment(request):
        answer = show_part(request, "signed_out.html", "part")
        answer.status_code = 401
        return answer
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    where = "/sign-in" if path == "/" else f"/sign-in?{urlencode({'next': path})}"
    return RedirectResponse(where, status_code=303)


# --- what handlers ask for -----------------------------------------------------------------------------------------


def visitor_of(request: Request) -> Visitor:
    """Behind the door, on a route for signed-in people."""
    visitor: Visitor = request.state.person
    return visitor


def form_of(request: Request) -> dict[str, str]:
    """The posted fields, without the form token."""
    form: dict[str, str] = request.state.form
    return form


def is_fresh(request: Request) -> bool:
    """Whether they signed in a moment ago: what guards an account is not changed from a screen that was left open."""
    return office_of(request).now() - visitor_of(request).session.made_at < FRESH_S


def fresh(handler: Handler) -> Handler:
    """The handler, for who signed in a moment ago; everybody else signs in again first."""

    async def guarded(request: Request) -> Response:
        if is_fresh(request):
            return await handler(request)
        return RedirectResponse("/sign-in?again=1&next=%2Faccount", status_code=303)

    return guarded


# --- the cookie ------------------------------------------------------------------------------------------------------


def cookie_name(origin: str) -> str:
    """`__Host-` binds it to this host; on loopback, where ports share cookies, the port is in the name."""
    parts = urlsplit(origin)
    return "__Host-bellpull" if parts.scheme == "https" else f"bellpull-console-{parts.port or 80}"


def give_cookie(answer: Response, origin: str, token: str) -> None:
    # Lax, not Strict: a link in a mail opens the ticket. Nothing is changed by a GET.
    secure = origin.startswith("https:")
    answer.set_cookie(cookie_name(origin), token, path="/", httponly=True, samesite="lax", secure=secure)


def take_cookie(answer: Response, origin: str) -> None:
    secure = origin.startswith("https:")
    answer.delete_cookie(cookie_name(origin), path="/", httponly=True, samesite="lax", secure=secure)


# The first half of a sign-in, beside the session's own.


def half_token(request: Request) -> str:
    return request.cookies.get(_half_name(office_of(request).config.origin), "")


def give_half(answer: Response, origin: str, token: str) -> None:
    secure = origin.startswith("https:")
    answer.set_cookie(_half_name(origin), token, path="/", httponly=True, samesite="lax", secure=secure, max_age=HALF_S)


def take_half(answer: Response, origin: str) -> None:
    secure = origin.startswith("https:")
    answer.delete_cookie(_half_name(origin), path="/", httponly=True, samesite="lax", secure=secure)


def _half_name(origin: str) -> str:
    return f"{cookie_name(origin)}-half"


@lru_cache(maxsize=8)
def _host_and_origin(origin: str) -> HostAndOrigin:
    # Only its judgement is used: there is nothing behind it.
    return HostAndOrigin(PlainTextResponse("", 404), origins={origin}, links_from_elsewhere=True)


def _same(offered: str, kept: str) -> bool:
    return hmac.compare_digest(offered.encode("utf-8", "surrogatepass"), kept.encode())
