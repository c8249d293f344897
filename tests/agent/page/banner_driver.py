"""Drives the real banner of a visit in its own process: looks, remembers what it shows, presses Stop, prints it all.

    python banner_driver.py STATE

Started under Xvfb by test_banner.py.
"""

import json
import sys
from pathlib import Path

from agent.consent.banner import Banner


def main(state: Path) -> None:
    banner = Banner(state)
    seen = {}

    def look() -> None:
        if "is connected" not in banner.who.cget("text"):
            banner.root.after(50, look)
            return
        seen["who"], seen["doing"] = banner.who.cget("text"), banner.doing.cget("text")
        banner.stop_button.invoke()
        stopped()

    def stopped() -> None:
        if not banner.over:
            banner.root.after(50, stopped)
            return
        seen["after"] = banner.who.cget("text")
        seen["stop_is_disabled"] = banner.stop_button.instate(["disabled"])
        banner.root.destroy()

    banner.root.after(50, look)
    banner.run()
    print(json.dumps(seen))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
