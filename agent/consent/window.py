"""The question in a window of this computer's own, outside any browser: a process by itself that shows one question.

    service ── starts ─► python -m agent.consent.window --state DIR --id 3 ── consent-show / consent-decide ─► service

What counts as what: `No` has the focus and is what Enter and Escape press; closing the window is no; when the
question's time is over, or it was answered elsewhere, the window closes by itself and nothing was said. What changes
the computer is ticked by hand or not at all; full control cannot be allowed before the warning had its time. The
window holds no key and decides nothing: the service does, and refuses a yes to any other text than the one it wrote.
After a yes a banner stays in sight for as long as the visit lasts (banner.py).

Here tkinter draws it, where Python has it and there is a display. Exit codes tell the service what became of it:
0 answered or over, 3 no window could be opened (another surface is used then, and the reason is on stderr).
On Windows and macOS without tkinter: native_box.py.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agent.consent.asked import AskedQuestion, answer_no, answer_yes, still_open
from agent.consent.banner import Banner
from agent.consent.prompt_text import NEVER_ASK, scope_line
from agent.local.client import call
from agent.refusal import Refusal
from protocol.actions.scopes import Scope
from protocol.grants import ConsentMethod
from protocol.limits import RISK3_WAIT_S

EXIT_NO_WINDOW: Final = 3
_LOOK_MS: Final = 1000
_WRAP_PX: Final = 620


@dataclass
class WindowParts:
    """The widgets that mean something, for whoever drives the window: a person, or a test under Xvfb."""

    root: Any
    text: Any
    no: Any
    yes: Any
    ticks: dict[str, Any]
    minutes: Any
    told: Any


def build(
    question: AskedQuestion, say_no: Callable[[], None], say_yes: Callable[[list[str], int], None]
) -> WindowParts:
    """Draw the question. Raises tkinter.TclError where there is no display, ImportError where there is no tkinter."""
    import tkinter
    from tkinter import ttk

    root = tkinter.Tk(className="Bellpull")
    root.title(question.headline)
    root.protocol("WM_DELETE_WINDOW", say_no)
    frame = ttk.Frame(root, padding=20)
    frame.pack(fill="both", expand=True)
    # From below: whatever the screen's height, both answers are on it, and the text scrolls.
    buttons = ttk.Frame(frame)
    buttons.pack(side="bottom", fill="x")
    # What must be read also by whoever does not scroll.
    never = f"Warning: they could then do everything here that you can. {NEVER_ASK} " if question.risk >= 3 else ""
    told = ttk.Label(frame, text=f"{never}No answer means no.", wraplength=_WRAP_PX)
    told.pack(side="bottom", anchor="w", pady=(10, 10))
    phrase = ttk.Label(frame, text=f"Words that both of you see: {' '.join(question.phrase)}", wraplength=_WRAP_PX)
    phrase.pack(side="bottom", anchor="w", pady=(10, 0))
    choosing = ttk.Frame(frame)
    choosing.pack(side="bottom", fill="x", pady=(10, 0))
    text = _text(frame, question, height_max_px=root.winfo_screenheight() - 360 - 24 * len(question.options))

    ttk.Label(choosing, text="If yes: what may they do?").pack(anchor="w")
    ticks: dict[str, Any] = {}
    for option in question.options:
        ticks[option.scope] = tkinter.BooleanVar(root, value=option.ticked)
        words = scope_line(Scope(option.scope))
        ttk.Checkbutton(choosing, text=words, variable=ticks[option.scope]).pack(anchor="w", padx=(12, 0))
    row = ttk.Frame(choosing)
    row.pack(anchor="w", pady=(10, 0))
    ttk.Label(row, text="For how long?").pack(side="left")
    minutes = tkinter.StringVar(root, value=str(question.minutes))
    choices = [str(choice) for choice in question.minute_choices]
    ttk.Combobox(row, textvariable=minutes, values=choices, state="readonly", width=5).pack(side="left", padx=6)
    ttk.Label(row, text="minutes").pack(side="left")

    no = ttk.Button(buttons, text="No, keep the door shut", command=say_no, default="active")
    no.pack(side="left")
    yes = ttk.Button(
        buttons,
        text=f"Yes, let {question.technician} in",
        command=lambda: say_yes([scope for scope, tick in ticks.items() if tick.get()], int(minutes.get())),
    )
    yes.pack(side="right")
    root.bind("<Return>", lambda _: say_no() if root.focus_get() is not yes else None)
    root.bind("<Escape>", lambda _: say_no())
    root.attributes("-topmost", True)
    no.focus_force()
    return WindowParts(root, text, no, yes, ticks, minutes, told)


def _text(frame: Any, question: AskedQuestion, *, height_max_px: int) -> Any:
    """The exact text, to be read and scrolled, not changed. Nothing it shows is ever a command, an image or a link."""
    import tkinter
    from tkinter import font, ttk

    around = ttk.Frame(frame)
    around.pack(side="top", fill="both", expand=True)
    plain = font.nametofont("TkDefaultFont")
    height = max(6, min(height_max_px // plain.metrics("linespace"), question.text.count("\n") + 4))
    colour = ttk.Style(frame).lookup("TFrame", "background") or "SystemButtonFace"
    text = tkinter.Text(around, width=78, height=height, wrap="word", relief="flat", background=colour, padx=4)
    text.configure(font=plain, takefocus=False)
    text.insert("1.0", question.text)
    text.tag_add("headline", "1.0", "1.end")
    text.tag_configure("headline", font=(plain.actual("family"), 15, "bold"))
    text.configure(state="disabled")
    bar = ttk.Scrollbar(around, command=text.yview)
    text.configure(yscrollcommand=bar.set)
    bar.pack(side="right", fill="y")
    text.pack(side="left", fill="both", expand=True)
    return text


class Window:
    """One question, from the moment it is shown until it is answered or over."""

    def __init__(self, state: Path, question: AskedQuestion) -> None:
        self._state = state
        self._question = question
        self.answered = False
        self.said_yes = False
        self.parts = build(question, self.say_no, self.say_yes)
        if question.risk >= 3:
            # Time to read the warning. The service counts by its own clock, and refuses what comes too soon.
            self.parts.yes.state(["disabled"])
            self.parts.root.after(RISK3_WAIT_S * 1000 + 300, lambda: self.parts.yes.state(["!disabled"]))
        self.parts.root.after(_LOOK_MS, self._look)

    def run(self) -> None:
        self.parts.root.mainloop()

    def say_no(self) -> None:
        self._say(lambda: answer_no(self._state, self._question))

    def say_yes(self, scopes: list[str], minutes: int) -> None:
        if not scopes:
            self.say_no()  # every tick taken away is a no, however the button was called
            return
        self._say(lambda: answer_yes(self._state, self._question, scopes, minutes, ConsentMethod.WINDOW), yes=True)

    def _say(self, answer: Callable[[], None], *, yes: bool = False) -> None:
        try:
            answer()
        except Refusal as error:
            if still_open(self._state, self._question):
                self.parts.told.configure(text=f"That did not count: {error.what}. {error.hint}")
                return
            yes = False
        self.said_yes = yes
        self.answered = True
        self.parts.root.destroy()

    def _look(self) -> None:
        if not still_open(self._state, self._question):
            self.parts.root.destroy()
            return
        self.parts.root.after(_LOOK_MS, self._look)


def main() -> int:
    parser = argparse.ArgumentParser(prog="agent.consent.window", allow_abbrev=False)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--id", required=True)
    arguments = parser.parse_args()
    try:
        question = AskedQuestion.of(call(arguments.state, "consent-show", id=arguments.id))
    except Refusal:
        return 0  # answered or over before the window was there
    return show(arguments.state, question)


def show(state: Path, question: AskedQuestion) -> int:
    """The exit code. Whatever keeps a window from opening is said on stderr, for the service's log."""
    try:
        import tkinter
    except ImportError as error:
        from agent.consent.native_box import ask_in_box

        return ask_in_box(state, question, why_not=f"this Python has no tkinter ({error})")
    try:
        window = Window(state, question)
    except tkinter.TclError as error:
        print(f"no window: {error}", file=sys.stderr)
        return EXIT_NO_WINDOW
    window.run()
    if window.said_yes:
        Banner(state).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
