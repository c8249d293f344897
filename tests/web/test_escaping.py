"""Hostile text through every component: the page keeps its shape, and the words arrive as words."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import UndefinedError
from starlette.requests import Request

from tests.web.kitchen_sink import NOW, TEMPLATES, metrics, samples
from tests.web.naughty import naughty_strings
from web.pages import Pages, local_href, page_environment
from web.plain_text import plain

PAGES = Pages(page_environment([TEMPLATES], face="Test", now=lambda: NOW))
# Payloads of our own beside the list: attribute breakers, template syntax, script data, odd line ends.
OWN = [
    '"><script>alert(1)</script>',
    "' onmouseover=alert(1) x='",
    "</textarea></title></script></style><img src=x onerror=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "</script><script>alert(1)</script>",
    "javascript:alert(1)",
    "<!--",
    "]]>",
    "a\u2028b\u2029c",
    "\x00<b>\x00",
    "\ud800",
    "x" * 100_000,
]


class Shape(HTMLParser):
    """Tags with the names of their attributes, in order; text apart."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.hrefs: list[str] = []
        self.text: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.hrefs += [value or "" for name, value in attrs if name in ("href", "action", "hx-get", "hx-post")]

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(("/" + tag, ()))

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def handle_comment(self, data: str) -> None:
        self.tags.append(("!", ()))


def render(text: str | None = None) -> str:
    texts = samples() if text is None else dict.fromkeys(samples(), text)
    data = metrics(24, memory_label=texts["word"])
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}
    answer = PAGES.page(Request(scope), "kitchen_sink.html", t=texts, at=NOW, data=data, here="")
    return bytes(answer.body).decode("utf-8")


def shape(text: str) -> Shape:
    """The page with `text` everywhere. Without the fingerprint: it has a tag for every four characters."""
    return Shape(re.sub(r'<span class="fingerprint">.*?</span></span>', "", render(text), flags=re.DOTALL))


@pytest.fixture(scope="module")
def hostile() -> dict[str, Shape]:
    """Every naughty string, and the page that holds it everywhere."""
    return {text: shape(text) for text in [*naughty_strings(), *OWN] if text}


def test_the_page_uses_every_component() -> None:
    source = (TEMPLATES / "kitchen_sink.html").read_text(encoding="utf-8")
    base = Path(PAGES.environment.get_template("base.html").filename or "").read_text(encoding="utf-8")
    components = set(vars(PAGES.environment.globals["ui"]))
    assert len(components) > 40
    assert components - set(re.findall(r"\bui\.(\w+)\(", source + base)) == set()


def test_every_naughty_string_leaves_the_shape_of_the_page_alone(hostile: dict[str, Shape]) -> None:
    expected = shape("harmless").tags
    assert len(expected) > 500
    assert [text[:80] for text, page in hostile.items() if page.tags != expected] == []


def test_every_naughty_string_arrives_as_the_words_it_is(hostile: dict[str, Shape]) -> None:
    assert [text[:80] for text, page in hostile.items() if plain(text) not in "".join(page.text)] == []


def test_no_naughty_string_becomes_an_address_elsewhere(hostile: dict[str, Shape]) -> None:
    allowed = re.compile(r"(/(?![/\\])|#|\?)")
    assert {href[:80] for page in hostile.values() for href in page.hrefs if not allowed.match(href)} == set()


def test_an_empty_text_breaks_nothing() -> None:
    assert "</html>" in render("")


def test_a_name_that_was_not_passed_is_an_error() -> None:
    template = PAGES.environment.from_string("{{ device.label }}")
    with pytest.raises(UndefinedError):
        template.render()


def test_nothing_is_shown_as_a_dash_not_as_none() -> None:
    assert PAGES.environment.from_string("{{ x }}").render(x=None) == "–"


def test_no_template_marks_data_as_safe_or_writes_styles_and_handlers() -> None:
    forbidden = re.compile(r"\|\s*safe\b|autoescape|\sstyle=|\son\w+=|hx-on|javascript:|<script(?![^>]*(src=|json))")
    folder = Path(__file__).resolve().parents[2] / "web" / "templates"
    found = {
        f"{path.name}: {line.strip()}"
        for path in folder.rglob("*.html")
        for line in path.read_text(encoding="utf-8").splitlines()
        if forbidden.search(line)
    }
    assert found == set()


@pytest.mark.parametrize(
    "target",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " javascript:alert(1)",
        "java\tscript:alert(1)",
        "data:text/html,x",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example",
        "/\t/evil.example",
        "/a\nb",
        "relative",
        "",
    ],
)
def test_links_built_from_data_stay_here(target: str) -> None:
    assert local_href(target) == "#"


@pytest.mark.parametrize("target", ["/", "/tickets/1?x=1#y", "?tab=logs", "#content", "/a//b", "/тикет"])
def test_own_links_stay_as_they_are(target: str) -> None:
    assert local_href(target) == target
