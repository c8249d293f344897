"""The pictures in the README, made by playing the demo's story: `make screenshots`."""

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.browser.story import play, running_demo

WANTED = {"customer-page", "workbench", "console-ticket"}


def main(folder: Path, names: set[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium") or sys.exit("chromium is needed: apt-get install chromium")

    def look(name: str, page: Page) -> None:
        if name in names or not names:
            page.wait_for_timeout(300)  # times and plots are drawn by scripts
            page.screenshot(path=folder / f"{name}.png")

    with tempfile.TemporaryDirectory() as state, sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        with running_demo(Path(state) / "demo") as faces:
            play(browser, faces, look)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/screenshots"), set() if "--all" in sys.argv else WANTED)
