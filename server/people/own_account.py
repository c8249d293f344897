"""One's own account: password, second factors, and where one is signed in. Everybody has this page.

What guards the account is changed only within a quarter of an hour of signing in (`fresh`), is written into the audit
log, and ends the account's other sessions. A secret is shown in one answer and never again.
"""

from typing import Final

import segno
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from server.asking import office_of
from server.console.face import Flash, show
from server.people.door import form_of, fresh, is_fresh, page, take_cookie, visitor_of
from server.people.entering import address_of
from server.people.noting import note_change
from server.people.passkeys import passkey_host
from server.people.passwords import fault_of, unlike
from server.people.rules import HOW_WORDS, browser_words
from server.people.totp import address_for_app, secret_text
from server.refusal import Refusal

_FLASHES: Final = {
    "password": Flash("The new password is set. Everywhere else you are signed out."),
    "elsewhere": Flash("Everywhere else you are signed out."),
    "ended": Flash("That session is ended."),
    "codes-on": Flash("Codes are on. Everywhere else you are signed out."),
    "codes-off": Flash("Codes are off."),
    "passkey": Flash("The passkey is added. Everywhere else you are signed out."),
    "passkey-removed": Flash("The passkey is removed."),
    "recovered": Flash("You signed in with a recovery code; it is used up.", tone="warning"),
}
_WRONG_CODE: Final = "That code is not right. Is the clock of the telephone right? Type the one it shows now."
_NAME_MAX_CHARS: Final = 60


async def sign_out(request: Request) -> Response:
    office = office_of(request)
    await office.people.end(visitor_of(request).token)
    answer = RedirectResponse("/sign-in?done=signed-out", status_code=303)
    take_cookie(answer, office.config.origin)
    return answer


async def account(request: Request) -> Response:
    return await _account(request)


async def _account(request: Request, *, error: str = "", status_code: int = 200) -> Response:
    office, visitor = office_of(request), visitor_of(request)
    name = visitor.account.name
    return show(
        request,
        "account.html",
        status_code=status_code,
        flash=_FLASHES.get(request.query_params.get("done", "")),
        account=visitor.account,
        sessions=await office.people.sessions_of(name),
        how_words=HOW_WORDS,
        factors=await office.factors.of(name),
        passkeys=await office.passkeys.of(name),
        passkeys_possible=office.passkeys.possible,
        must=visitor.account.role in office.config.second_factor_roles,
        is_fresh=is_fresh(request),
        error=error,
    )


async def change_password(request: Request) -> Response:
    office, visitor, form = office_of(request), visitor_of(request), form_of(request)
    name, password = visitor.account.name, form.get("password", "")
    if visitor.account.has_password:
        address = address_of(request)
        wait_s = await office.people.attempts.attempt(name, address)
        if wait_s:
            raise Refusal(429, f"too many failed attempts; try again in {wait_s} s", retry_after_s=wait_s)
        if not await office.passwords.verify(form.get("current", ""), await office.people.password_of(name)):
            return await _account(request, error="The present password is not right.", status_code=422)
        await office.people.attempts.forgive(name, address)
    error = fault_of(password, name) or unlike(password, form.get("again", ""))
    if error:
        return await _account(request, error=error, status_code=422)
    await note_change(office, name, "password", by=name)
    await office.people.set_password(name, await office.passwords.hash(password), keep=visitor.token)
    return RedirectResponse("/account?done=password", status_code=303)


# --- where one is signed in ----------------------------------------------------------------------------------------


async def sign_out_elsewhere(request: Request) -> Response:
    visitor = visitor_of(request)
    await office_of(request).people.end_all(visitor.account.name, keep=visitor.token)
    return RedirectResponse("/account?done=elsewhere", status_code=303)


async def end_session(request: Request) -> Response:
    visitor, handle = visitor_of(request), request.path_params["session"]
    if not await office_of(request).people.end_one(visitor.account.name, handle):
        raise Refusal(404, "there is no such session", hint="It may have ended meanwhile.")
    return RedirectResponse("/account?done=ended", status_code=303)


# --- codes of an app -----------------------------------------------------------------------------------------------


async def begin_codes(request: Request) -> Response:
    name = visitor_of(request).account.name
    return _codes_page(request, await office_of(request).factors.begin_codes(name))


def _codes_page(request: Request, secret: bytes, *, error: str = "", status_code: int = 200) -> Response:
    origin = office_of(request).config.origin
    host = passkey_host(origin) or origin.partition("://")[2]
    address = address_for_app(secret, account=visitor_of(request).account.name, issuer=host)
    # Black on white, whatever the colours of the page: cameras need it so.
    picture = segno.make(address, error="m").svg_data_uri(scale=5, border=3, light="white")
    return show(
        request,
        "codes.html",
        status_code=status_code,
        picture=picture,
        secret=secret_text(secret),
        address=address,
        error=error,
    )


async def confirm_codes(request: Request) -> Response:
    office, visitor = office_of(request), visitor_of(request)
    name = visitor.account.name
    secret = await office.factors.waiting_secret(name)
    if secret is None:
        raise Refusal(409, "no codes wait to be confirmed", hint="Begin under Your account.")
    if not await office.factors.confirm_codes(name, form_of(request).get("code", "")[:20]):
        return _codes_page(request, secret, error=_WRONG_CODE, status_code=422)
    return await _new_factor(request, "codes of an app", "Codes are on.", "codes-on")


async def remove_codes(request: Request) -> Response:
    office, visitor = office_of(request), visitor_of(request)
    if (await office.factors.of(visitor.account.name)).codes_since is None:
        raise Refusal(409, "there are no codes of an app")
    await note_change(office, visitor.account.name, "codes of an app removed", by=visitor.account.name)
    await office.factors.remove_codes(visitor.account.name)
    await office.people.end_all(visitor.account.name, keep=visitor.token)
    return RedirectResponse("/account?done=codes-off", status_code=303)


async def _new_factor(request: Request, what: str, title: str, done: str) -> Response:
    """Told to the log; the other sessions, begun without it, end; with the first one come the recovery codes."""
    office, visitor = office_of(request), visitor_of(request)
    name = visitor.account.name
    await note_change(office, name, f"second factor: {what}", by=name)
    await office.people.end_all(name, keep=visitor.token)
    if (await office.factors.of(name)).recovery_codes:
        return RedirectResponse(f"/account?done={done}", status_code=303)
    return show(request, "recovery.html", title=title, codes=await office.factors.new_recovery_codes(name))


async def new_recovery_codes(request: Request) -> Response:
    office, name = office_of(request), visitor_of(request).account.name
    if not visitor_of(request).account.second_factor:
        raise Refusal(409, "there is no second factor that recovery codes could stand in for")
    await note_change(office, name, "new recovery codes", by=name)
    codes = await office.factors.new_recovery_codes(name)
    return show(request, "recovery.html", title="New recovery codes", codes=codes)


# --- passkeys ------------------------------------------------------------------------------------------------------


async def passkey_options(request: Request) -> Response:
    if not is_fresh(request):
        raise Refusal(403, "this needs a fresh sign-in", hint="Sign in again, then add the passkey.")
    return JSONResponse(await office_of(request).passkeys.options_to_add(visitor_of(request).account.name))


async def add_passkey(request: Request) -> Response:
    office, form, visitor = office_of(request), form_of(request), visitor_of(request)
    typed = " ".join(form.get("name", "").split())[:_NAME_MAX_CHARS]
    name = typed or browser_words(request.headers.get("user-agent", ""))
    await office.passkeys.add(visitor.account.name, name, form.get("credential", ""))
    return await _new_factor(request, "passkey", "The passkey is added.", "passkey")


async def remove_passkey(request: Request) -> Response:
    office, visitor = office_of(request), visitor_of(request)
    name = visitor.account.name
    passkey = await office.passkeys.require(name, request.path_params["passkey"])
    await note_change(office, name, "passkey removed", by=name)
    await office.passkeys.remove(name, passkey.id)
    await office.people.end_all(name, keep=visitor.token)
    return RedirectResponse("/account?done=passkey-removed", status_code=303)


routes = [
    page("POST", "/sign-out", sign_out),
    page("GET", "/account", account),
    page("POST", "/account/password", change_password),
    page("POST", "/account/sign-out-elsewhere", sign_out_elsewhere),
    page("POST", "/account/sessions/{session}/end", end_session),
    page("POST", "/account/codes", fresh(begin_codes)),
    page("POST", "/account/codes/confirm", fresh(confirm_codes)),
    page("POST", "/account/codes/remove", fresh(remove_codes)),
    page("POST", "/account/recovery-codes", fresh(new_recovery_codes)),
    page("POST", "/account/passkeys", fresh(add_passkey)),
    page("POST", "/account/passkeys/options", passkey_options),
    page("POST", "/account/passkeys/{passkey}/remove", fresh(remove_passkey)),
]
