"""From a proven first factor to a session: by a second one, where the account has any.

password, one-use link ─► proceed ─┬─ no second factor ──────────────────────────► begin: a session, in the log
                                   └─ a half sign-in, ten minutes ─► second_step.py ─► begin
passkey (both at once) ──────────────────────────────────────────────────────────► begin
"""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from protocol.audit import AuditWord
from server.asking import office_of
from server.people.door import give_cookie, give_half, half_token, take_half
from server.people.rules import HowSignedIn, browser_words
from web.pages import local_href


async def proceed(request: Request, name: str, then: str, how: HowSignedIn) -> Response:
    office = office_of(request)
    account = await office.people.require(name)
    if not account.second_factor:
        return await begin(request, name, then, how)
    answer = RedirectResponse("/sign-in/second" + (f"?{urlencode({'next': then})}" if then != "/" else ""), 303)
    give_half(answer, office.config.origin, await office.people.begin_half(name, how))
    return answer


async def begin(request: Request, name: str, then: str, how: HowSignedIn) -> Response:
    """A fresh session, whatever the browser held before. It is in the audit log before it is in the browser."""
    office = office_of(request)
    await office.record(AuditWord.SIGN_IN, commitment=await office.audit.commit_to(f"account {name}"))
    if request.state.person is not None:
        await office.people.end(request.state.person.token)
    answer = RedirectResponse(then, status_code=303)
    browser = browser_words(request.headers.get("user-agent", ""))
    give_cookie(answer, office.config.origin, await office.people.begin(name, how, browser))
    if half_token(request):
        take_half(answer, office.config.origin)
    return answer


def path_after(text: str) -> str:
    """Where to go after signing in: a path of ours, else the start."""
    return text if text.startswith("/") and local_href(text) == text else "/"


def address_of(request: Request) -> str:
    return request.client.host if request.client is not None else "unknown"
