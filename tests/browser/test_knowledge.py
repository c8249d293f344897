"""An article of somebody hostile in a real browser, read without a sign-in: nothing of it runs, nothing is fetched."""

import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Page, expect

from server.knowledge.rules import Text
from tests.server.console.lived import lived_server
from tests.server.knowledge.test_knowledge import HOSTILE

KIND = "# Clear the queue\n\n1. Open *Printers*.\n2. Press **Clear**.\n\n"
TABLE = "| Error | Means |\n|---|---|\n| `0x80070643` | stuck |\n\n"


def test_a_hostile_article_is_text_to_a_browser(
    page: Page, tmp_path: Path, reaching_past: Callable[[Page], list[str]]
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    with lived_server(tmp_path, filled=False) as desk:
        store = desk.world.office.knowledge
        body = KIND + TABLE + "\n\n".join(HOSTILE)
        article = desk.call(store.write("printer", "", Text("The printer does not print", body), by="ann"))
        desk.call(store.offer(article))
        desk.call(store.publish(article, by="ben"))

        page.goto(f"{desk.origin}/help?q=prnter")
        page.get_by_role("link", name="The printer does not print").click()
        expect(page.get_by_role("heading", name="Clear the queue")).to_be_visible()
        assert (
            page.evaluate(
                "document.querySelectorAll('article script, article img, article iframe, article style').length"
            )
            == 0
        )
        hrefs = page.evaluate("[...document.querySelectorAll('article a[href]')].map((a) => a.protocol)")
        assert set(hrefs) <= {"http:", "https:"}
        for width in (1280, 400):
            page.set_viewport_size({"width": width, "height": 900})
            assert reaching_past(page) == []
            if folder := os.environ.get("BELLPULL_LOOK"):
                page.screenshot(path=f"{folder}/article{width}.png")
        page.get_by_role("button", name="Yes").click()
        expect(page.get_by_text("Thank you.")).to_be_visible()
        assert {urlsplit(url).netloc for url in asked} == {urlsplit(desk.origin).netloc}
