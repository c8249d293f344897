"""One's own API tokens: what they may, until when, when they were last used; making one, and ending it."""

from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from server.asking import office_of
from server.console.face import Flash, show
from server.devices.listing import DeviceListing
from server.people.door import form_of, fresh, page, visitor_of
from server.people.noting import note_change
from server.people.token_rules import DAYS_DEFAULT, SCOPES, scopes_of
from server.people.tokens import ApiToken, Wish, chosen_scopes
from server.refusal import Refusal

#: What fits a form beside its other fields; who needs more of them names them in the text field.
_CUSTOMERS_LISTED: Final = 40
_REVOKED: Final = Flash("The token is revoked. Programs that used it are refused from now on.")
_SCOPE: Final = "scope."
_CUSTOMER: Final = "customer."


async def tokens(request: Request) -> Response:
    return await _tokens(request, flash=_REVOKED if request.query_params.get("done") == "revoked" else None)


async def _tokens(
    request: Request,
    *,
    flash: Flash | None = None,
    made: ApiToken | None = None,
    token: str = "",
    error: str = "",
    status_code: int = 200,
) -> Response:
    """`token`: one just made; it is shown in this answer and never again."""
    office, visitor = office_of(request), visitor_of(request)
    own = scopes_of(visitor.account.role)
    customers = await DeviceListing(office.database).customers(visitor.reach.customers)
    return show(
        request,
        "tokens.html",
        status_code=status_code,
        flash=flash,
        tokens=await office.people.tokens.of(visitor.account.name),
        now=office.now(),
        made=made,
        token=token,
        scopes=[(scope, words) for scope, (_, words) in SCOPES.items() if scope in own],
        own=own,
        customers=customers[:_CUSTOMERS_LISTED],
        more_customers=len(customers) > _CUSTOMERS_LISTED,
        typed=request.state.form if status_code != 200 else {},
        days=DAYS_DEFAULT,
        error=error,
    )


async def make(request: Request) -> Response:
    office, visitor = office_of(request), visitor_of(request)
    try:
        wish = _wish(request).checked(visitor.account.role)
    except Refusal as refusal:
        if refusal.status != 422:
            raise
        what, expected = refusal.facts.what, refusal.facts.expected
        return await _tokens(request, error=f"{what[:1].upper()}{what[1:]}: {expected}.", status_code=422)
    await note_change(office, visitor.account.name, str(wish), by=visitor.account.name)
    made, token = await office.people.tokens.make(visitor.account.name, wish)
    return await _tokens(request, made=made, token=token)


def _wish(request: Request) -> Wish:
    form, visitor = form_of(request), visitor_of(request)
    scopes = [name.removeprefix(_SCOPE) for name in form if name.startswith(_SCOPE)]
    customers = {value for name, value in form.items() if name.startswith(_CUSTOMER)}
    customers |= {line.strip() for line in form.get("customers", "").splitlines() if line.strip()}
    reach = visitor.reach.customers
    if reach is not None and not customers <= reach:
        raise Refusal(403, "a token may not see more customers than its maker")
    days = form.get("days", "")
    number = int(days) if days.isascii() and days.isdigit() and len(days) <= 4 else 0
    return Wish(form.get("name", ""), chosen_scopes(scopes), frozenset(customers), number)


async def revoke(request: Request) -> Response:
    await revoke_one(request, visitor_of(request).account.name)
    return RedirectResponse("/account/tokens?done=revoked", status_code=303)


async def revoke_one(request: Request, account: str) -> None:
    """The token of this address, held by `account`."""
    office = office_of(request)
    held = await office.people.tokens.require(account, request.path_params["api_token"])
    await note_change(office, account, f"token {held.name} revoked", by=visitor_of(request).account.name)
    await office.people.tokens.revoke(account, held.id)


routes = [
    page("GET", "/account/tokens", tokens),
    page("POST", "/account/tokens", fresh(make)),
    page("POST", "/account/tokens/{api_token}/revoke", revoke),
]
