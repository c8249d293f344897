"""Pages of signing in and out, by password or by a one-use link, and of one's own account.

A one-use link does nothing when it is opened: mail programs open links by themselves. The button on its page uses it.
There is no page that makes a first account, on a fresh server or ever: `bellpull-server init` prints a link.
"""

from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from protocol.audit import AuditWord
from server.asking import office_of
from server.console.face import Flash, show
from server.people.door import form_of, give_cookie, page, take_cookie, visitor_of
from server.people.passwords import fault_of, is_outdated
from server.people.rules import account_name
from server.people.store import Account
from server.refusal import Refusal
from web.pages import local_href

_WRONG: Final = "The name or the password is not right."
_FLASHES: Final = {
    "signed-out": Flash("You are signed out."),
    "password": Flash("The new password is set. Everywhere else you are signed out."),
    "elsewhere": Flash("Everywhere else you are signed out."),
}


# --- by password -------------------------------------------------------------------------------------------------


async def ask(request: Request) -> Response:
    if request.state.person is not None:
        return RedirectResponse("/", status_code=303)
    return _ask(request, then=_then(request.query_params.get("next", "")))


def _ask(request: Request, *, then: str, status_code: int = 200, name: str = "", error: str = "") -> Response:
    return show(
        request, "sign_in.html", status_code=status_code, flash=_done(request), then=then, name=name, error=error
    )


async def sign_in(request: Request) -> Response:
    office, form = office_of(request), form_of(request)
    then, typed, password = _then(form.get("next", "")), form.get("name", "")[:60], form.get("password", "")
    name, address = account_name(typed) or typed, _address(request)
    wait_s = await office.people.attempt(name, address)
    if wait_s:
        error = f"Too many failed attempts. Try again in {wait_s} s."
        answer = _ask(request, then=then, status_code=429, name=typed, error=error)
        answer.headers["retry-after"] = str(wait_s)
        return answer
    phc = await office.people.password_of(name)
    if not await office.passwords.verify(password, phc):
        return _ask(request, then=then, status_code=401, name=typed, error=_WRONG)
    await office.people.forgive(name, address)
    if phc is not None and is_outdated(phc):
        await office.people.renew_hash(name, phc, await office.passwords.hash(password))
    return await _begin(request, name, then)


async def _begin(request: Request, name: str, then: str) -> Response:
    """A fresh session, whatever the browser held before. It is in the audit log before it is in the browser."""
    office = office_of(request)
    await office.record(AuditWord.SIGN_IN, commitment=await office.audit.commit_to(f"account {name}"))
    if request.state.person is not None:
        await office.people.end(request.state.person.token)
    answer = RedirectResponse(then, status_code=303)
    give_cookie(answer, office.config.origin, await office.people.begin(name))
    return answer


# --- by a one-use link -------------------------------------------------------------------------------------------


async def show_link(request: Request) -> Response:
    return _link_page(request, await _account_of_link(request))


async def use_link(request: Request) -> Response:
    office, form = office_of(request), form_of(request)
    account = await _account_of_link(request)
    password = form.get("password")
    if password is not None:
        error = fault_of(password, account.name) or _unlike(password, form.get("again", ""))
        if error:
            return _link_page(request, account, error=error, status_code=422)
    if await office.people.use_link(request.path_params["token"]) is None:
        raise _dead_link()
    if password is not None:
        await office.people.set_password(account.name, await office.passwords.hash(password))
    return await _begin(request, account.name, "/")


async def _account_of_link(request: Request) -> Account:
    account = await office_of(request).people.link_account(request.path_params["token"])
    if account is None:
        raise _dead_link()
    return account


def _link_page(request: Request, account: Account, *, error: str = "", status_code: int = 200) -> Response:
    return show(request, "link.html", status_code=status_code, account=account, error=error)


def _dead_link() -> Refusal:
    return Refusal(
        404,
        "this one-use link is not valid",
        expected="a link that nobody has used, made within the last 24 hours",
        hint="Make a new one where the server runs: bellpull-server user link NAME --data DIR",
    )


# --- the own account ---------------------------------------------------------------------------------------------


async def sign_out(request: Request) -> Response:
    office = office_of(request)
    await office.people.end(visitor_of(request).token)
    answer = RedirectResponse("/sign-in?done=signed-out", status_code=303)
    take_cookie(answer, office.config.origin)
    return answer


async def account(request: Request) -> Response:
    return await _account(request)


async def _account(request: Request, *, error: str = "", status_code: int = 200) -> Response:
    own = visitor_of(request).account
    return show(
        request,
        "account.html",
        status_code=status_code,
        flash=_done(request),
        account=own,
        sessions=await office_of(request).people.sessions_of(own.name),
        error=error,
    )


async def change_password(request: Request) -> Response:
    office, visitor, form = office_of(request), visitor_of(request), form_of(request)
    name, password = visitor.account.name, form.get("password", "")
    if visitor.account.has_password:
        address = _address(request)
        wait_s = await office.people.attempt(name, address)
        if wait_s:
            raise Refusal(429, f"too many failed attempts; try again in {wait_s} s", retry_after_s=wait_s)
        if not await office.passwords.verify(form.get("current", ""), await office.people.password_of(name)):
            return await _account(request, error="The present password is not right.", status_code=422)
        await office.people.forgive(name, address)
    error = fault_of(password, name) or _unlike(password, form.get("again", ""))
    if error:
        return await _account(request, error=error, status_code=422)
    await office.people.set_password(name, await office.passwords.hash(password), keep=visitor.token)
    return RedirectResponse("/account?done=password", status_code=303)


async def sign_out_elsewhere(request: Request) -> Response:
    visitor = visitor_of(request)
    await office_of(request).people.end_others(visitor.account.name, visitor.token)
    return RedirectResponse("/account?done=elsewhere", status_code=303)


routes = [
    page("GET", "/sign-in", ask),
    page("POST", "/sign-in", sign_in),
    page("GET", "/sign-in/link/{token}", show_link),
    page("POST", "/sign-in/link/{token}", use_link),
    page("POST", "/sign-out", sign_out),
    page("GET", "/account", account),
    page("POST", "/account/password", change_password),
    page("POST", "/account/sign-out-elsewhere", sign_out_elsewhere),
]


def _done(request: Request) -> Flash | None:
    return _FLASHES.get(request.query_params.get("done", ""))


def _then(path: str) -> str:
    """Where to go after signing in: a path of ours, else the start."""
    return path if path.startswith("/") and local_href(path) == path else "/"


def _unlike(password: str, again: str) -> str:
    return "" if password == again else "The two passwords are not the same."


def _address(request: Request) -> str:
    return request.client.host if request.client is not None else "unknown"
