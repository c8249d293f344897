"""What axe-core says of a page: WCAG 2.0, 2.1 and 2.2 at A and AA.

    assert faults(page) == []

It runs in the page from outside, as the devtools do, so no page loads it and the policy stays as strict as it is.
What axe can only ask a person about ("incomplete") is not a fault here.
"""

from functools import lru_cache
from typing import Any, Final

from playwright.sync_api import Page

from web.build_vendor import FOR_TESTS

TAGS: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
SCHEMES: Final = ("light", "dark")
_RUN: Final = """(rules) => axe.run(document, {
  runOnly: rules, resultTypes: ['violations'], preload: false,
}).then((found) => found.violations.map((one) => ({
  id: one.id,
  nodes: one.nodes.map((node) => `${node.target.join(' ')}: ${node.failureSummary.split('\\n').slice(1).join(';')}`),
})))"""


@lru_cache(maxsize=1)
def _axe() -> str:
    """Raises FileNotFoundError where it was never fetched: `make vendor`."""
    return (FOR_TESTS / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def faults(page: Page) -> list[str]:
    """`scheme, rule: where: what to mend`, for the page as it stands, in light, and its colours in dark."""
    found: list[str] = []
    page.evaluate(_axe())
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        rules: dict[str, Any] = {"type": "tag", "values": TAGS}
        if scheme != SCHEMES[0]:
            rules = {"type": "rule", "values": ["color-contrast"]}
        for one in page.evaluate(_RUN, rules):
            found += [f"{scheme}, {one['id']}: {node}" for node in one["nodes"]]
    return found
