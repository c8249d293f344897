"""Pages of signing in by password or by a one-use link. What follows: entering.py, second_step.py.

A one-use link does nothing when it is opened: mail programs open links by themselves. The button on its page uses it.
There is no page that makes a first account, on a fresh server or ever: `bellpull-server init` prints a link.
"""

from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from server.asking import office_of
from server.console.face import Flash, show
from server.people.door import form_of, page
from server.people.entering import address_of, path_after, proceed
from server.people.passwords import fault_of, is_outdated, unlike
from server.people.rules import HowSignedIn, account_name
from server.people.store import Account
from server.refusal import Refusal

_WRONG: Final = "The name or the password is not right."
_FLASHES: Final = {
    "signed-out": Flash("You are signed out."),
    "half-over": Flash("That took too long. Begin again.", tone="warning"),
    "again": Flash(
        "Sign in once more: what guards your account is changed within a quarter of an hour of signing in.", tone="info"
    ),
}


# --- by password -------------------------------------------------------------------------------------------------


async def ask(request: Request) -> Response:
    if request.state.person is not None and "again" not in request.query_params:
        return RedirectResponse("/", status_code=303)
    return _ask(request, then=path_after(request.query_params.get("next", "")))


def _ask(request: Request, *, then: str, status_code: int = 200, name: str = "", error: str = "") -> Response:
    return show(
        request,
        "sign_in.html",
        status_code=status_code,
        flash=_FLASHES.get("again" if "again" in request.query_params else request.query_params.get("done", "")),
        then=then,
        name=name,
        error=error,
        passkeys_possible=office_of(request).passkeys.possible,
    )


async def sign_in(request: Request) -> Response:
    office, form = office_of(request), form_of(request)
    then, typed, password = path_after(form.get("next", "")), form.get("name", "")[:60], form.get("password", "")
    name, address = account_name(typed) or typed, address_of(request)
    wait_s = await office.people.attempts.attempt(name, address)
    if wait_s:
        error = f"Too many failed attempts. Try again in {wait_s} s."
        answer = _ask(request, then=then, status_code=429, name=typed, error=error)
        answer.headers["retry-after"] = str(wait_s)
        return answer
    phc = await office.people.password_of(name)
    if not await office.passwords.verify(password, phc):
        return _ask(request, then=then, status_code=401, name=typed, error=_WRONG)
    await office.people.attempts.forgive(name, address)
    if phc is not None and is_outdated(phc):
        await office.people.renew_hash(name, phc, await office.passwords.hash(password))
    return await proceed(request, name, then, HowSignedIn.PASSWORD)


# --- by a one-use link -------------------------------------------------------------------------------------------


async def show_link(request: Request) -> Response:
    return _link_page(request, await _account_of_link(request))


async def use_link(request: Request) -> Response:
    office, form = office_of(request), form_of(request)
    account = await _account_of_link(request)
    password = form.get("password")
    if password is not None:
        error = fault_of(password, account.name) or unlike(password, form.get("again", ""))
        if error:
            return _link_page(request, account, error=error, status_code=422)
    if await office.people.use_link(request.path_params["token"]) is None:
        raise _dead_link()
    if password is not None:
        await office.people.set_password(account.name, await office.passwords.hash(password))
    return await proceed(request, account.name, "/", HowSignedIn.LINK)


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


routes = [
    page("GET", "/sign-in", ask),
    page("POST", "/sign-in", sign_in),
    page("GET", "/sign-in/link/{token}", show_link),
    page("POST", "/sign-in/link/{token}", use_link),
]
