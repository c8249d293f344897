"""The desk's side of knowledge: all articles with their state and numbers; writing, review, publishing, withdrawing."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from diagnostics.checks.catalogue import code_rules
from diagnostics.knowledge.issue import own_issues
from diagnostics.knowledge.symptoms import codes_of
from diagnostics.wording import Language
from server.asking import office_of
from server.console.face import show
from server.knowledge.markdown import html_of
from server.knowledge.rules import Text
from server.people.door import form_of, page, visitor_of
from server.refusal import Refusal


async def articles(request: Request) -> Response:
    office = office_of(request)
    empty, known = _begun(request.query_params.get("code", ""))
    return show(
        request,
        "knowledge.html",
        here="knowledge",
        articles=await office.knowledge.all(),
        counts=await office.knowledge.counts(),
        empty=empty,
        known=known,
    )


async def write(request: Request) -> Response:
    form = form_of(request)
    slug, issue = form.get("slug", "").strip(), form.get("issue", "").strip()
    made = await office_of(request).knowledge.write(slug, issue, _text(form), by=visitor_of(request).account.name)
    return RedirectResponse(f"/knowledge/{made}", status_code=303)


async def article(request: Request) -> Response:
    office = office_of(request)
    held = await office.knowledge.get(request.path_params["article"])
    return show(
        request,
        "knowledge_article.html",
        here="knowledge",
        article=held,
        html_en=html_of(held.text.body_en),
        html_ru=html_of(held.text.body_ru),
        counts=await office.knowledge.counts(held.id),
        own=held.by == visitor_of(request).account.name,
    )


async def change(request: Request) -> Response:
    """Save, offer, publish, withdraw: one form with one act."""
    form, store, by = form_of(request), office_of(request).knowledge, visitor_of(request).account.name
    held = await store.get(request.path_params["article"])
    match form.get("act"):
        case "save":
            await store.save(held.id, _text(form), by=by)
        case "offer":
            await store.offer(held.id)
        case "publish":
            await store.publish(held.id, by=by)
        case "withdraw":
            await store.withdraw(held.id)
        case other:
            raise Refusal(422, "there is no such act", expected="save, offer, publish or withdraw", got=str(other)[:40])
    return RedirectResponse(f"/knowledge/{held.id}", status_code=303)


def _begun(code: str) -> tuple[Text, list[str]]:
    """What an article about a finding begins with, and the known issues that speak of it. Nothing of a ticket is in it:
    its words are its customer's."""
    rule = code_rules().get(code)
    if rule is None:
        return Text("", ""), []
    known = [issue.id for issue in own_issues() if code in codes_of(issue)]
    return Text(rule.words[Language.ENGLISH].title.partition("{")[0].strip(), "", words=code), known


def _text(form: dict[str, str]) -> Text:
    return Text(**{name: form.get(name, "").strip() for name in Text.__dataclass_fields__})


routes = [
    page("GET", "/knowledge", articles),
    page("POST", "/knowledge", write),
    page("GET", "/knowledge/{article:int}", article),
    page("POST", "/knowledge/{article:int}", change),
]
