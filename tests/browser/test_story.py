"""The demo as a person plays it, in a real browser: nothing to stumble over, and the same words at both ends.

In a soak, and whenever the README's pictures are made; test_workbench.py goes the technician's way through it always.
"""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.story import play, running_demo


@pytest.mark.browser
@pytest.mark.soak
@pytest.mark.timeout(400)
def test_a_visit_from_the_request_to_the_receipt(browser: Browser, tmp_path: Path) -> None:
    seen: list[str] = []
    with running_demo(tmp_path / "demo") as faces:
        play(browser, faces, lambda name, _page: seen.append(name))
    assert seen[-1] == "console-audit"
