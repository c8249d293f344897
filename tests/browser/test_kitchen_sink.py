"""Every component in a real Chromium: narrow and wide, dark and light, with scripts and without, hostile and not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from tests.browser.accessibility import faults
from tests.web.kitchen_sink import TEMPLATES, make_app
from tests.web.naughty import naughty_strings
from web.pages import Pages, page_environment, static_mount
from web.plain_text import plain
from web.security import SecurityHeaders

Serve = Callable[..., str]


@pytest.mark.parametrize(
    ("width", "scheme", "layout"),
    [(400, "light", "side"), (400, "dark", "column"), (1600, "dark", "side"), (1600, "light", "column")],
)
def test_nothing_reaches_past_the_window(
    page: Page, serve: Serve, reaching_past: Any, width: int, scheme: Any, layout: str
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    page.goto(serve(make_app(layout=layout)))
    page.wait_for_selector(".u-wrap canvas")
    assert reaching_past(page) == []


def test_colours_follow_the_system_and_then_the_reader(page: Page, serve: Serve) -> None:
    origin = serve(make_app())
    ground = "getComputedStyle(document.body).backgroundColor"
    page.emulate_media(color_scheme="dark")
    page.goto(origin)
    dark = page.evaluate(ground)
    page.get_by_role("button", name="Colours").click()
    light = page.evaluate(ground)
    assert light != dark
    page.reload()
    assert page.evaluate(ground) == light
    page.get_by_role("button", name="Colours: light").click()
    page.get_by_role("button", name="Colours: dark").click()
    page.get_by_role("button", name="Colours: as the system").wait_for()
    assert page.evaluate("localStorage.length") == 0


def test_times_are_in_the_readers_zone_with_utc_on_hover(browser: Browser, serve: Serve) -> None:
    context = browser.new_context(timezone_id="Asia/Tokyo", locale="en-GB")
    page = context.new_page()
    page.goto(serve(make_app()))
    shown = page.locator("time.when[data-style=time]").first
    assert shown.text_content() == "14 Mar 2026, 18:26"
    assert shown.get_attribute("title") == "2026-03-14 09:26:53 UTC"
    context.close()


def test_without_scripts_everything_can_still_be_read(browser: Browser, serve: Serve) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 400, "height": 900})
    page = context.new_page()
    page.goto(serve(make_app()))
    assert page.locator("time.when").first.text_content() == "14 Mar 2026, 09:26 UTC"
    assert page.locator(".plot-still path").first.is_visible()
    assert page.get_by_role("button", name="Stop").is_visible()
    assert page.locator("[data-copy], [data-theme-switch]").first.is_hidden()
    context.close()


def test_htmx_swaps_a_part_and_what_it_brings_comes_alive(page: Page, serve: Serve) -> None:
    page.goto(serve(make_app()))
    page.wait_for_selector("#swap .u-wrap canvas")
    page.evaluate("document.querySelector('#swap').replaceChildren()")
    page.get_by_role("button", name="Preview").click()
    page.wait_for_selector("#swap .u-wrap canvas")
    assert "UTC" not in (page.locator("#swap time.when").text_content() or "UTC")


def test_a_form_posts_through_htmx(page: Page, serve: Serve) -> None:
    page.goto(serve(make_app()))
    page.evaluate("document.querySelector('#swap').replaceChildren()")
    with page.expect_request("**/part") as posted:
        page.get_by_role("button", name="Send").click()
    assert posted.value.method == "POST"
    assert "words=Mar+14" in (posted.value.post_data or "")
    page.wait_for_selector("#swap .banner")


def test_everybody_can_use_every_component(page: Page, serve: Serve) -> None:
    page.goto(serve(make_app()))
    page.wait_for_selector(".u-wrap canvas")
    assert faults(page) == []


def test_what_somebody_could_not_use_is_found(page: Page) -> None:
    page.set_content("<html lang=en><title>t</title><main><img src=data:,><p style='color:#999;background:#fff'>pale")
    found = {one.split(", ")[1].split(":")[0] for one in faults(page)}
    assert found == {"image-alt", "color-contrast"}


def test_the_keyboard_finds_the_content_first_and_focus_can_be_seen(page: Page, serve: Serve) -> None:
    page.goto(serve(make_app()))
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    page.keyboard.press("Tab")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
    assert outline == "3px"


def test_a_plot_whose_figures_cannot_be_had_says_so(page: Page, serve: Serve, complaints: Any) -> None:
    complaints.allow("status of 404")
    page.route("**/figures.json", lambda route: route.fulfill(status=404))
    page.goto(serve(make_app()))
    page.get_by_text("This plot could not be drawn: /figures.json answered 404").wait_for()


def test_every_naughty_string_is_shown_and_none_runs(page: Page, serve: Serve) -> None:
    """All of them on one page, through the components that remote text goes through."""
    pages = Pages(page_environment([TEMPLATES], face="Test"))
    texts = naughty_strings()

    async def hostile(request: Request) -> Response:
        return pages.page(request, "hostile.html", texts=texts)

    page.goto(serve(SecurityHeaders(Starlette(routes=[Route("/", hostile), static_mount()]))))
    page.wait_for_selector(".u-wrap canvas")
    shown = page.locator("pre.code code").all_text_contents()
    assert shown == [plain(text) for text in texts]
    names = page.locator("input[name=name]").evaluate_all("(all) => all.map((e) => e.value)")
    # What a one-line field cannot hold is taken out by the browser, not by us.
    assert names == [plain(text).replace("\n", "") for text in texts]
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert page.title() == "Hostile · Bellpull"


def test_an_injected_script_would_not_run_either(page: Page, serve: Serve, complaints: Any) -> None:
    """If escaping ever failed, the policy still stops inline scripts, handlers, styles and strings as HTML."""
    complaints.allow("policy|Content Security Policy|TrustedHTML|status of 404")

    async def holes(request: Request) -> Response:
        body = "<script>window.ran=1</script><img src=x onerror='window.ran=2'><p style='color:red'>x</p>"
        scripts = "<script src='/static/vendor/htmx.min.js'></script><script src='/static/bellpull.js'></script>"
        return HTMLResponse(f"<!doctype html>{scripts}{body}<a href='javascript:window.ran=3'>link</a>")

    page.goto(serve(SecurityHeaders(Starlette(routes=[Route("/", holes), static_mount()]))))
    page.get_by_text("link").click()
    assert page.evaluate("window.ran") is None
    refused = "() => { try { document.body.innerHTML = '<b>x</b>'; return 'taken'; } catch (e) { return e.name; } }"
    assert page.evaluate(refused) == "TypeError"
    again = "() => { try { trustedTypes.createPolicy('other', {}); return 'made'; } catch (e) { return e.name; } }"
    assert page.evaluate(again) == "TypeError"
    assert any("script-src" in one for one in complaints.said)
    assert any("style-src" in one for one in complaints.said)


def test_a_page_that_may_run_no_script_needs_none(page: Page, serve: Serve, reaching_past: Any) -> None:
    pages = Pages(page_environment([TEMPLATES], face="Approval", layout="column"))

    async def ask(request: Request) -> Response:
        return pages.page(request, "ask.html", reason="<script>alert(1)</script>")

    app = Starlette(routes=[Route("/", ask), static_mount()])
    page.set_viewport_size({"width": 400, "height": 900})
    page.goto(serve(SecurityHeaders(app, scripts=False)))
    page.get_by_text("<script>alert(1)</script>").wait_for()
    assert page.locator("script").count() == 0
    assert page.get_by_role("button", name="Refuse").is_visible()
    assert reaching_past(page) == []


def test_a_terminal_runs_under_the_same_policy(page: Page, serve: Serve, complaints: Any) -> None:
    complaints.allow("favicon")

    async def terminal(request: Request) -> Response:
        scripts = "".join(f"<script src='/static/{name}'></script>" for name in ("vendor/xterm.js", "terminal.js"))
        sheet = "<link rel='stylesheet' href='/static/vendor/xterm.css'>"
        return HTMLResponse(f"<!doctype html><title>t</title>{sheet}{scripts}<div id=here></div>")

    page.goto(serve(SecurityHeaders(Starlette(routes=[Route("/", terminal), static_mount()]))))
    page.evaluate("""() => new Promise((done) => {
      window.terminal = bellpullTerminal(document.getElementById('here'), { rows: 6, cols: 40 });
      terminal.write('\\x1b[31mhello\\x1b[0m <b>world</b>', done);
    })""")
    page.get_by_text("hello").first.wait_for()
    red = "getComputedStyle(document.querySelector('.xterm-fg-1')).color"
    page.wait_for_selector(".xterm-fg-1")
    assert page.evaluate(red) != page.evaluate("getComputedStyle(document.body).color")
    page.evaluate("terminal.dispose()")
    assert page.evaluate("document.adoptedStyleSheets.length") == 0
