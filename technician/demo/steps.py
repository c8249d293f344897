"""The steps of the main job in their order, and how each is told: a line for people, or a JSON object for programs.

    {"step":"server-started","ok":true,"seconds":1.2,"address":"http://127.0.0.1:8443"}
    …
    {"step":"done","ok":true,"seconds":31.0}

A step that fails: `"ok":false,"error":…,"hint":…`, then the last line says the same, and the exit code is 1.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any

from protocol.errors import ProtocolError
from technician.commands.output import Output
from technician.problems import Problem


class Step(StrEnum):
    SERVER_STARTED = "server-started"
    ORGANISATION_CREATED = "organisation-created"
    DEVICE_ENROLLED = "device-enrolled"
    HEALTH_CHECKED = "health-checked"
    TICKET_OPENED = "ticket-opened"
    BUNDLE_ATTACHED = "bundle-attached"
    SESSION_REQUESTED = "session-requested"
    CONSENT_GRANTED = "consent-granted"
    DIAGNOSTIC_RUN = "diagnostic-run"
    OUT_OF_SCOPE_REFUSED = "out-of-scope-refused"
    SESSION_STOPPED = "session-stopped"
    RECEIPT_VERIFIED = "receipt-verified"
    AUDIT_VERIFIED = "audit-verified"
    RELAY_SAW_ONLY_CIPHERTEXT = "relay-saw-only-ciphertext"


DONE = "done"


class Telling:
    """Tells steps as they end. `facts` of a step are filled in while it runs."""

    def __init__(self, out: Output) -> None:
        self._out = out
        self._began = time.monotonic()

    @contextmanager
    def step(self, step: Step) -> Iterator[dict[str, Any]]:
        """`with telling.step(Step.X) as facts:`. A problem inside is told as this step's failure and goes on up."""
        began = time.monotonic()
        facts: dict[str, Any] = {}
        try:
            yield facts
        except (Problem, ProtocolError) as error:
            self._tell(step, False, began, error=_sentence(error), hint=error.hint)
            raise
        self._tell(step, True, began, **facts)

    def done(self, error: Problem | ProtocolError | None = None) -> None:
        """The last line."""
        if error is None:
            self._tell(DONE, True, self._began)
        else:
            self._tell(DONE, False, self._began, error=_sentence(error), hint=error.hint)

    def _tell(self, step: str, ok: bool, began: float, **facts: Any) -> None:
        seconds = round(time.monotonic() - began, 2)
        say = facts.pop("say", "")  # for people alone
        if self._out.as_json:
            self._out.json({"step": str(step), "ok": ok, "seconds": seconds, **facts})
            return
        mark, style = ("✓", "green") if ok else ("✗", "bold red")
        shown = facts.get("error") or say
        self._out.say(f"{mark} {str(step).ljust(26)} {seconds:5.1f} s  {shown}", style)
        if not ok and facts.get("hint"):
            self._out.say(f"    → {facts['hint']}")


def _sentence(error: Problem | ProtocolError) -> str:
    parts = [f"{label} {value}" for label, value in (("expected", error.expected), ("got", error.got)) if value]
    return error.what + (f" ({', '.join(parts)})" if parts else "")
