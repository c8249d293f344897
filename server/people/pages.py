"""Pages for admins: who may sign in, as what, and which technician an account is."""

from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from server.asking import office_of
from server.console.face import Flash, show
from server.people.door import form_of, page, technicians_of, visitor_of
from server.people.noting import note_change
from server.people.rules import HOW_WORDS, Role, account_name
from server.people.token_pages import revoke_one
from server.people.token_rules import scopes_of
from server.refusal import Refusal

_FLASHES: Final = {
    "saved": Flash("Saved."),
    "signed-out": Flash("They are signed out everywhere."),
    "revoked": Flash("The token is revoked."),
    "reset": Flash("Their second factors are gone, and they are signed out everywhere."),
}


async def people(request: Request) -> Response:
    return await _people(request)


async def _people(request: Request, *, error: str = "", name: str = "", status_code: int = 200) -> Response:
    office = office_of(request)
    return show(
        request,
        "people.html",
        status_code=status_code,
        flash=Flash("The account is removed.") if request.query_params.get("done") == "removed" else None,
        here="people",
        people=await office.people.all(),
        must_have_factor=office.config.second_factor_roles,
        technicians={one.key: one for one in await technicians_of(office)},
        error=error,
        name=name,
    )


async def _note(request: Request, name: str, change: str) -> None:
    await note_change(office_of(request), name, change, by=visitor_of(request).account.name)


async def add(request: Request) -> Response:
    office, form = office_of(request), form_of(request)
    try:
        role, name = _role(form.get("role", "")), account_name(form.get("name", ""))
        if name is not None and await office.people.get(name) is None:
            await _note(request, name, f"added as {role}")
        account = await office.people.add(form.get("name", ""), role)
    except Refusal as refusal:
        what, expected = refusal.facts.what, refusal.facts.expected
        error = f"{what[:1].upper()}{what[1:]}." + (f" Expected: {expected}." if expected else "")
        return await _people(request, error=error, name=form.get("name", "")[:60], status_code=refusal.status)
    return await _person(request, account.name, link=await office.people.new_link(account.name))


async def person(request: Request) -> Response:
    return await _person(request, request.path_params["name"])


async def _person(request: Request, name: str, *, link: str = "") -> Response:
    """`link`: a token just made; it is shown in this answer and never again."""
    office = office_of(request)
    account = await office.people.require(name)
    technicians = await technicians_of(office)
    return show(
        request,
        "person.html",
        flash=_FLASHES.get(request.query_params.get("done", "")),
        here="people",
        account=account,
        own=account.name == visitor_of(request).account.name,
        technicians=technicians,
        linked=next((one for one in technicians if one.key == account.technician_key), None),
        sessions=await office.people.sessions_of(name),
        how_words=HOW_WORDS,
        factors=await office.factors.of(name),
        tokens=await office.people.tokens.of(name),
        now=office.now(),
        own_scopes=scopes_of(account.role),
        link=f"{office.config.origin}/sign-in/link/{link}" if link else "",
    )


async def _existing(request: Request) -> str:
    """The account's name, or 404: nothing is noted about accounts that are not there."""
    return (await office_of(request).people.require(request.path_params["name"])).name


async def set_role(request: Request) -> Response:
    name, role = await _existing(request), _role(form_of(request).get("role", ""))
    await _note(request, name, f"role {role}")
    await office_of(request).people.set_role(name, role)
    return RedirectResponse(f"/people/{name}?done=saved", status_code=303)


async def link_technician(request: Request) -> Response:
    office, name = office_of(request), await _existing(request)
    chosen, key = form_of(request).get("technician", ""), None
    if chosen:
        key = next((one.key for one in await technicians_of(office) if one.key.hex() == chosen), None)
        if key is None:
            raise Refusal(422, "there is no such technician", expected="one of those in the list")
    await _note(request, name, f"technician {chosen or 'nobody'}")
    await office.people.link_technician(name, key)
    return RedirectResponse(f"/people/{name}?done=saved", status_code=303)


async def new_link(request: Request) -> Response:
    name = await _existing(request)
    await _note(request, name, "one-use link")
    return await _person(request, name, link=await office_of(request).people.new_link(name))


async def sign_out(request: Request) -> Response:
    name = await _existing(request)
    await _note(request, name, "signed out everywhere")
    await office_of(request).people.end_all(name)
    own = name == visitor_of(request).account.name
    return RedirectResponse("/sign-in?done=signed-out" if own else f"/people/{name}?done=signed-out", status_code=303)


async def reset_second_factor(request: Request) -> Response:
    """For who lost all of theirs. Whoever does this must know who asks: it is half of somebody's sign-in."""
    name = await _existing(request)
    if name == visitor_of(request).account.name:
        raise Refusal(409, "this is your own account", hint="Change what guards it under Your account.")
    await _note(request, name, "second factors reset")
    await office_of(request).people.reset_second_factor(name)
    return RedirectResponse(f"/people/{name}?done=reset", status_code=303)


async def revoke_token(request: Request) -> Response:
    name = await _existing(request)
    await revoke_one(request, name)
    return RedirectResponse(f"/people/{name}?done=revoked", status_code=303)


async def remove(request: Request) -> Response:
    name = await _existing(request)
    if name == visitor_of(request).account.name:
        raise Refusal(409, "this is your own account", hint="Another admin can remove it.")
    await _note(request, name, "removed")
    await office_of(request).people.remove(name)
    return RedirectResponse("/people?done=removed", status_code=303)


routes = [
    page("GET", "/people", people),
    page("POST", "/people", add),
    page("GET", "/people/{name}", person),
    page("POST", "/people/{name}/role", set_role),
    page("POST", "/people/{name}/technician", link_technician),
    page("POST", "/people/{name}/link", new_link),
    page("POST", "/people/{name}/sign-out", sign_out),
    page("POST", "/people/{name}/reset-second-factor", reset_second_factor),
    page("POST", "/people/{name}/tokens/{api_token}/revoke", revoke_token),
    page("POST", "/people/{name}/remove", remove),
]


def _role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError:
        raise Refusal(422, "there is no such role", expected=", ".join(Role), got=text[:40]) from None
