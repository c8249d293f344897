"""The demo's visit: `bellpull connect --json` on one side, the scripted customer with `bellpull-agent` on the other."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import psutil

from technician.demo.folder import DemoFolder
from technician.demo.programs import Programs, Service, wait_until
from technician.problems import Problem

#: No event for this long means that something hangs; the customer's own two minutes are not waited for here.
_EVENT_WAIT_S: Final = 30.0
#: PROTOCOL: nothing of a visit runs a second after Stop, its children are gone after three.
STOP_MAX_S: Final = 3.0


@dataclass
class DemoVisit:
    """One `bellpull connect`. Events are read one by one from its stdout."""

    connect: Service
    events: list[dict[str, Any]] = field(default_factory=list)

    def next_event(self) -> dict[str, Any]:
        line = self.connect.read_line()
        if not line:
            raise Problem("bellpull connect has ended", got=self.connect.tail() or "nothing more", hint="See its log.")
        event: dict[str, Any] = json.loads(line)
        self.events.append(event)
        if event["event"] == "error":
            raise Problem(event["what"], event["expected"], event["got"], event["hint"])
        return event

    def until(self, *names: str) -> dict[str, Any]:
        """Events up to and with the first of these names."""
        began = time.monotonic()
        while time.monotonic() - began < _EVENT_WAIT_S:
            event = self.next_event()
            if event["event"] in names:
                return event
        raise Problem(f"the visit did not come to {' or '.join(names)}", expected=f"within {_EVENT_WAIT_S:.0f} s")

    def act(self, command: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Type a command; its rows and its result."""
        self.connect.say(command)
        rows: list[dict[str, Any]] = []
        while True:
            event = self.until("row", "result")
            if event["event"] == "result":
                return rows, event
            rows.append(event)


def consent(programs: Programs, folder: DemoFolder) -> dict[str, Any]:
    """The customer looks who asks, and says yes: the question as it stood."""

    def asked() -> dict[str, Any] | None:
        pending = programs.run("bellpull-agent", "consent", "list", "--json", "--state", folder.agent)["pending"]
        return pending[0] if pending else None

    question: dict[str, Any] = wait_until("the customer's question", asked, within_s=20)
    answer = programs.run("bellpull-agent", "consent", "approve", question["id"], "--json", "--state", folder.agent)
    if not answer.get("approved"):
        raise Problem("the consent was not taken", got=json.dumps(answer)[:200])
    return {**question, "granted": answer}


def session_processes(agent: Service) -> list[psutil.Process]:
    """What runs for the visit: every descendant of the agent's service."""
    try:
        return psutil.Process(agent.process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        raise Problem("the agent has ended", got=agent.tail()) from None


def stop_and_wait(
    programs: Programs, folder: DemoFolder, agent: Service, ended: Callable[[], dict[str, Any]]
) -> tuple[float, dict[str, Any]]:
    """The customer stops. Seconds from the command until nothing of the visit runs, and how the technician saw it."""
    running = session_processes(agent)
    began = time.monotonic()
    answer = programs.run("bellpull-agent", "stop", "--json", "--state", folder.agent)
    while any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in running):
        if time.monotonic() - began > STOP_MAX_S:
            raise Problem("something of the visit still runs after Stop", expected=f"nothing after {STOP_MAX_S:.0f} s")
        time.sleep(0.01)
    dead_s = round(time.monotonic() - began, 3)
    if not answer.get("stopped"):
        raise Problem("the agent says that there was nothing to stop", got=json.dumps(answer)[:200])
    return dead_s, ended()
