"""After a yes in the window: a small banner that stays in sight as long as the visit does, with Stop on it.

Who is here, how long still, what they ask, what they do right now, the last things they did. It asks the service every
second and knows nothing of its own; it is a view, not the visit: closing it ends nothing and puts it out of sight, the
visit is on the customer's page as before. When the visit is over it says so, and goes.
"""

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from agent.children import child_argv, child_environment
from agent.consent.telling import OUTCOMES, capitalised
from agent.local.client import call
from agent.refusal import Refusal

_LOOK_MS: Final = 1000
#: From the yes until the server's log has it and the grant is out; then somebody is here, or nobody will be.
_ARRIVING_LOOKS: Final = 20
#: How long the last word stays on the screen.
_OVER_MS: Final = 8000
_SHOWN_ACTS: Final = 5
_WRAP_PX: Final = 420
_READ_IT: Final = "Open your page to read it; without an answer it is no."
_HERE: Final = ("active", "paused", "stopping")


def headline(live: dict[str, Any]) -> str:
    """Who is here, and how long still."""
    who = live["technician"]
    match live["state"]:
        case "paused":
            return f"{who} lost the connection and may come back for a few minutes."
        case "stopping":
            return f"{who} is leaving."
        case _:
            left = live["seconds_left"]
            time = f"{left // 60} min" if left >= 120 else f"{left} s"
            return f"{who} is connected, {time} left."


def acts(live: dict[str, Any], questions: Sequence[dict[str, Any]] = ()) -> str:
    """What they ask, what happens now, and the newest of what was done, one a line."""
    asked = [f"They ask you: {each['title']}. {_READ_IT}" for each in questions]
    now = [f"Now: they {doing}" for doing in live["doing"]] or ["Now: nothing."]
    done = [
        f"{capitalised(step['sentence'])} — {OUTCOMES.get(step['outcome'], step['outcome'])}"
        for step in live["done"]
        if step["outcome"] != "running"
    ]
    return "\n".join([*asked, *now, *reversed(done[-_SHOWN_ACTS:])])


class Banner:
    """Raises tkinter.TclError where there is no display."""

    def __init__(self, state: Path) -> None:
        import tkinter
        from tkinter import ttk

        self._state = state
        self._looks = 0
        self.over = False
        self.root: Any = tkinter.Tk(className="Bellpull")
        self.root.title("Bellpull: a visit")
        self.root.protocol("WM_DELETE_WINDOW", self.root.iconify)
        self.root.attributes("-topmost", True)
        frame = ttk.Frame(self.root, padding=12)
        frame.pack(fill="both", expand=True)
        self.who = ttk.Label(frame, text="Letting them in …", wraplength=_WRAP_PX, font=("TkDefaultFont", 12, "bold"))
        self.who.pack(anchor="w")
        self.doing = ttk.Label(frame, text="", wraplength=_WRAP_PX, justify="left")
        self.doing.pack(anchor="w", pady=(6, 8))
        buttons = ttk.Frame(frame)
        buttons.pack(fill="x")
        self.stop_button = ttk.Button(buttons, text="Stop the visit now", command=self.stop)
        self.stop_button.pack(side="left")
        self.page_button = ttk.Button(buttons, text="Open my page", command=self.open_page)
        self.page_button.pack(side="right")
        self.root.update_idletasks()
        self.root.geometry(f"+{max(0, self.root.winfo_screenwidth() - _WRAP_PX - 60)}+20")
        self.root.after(0, self.look)

    def run(self) -> None:
        self.root.mainloop()

    def look(self) -> None:
        """Ask the service who is here, and show it."""
        if self.over:
            return
        live = self._live()
        self._looks += 1
        if live is not None:
            self._looks = _ARRIVING_LOOKS
            self.who.configure(text=headline(live))
            questions = self._questions()
            self.doing.configure(text=acts(live, questions))
            if questions and self.root.state() == "iconic":
                self.root.deiconify()
        elif self._looks >= _ARRIVING_LOOKS:
            self._end()
            return
        self.root.after(_LOOK_MS, self.look)

    def stop(self) -> None:
        """One press. When it returns, nothing of the visit runs any more."""
        self._try(lambda: call(self._state, "session-stop"))

    def open_page(self) -> None:
        """Allow less, write, report: all of it is there."""
        subprocess.Popen(
            child_argv("agent.page.serve", "--state", str(self._state), "--until-closed", "--json"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=child_environment(),
        )

    def _live(self) -> dict[str, Any] | None:
        try:
            sessions: list[dict[str, Any]] = call(self._state, "session-list")["sessions"]
        except Refusal:
            return None  # the service is gone, and every visit with it
        return next((each for each in sessions if each["state"] in _HERE), None)

    def _questions(self) -> list[dict[str, Any]]:
        """Second questions of the visit: a fix that changes something, a bundle."""
        try:
            asked: list[dict[str, Any]] = call(self._state, "question-list")["questions"]
        except Refusal:
            return []
        return asked

    def _try(self, act: Callable[[], object]) -> None:
        try:
            act()
        except Refusal as error:
            self.doing.configure(text=f"That did not work: {error.what}. At a terminal: bellpull-agent stop")
            return
        self.look_now()

    def look_now(self) -> None:
        """After a press: show at once what has become of it."""
        live = self._live()
        if live is None:
            self._end()
        else:
            self.who.configure(text=headline(live))

    def _end(self) -> None:
        if self.over:
            return
        self.over = True
        self.who.configure(text="The visit is over. Nothing of it runs any more.")
        self.doing.configure(text="What was done is in the receipt, on your page.")
        self.stop_button.state(["disabled"])
        self.root.after(_OVER_MS, self.root.destroy)
