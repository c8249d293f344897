"""Articles: versions and review, the same search on both databases, Markdown that can do no harm, pages for anybody."""

import re

import pytest

from protocol.audit import AuditWord
from server.knowledge.markdown import html_of
from server.knowledge.rules import Text
from server.knowledge.store import KnowledgeStore
from server.people.rules import Role
from server.refusal import Refusal
from server.storage.engine import Database
from tests.server.actors import Clock
from tests.server.console.browsing import People

PRINTER = Text(
    "The printer does not print", "Clear the queue.", "Принтер не печатает", "Очистите очередь.", "0x80070643"
)
HOSTILE = (
    "<script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt&colon;alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "<img src=x onerror=alert(1)>",
    "![x](https://evil.example/pixel.png)",
    '[x](https://a.example "onmouseover=alert(1)")',
    "<a href='vbscript:x'>x</a>",
    "`<svg/onload=alert(1)>`",
    "```html\n<iframe src=//evil.example></iframe>\n```",
    "<style>*{display:none}</style>",
    '<p style="position:fixed">x</p>',
    "> " * 400 + "x",
    "[" * 400,
    "| a |\n|---|\n| <b onclick=x>y</b> |",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_of_somebody_hostile_is_text(text: str) -> None:
    html = str(html_of(text))
    tags = re.findall(r"<\s*/?\s*([a-zA-Z0-9]+)([^>]*)>", html)
    assert {tag for tag, _ in tags} <= {
        "p",
        "a",
        "code",
        "pre",
        "blockquote",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
    }
    for _, attributes in tags:
        assert re.fullmatch(r'(\s(href="https?://[^"]*"|rel="noopener noreferrer nofollow"))*', attributes), html


def test_markdown_of_somebody_kind_is_what_they_meant() -> None:
    html = str(html_of("# A\n\n1. one\n2. *two*\n\n[more](https://a.example/x)"))
    assert "<h2>A</h2>" in html
    assert "<em>two</em>" in html
    assert '<a href="https://a.example/x" rel="noopener noreferrer nofollow">more</a>' in html


async def published(store: KnowledgeStore, slug: str, text: Text, issue: str = "") -> int:
    article = await store.write(slug, issue, text, by="ann")
    await store.offer(article)
    await store.publish(article, by="ben")
    return article


async def test_what_is_public_is_found_with_typos_codes_synonyms_and_in_both_languages(database: Database) -> None:
    store = KnowledgeStore(database, Clock())
    await published(store, "printer", PRINTER)
    await published(store, "graphics", Text("A black screen", "Update."), "graphics-card-fell-off-the-bus")
    await store.write("secret", "", Text("Printer draft", "Not public."), by="ann")
    for words, slug in (
        ("prnter", "printer"),
        ("принтеры не печатают", "printer"),
        ("error 0x80070643", "printer"),
        ("NVRM: GPU has fallen off the bus", "graphics"),
    ):
        assert [each.slug for each in await store.search(words)][:1] == [slug], words
    assert [each.slug for each in await store.search("printer draft")] == ["printer"]
    assert await store.search("blue elephants") == ()
    assert await store.counts() == {"searched": 5, "found-nothing": 1}


async def test_a_new_version_is_not_public_before_somebody_else_has_read_it(database: Database) -> None:
    store = KnowledgeStore(database, Clock())
    article = await published(store, "printer", PRINTER)
    await store.save(article, Text("Rewritten", "Other words."), by="ben")
    assert (await store.public("printer")).text == PRINTER
    with pytest.raises(Refusal, match="waits for a review"):
        await store.publish(article, by="ann")
    await store.offer(article)
    with pytest.raises(Refusal, match="nobody publishes their own words"):
        await store.publish(article, by="ben")
    await store.publish(article, by="ann")
    assert (await store.public("printer")).text.title_en == "Rewritten"
    assert [each.slug for each in await store.search("rewritten")] == ["printer"]
    await store.withdraw(article)
    assert await store.search("rewritten") == ()
    with pytest.raises(Refusal):
        await store.public("printer")


@pytest.mark.parametrize(
    "text",
    [Text("", "x"), Text("x", ""), Text("x", "y", title_ru="только"), Text("x" * 161, "y"), Text("x", "y" * 20_001)],
)
async def test_what_is_no_article_is_refused(text: Text) -> None:
    with pytest.raises(Refusal):
        text.checked()


async def test_anybody_reads_what_is_public_and_says_whether_it_helped(people: People) -> None:
    writer, reader = await people.signed_in(Role.TECHNICIAN, "ann"), await people.signed_in(Role.ADMIN, "ben")
    text = {name: getattr(PRINTER, name) for name in vars(PRINTER)} | {"body_en": "Clear it. <script>alert(1)</script>"}
    made = await writer.post("/knowledge", {"slug": "printer", "issue": "", **text})
    where = made.url.path
    anybody = people.browser()
    assert (await anybody.get("/help/printer")).status_code == 404
    await writer.post(where, {"act": "offer"})
    assert (await writer.post(where, {"act": "publish"})).status_code == 403
    await reader.get(where)
    assert (await reader.post(where, {"act": "publish"})).status_code == 200

    page = await anybody.get("/help/printer")
    assert "<script>alert" not in page.text
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert '<meta name="description" content="Clear it.' in page.text
    assert f'<link rel="canonical" href="{people.world.origin}/help/printer">' in page.text
    assert "Очистите" in (await anybody.get("/help/printer?lang=ru")).text
    assert "/help/printer" in (await anybody.get("/help?q=prnter")).text
    assert "Thank you" in (await anybody.post("/help/printer/helped", {"act": "yes"})).text
    assert "helped 1" in (await reader.get("/knowledge")).text
    begun = (await writer.get("/knowledge?code=disk-space-low")).text
    assert 'value="disk-space-low"' in begun or "\ndisk-space-low</textarea>" in begun
    assert "user-cache-fills-disk" in begun
    assert "<b>" not in (await writer.get("/knowledge?code=%3Cb%3E")).text
    await reader.post(where, {"act": "withdraw"})
    assert (await anybody.get("/help/printer")).status_code == 404


def test_publishing_and_withdrawing_have_audit_words() -> None:
    assert {AuditWord.ARTICLE_PUBLISHED, AuditWord.ARTICLE_WITHDRAWN} <= set(AuditWord)
