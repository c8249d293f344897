"""Drives the real window as a person would, in its own process: asks the service, draws, presses, prints what it saw.

    python window_driver.py STATE QUESTION ACT
    ACT: enter | close | yes-few | yes-none | wait | too-soon

Started under Xvfb by test_window.py. Prints one JSON object about the window as it stood before the press.
"""

import json
import sys
from pathlib import Path

from agent.consent.asked import AskedQuestion
from agent.consent.window import Window
from agent.local.client import call


def main(state: Path, question_id: str, act: str) -> None:
    question = AskedQuestion.of(call(state, "consent-show", id=question_id))
    window = Window(state, question)
    parts = window.parts
    parts.root.update()
    seen = {
        "title": parts.root.title(),
        "text": parts.text.get("1.0", "end-1c"),
        "no_is_on_the_screen": parts.no.winfo_rooty() + parts.no.winfo_height() <= parts.root.winfo_screenheight(),
        "ticks": {scope: bool(tick.get()) for scope, tick in parts.ticks.items()},
        "minutes": parts.minutes.get(),
        "focus_is_no": parts.root.focus_get() is parts.no,
        "yes_is_disabled": parts.yes.instate(["disabled"]),
    }

    def press() -> None:
        match act:
            case "enter":
                parts.no.event_generate("<Return>")
            case "close":
                parts.root.tk.call(*parts.root.tk.splitlist(parts.root.protocol("WM_DELETE_WINDOW")))
            case "yes-few":
                parts.ticks["processes"].set(False)
                parts.minutes.set("5")
                parts.yes.invoke()
            case "yes-none":
                for tick in parts.ticks.values():
                    tick.set(False)
                parts.yes.invoke()
            case "too-soon":
                parts.yes.state(["!disabled"])  # whoever bends the window: the service still counts the seconds
                for tick in parts.ticks.values():
                    tick.set(True)
                parts.yes.invoke()
                parts.root.update()
                seen["told"] = parts.told.cget("text")
                parts.no.invoke()
            case "wait":
                pass  # the question ends by itself, and the window with it

    parts.root.after(50, press)
    window.run()
    print(json.dumps({**seen, "answered": window.answered, "said_yes": window.said_yes}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
