"""Markdown to HTML that can do no harm: no HTML of the author's, no pictures, links to the web and to this server only.

Two locks, each enough alone: the parser escapes whatever looks like HTML, and nh3 lets a short list of tags through.
Headings begin below the page's own.
"""

from functools import lru_cache
from typing import Final

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

_TAG_LINE: Final = "p br hr h2 h3 h4 ul ol li strong em code pre blockquote a table thead tbody tr th td"
_TAGS: Final = frozenset(_TAG_LINE.split())
_DEEPER: Final = {"h1": "h2", "h2": "h3", "h3": "h4", "h4": "h4", "h5": "h4", "h6": "h4"}


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False, "maxNesting": 20}).enable("table").disable("image")


def html_of(text: str) -> Markup:
    parser = _parser()
    tokens = parser.parse(text)
    for token in tokens:
        token.tag = _DEEPER.get(token.tag, token.tag)
    raw = parser.renderer.render(tokens, parser.options, {})
    clean = nh3.clean(
        raw,
        tags=set(_TAGS),
        attributes={"a": {"href"}, "*": set()},
        url_schemes={"https", "http", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    return Markup(clean)  # noqa: S704 - what nh3 let through
