"""Articles for anybody: found in their own words, read without a sign-in, marked as helpful or not."""

from collections.abc import Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from diagnostics.knowledge.search import QUERY_MAX_CHARS
from server.asking import office_of
from server.console.face import Flash, show
from server.knowledge.markdown import html_of
from server.knowledge.store import Article, Counted
from server.people.door import form_of, page

_DESCRIPTION_CHARS: Final = 160
_LISTED: Final = 50


async def find(request: Request) -> Response:
    office, words = office_of(request), request.query_params.get("q", "").strip()[:QUERY_MAX_CHARS]
    found: Sequence[Article]
    found = await office.knowledge.search(words) if words else (await office.knowledge.public_ones())[:_LISTED]
    return show(
        request,
        "public_articles.html",
        here="",
        words=words,
        articles=found,
        canonical=f"{office.config.origin}/help",
        page_language="ru" if request.query_params.get("lang") == "ru" else "en",
    )


async def read(request: Request) -> Response:
    office = office_of(request)
    article = await office.knowledge.public(request.path_params["slug"])
    if "thanks" not in request.query_params:
        await office.knowledge.count(Counted.VIEWED, article.id)
    russian = request.query_params.get("lang") == "ru" and bool(article.text.body_ru)
    body = article.text.body_ru if russian else article.text.body_en
    address = f"{office.config.origin}/help/{article.slug}"
    html = html_of(body)
    return show(
        request,
        "public_article.html",
        here="",
        flash=Flash("Thank you. It is counted, and nothing else about you.")
        if "thanks" in request.query_params
        else None,
        article=article,
        title=article.text.title_ru if russian else article.text.title_en,
        html=html,
        description=" ".join(html.striptags().split())[:_DESCRIPTION_CHARS],
        canonical=f"{address}?lang=ru" if russian else address,
        page_language="ru" if russian else "en",
        address=address,
    )


async def helped(request: Request) -> Response:
    office = office_of(request)
    article = await office.knowledge.public(request.path_params["slug"])
    match form_of(request).get("act"):
        case "yes":
            await office.knowledge.count(Counted.HELPED, article.id)
        case "no":
            await office.knowledge.count(Counted.NOT_HELPED, article.id)
    return RedirectResponse(f"/help/{article.slug}?thanks=1", status_code=303)


routes = [
    page("GET", "/help", find),
    page("GET", "/help/{slug}", read),
    page("POST", "/help/{slug}/helped", helped),
]
