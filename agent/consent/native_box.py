"""The question in the message box of the system itself: Windows and macOS without tkinter. Written, not proven.

A box has no ticks: Yes allows what only looks (risk 0 and 1), for what was asked; more than that needs the approval
page or a terminal. `No` is the default button on both systems, and closing the box is no. Nobody has seen these run on
the systems they are for.
"""

import subprocess
import sys
from pathlib import Path
from typing import Final

from agent.consent.asked import AskedQuestion, answer_no, answer_yes
from agent.refusal import Refusal
from protocol.grants import ConsentMethod
from protocol.limits import CONSENT_TIMEOUT_S

EXIT_NO_WINDOW: Final = 3
# winuser.h
_MB_YESNO: Final = 0x4
_MB_ICONQUESTION: Final = 0x20
_MB_DEFBUTTON2: Final = 0x100
_MB_SYSTEMMODAL: Final = 0x1000
_IDYES: Final = 6
# The text is an argument of its own, never part of the script: what a technician wrote is not AppleScript.
_APPLE_SCRIPT: Final = (
    "on run argv\n"
    'display dialog (item 1 of argv) with title (item 2 of argv) buttons {"No", "Yes"} default button "No" '
    f'cancel button "No" giving up after {CONSENT_TIMEOUT_S}\n'
    "end run"
)


def ask_in_box(state: Path, question: AskedQuestion, *, why_not: str) -> int:
    """0 when it was asked; EXIT_NO_WINDOW with the reason on stderr when this system has no such box."""
    looking = [option for option in question.options if option.ticked]
    if sys.platform not in ("win32", "darwin") or not looking:
        reason = why_not if looking else f"{why_not}; a message box cannot ask about changes"
        print(f"no window: {reason}", file=sys.stderr)
        return EXIT_NO_WINDOW
    said_yes = _box(question)
    try:
        if said_yes:
            scopes = [option.scope for option in looking]
            answer_yes(state, question, scopes, question.minutes, ConsentMethod.WINDOW)
        else:
            answer_no(state, question)
    except Refusal as error:
        print(f"the answer did not count: {error}", file=sys.stderr)
    return 0


def box_text(question: AskedQuestion) -> str:
    """The question's exact text, and what Yes means here."""
    looking = "\n".join(f"  - {option.sentence}" for option in question.options if option.ticked)
    return f"{question.text}\nYes, in this box, allows only:\n{looking}\n\nNo is what closing this box means."


def _box(question: AskedQuestion) -> bool:
    if sys.platform == "win32":
        import ctypes

        flags = _MB_YESNO | _MB_ICONQUESTION | _MB_DEFBUTTON2 | _MB_SYSTEMMODAL
        return bool(ctypes.windll.user32.MessageBoxW(None, box_text(question), question.headline, flags) == _IDYES)
    done = subprocess.run(
        ["/usr/bin/osascript", "-e", _APPLE_SCRIPT, box_text(question), question.headline],
        capture_output=True,
        timeout=CONSENT_TIMEOUT_S + 10,
        check=False,
    )
    return done.returncode == 0 and b"button returned:Yes" in done.stdout and b"gave up:true" not in done.stdout
