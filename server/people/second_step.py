"""The second half of a sign-in: a code of the app, a recovery code, or a passkey instead of all that.

A code may be guessed a few times, then the wait doubles up to a quarter of an hour, whoever guesses from wherever; the
right password in between does not set that back. Using a recovery code says how many are left.
"""

from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from server.asking import office_of
from server.console.face import show
from server.people.door import form_of, half_token, page, take_half
from server.people.entering import address_of, begin, path_after
from server.people.rules import HowSignedIn
from server.people.store import Account
from server.people.totp import typed_code
from server.refusal import Refusal

_WRONG: Final = "That code is not right, or was used already. The next one comes within half a minute."
_CODE_MAX_CHARS: Final = 60


async def ask(request: Request) -> Response:
    then = path_after(request.query_params.get("next", ""))
    half = await _half(request)
    return _over(request) if half is None else await _ask(request, half[0], then)


async def _ask(request: Request, account: Account, then: str, *, error: str = "", status_code: int = 200) -> Response:
    factors = await office_of(request).factors.of(account.name)
    return show(
        request, "second.html", status_code=status_code, account=account, factors=factors, then=then, error=error
    )


async def enter(request: Request) -> Response:
    office, form = office_of(request), form_of(request)
    then, half = path_after(form.get("next", "")), await _half(request)
    if half is None:
        return _over(request)
    account, how = half
    address = address_of(request)
    wait_s = await office.people.attempts.attempt_second(account.name, address)
    if wait_s:
        error = f"Too many wrong codes. Try again in {wait_s} s."
        answer = await _ask(request, account, then, error=error, status_code=429)
        answer.headers["retry-after"] = str(wait_s)
        return answer
    text = form.get("code", "")[:_CODE_MAX_CHARS]
    recovery = typed_code(text) is None
    use = office.factors.use_recovery_code if recovery else office.factors.use_code
    if not await use(account.name, text):
        return await _ask(request, account, then, error=_WRONG, status_code=401)
    await office.people.attempts.forgive_second(account.name, address)
    await office.people.end_half(half_token(request))
    where = "/account?done=recovered" if recovery else then
    return await begin(request, account.name, where, how.with_second(recovery=recovery))


async def _half(request: Request) -> tuple[Account, HowSignedIn] | None:
    token = half_token(request)
    return await office_of(request).people.half(token) if token else None


def _over(request: Request) -> Response:
    answer = RedirectResponse("/sign-in?done=half-over", status_code=303)
    take_half(answer, office_of(request).config.origin)
    return answer


# --- by passkey ----------------------------------------------------------------------------------------------------


async def passkey_options(request: Request) -> Response:
    return JSONResponse(await office_of(request).passkeys.options_to_sign_in())


async def passkey(request: Request) -> Response:
    office, form, address = office_of(request), form_of(request), address_of(request)
    # Whose it is is not known yet; nobody's name is counted, the address is.
    wait_s = await office.people.attempts.attempt_from(address)
    if wait_s:
        raise Refusal(429, f"too many failed attempts; try again in {wait_s} s", retry_after_s=wait_s)
    name = await office.passkeys.sign_in(form.get("credential", ""))
    await office.people.attempts.forgive_from(address)
    return await begin(request, name, path_after(form.get("next", "")), HowSignedIn.PASSKEY)


routes = [
    page("GET", "/sign-in/second", ask),
    page("POST", "/sign-in/second", enter),
    page("POST", "/sign-in/passkey", passkey),
    page("POST", "/sign-in/passkey/options", passkey_options),
]
