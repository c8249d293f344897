"""What a person sees when everything runs: what to open, what to try, how it ends."""

import json
import time

from technician.commands.output import Output
from technician.demo.programs import Service, wait_until
from technician.demo.stage import CUSTOMER, TECHNICIAN, Stage
from technician.problems import Problem


def open_faces(stage: Stage) -> dict[str, str]:
    """Start the workbench and the customer's page; a fresh one-use link for the console."""
    link = stage.programs.run(
        "bellpull-server", "user", "link", "admin", "--data", stage.folder.server, "--origin", stage.origin, "--json"
    )["link"]
    workbench = stage.programs.start(
        "bellpull", "workbench", "--home", stage.folder.technician, *stage.secret, "--no-browser", "--json", speaks=True
    )
    page = stage.programs.start(
        "bellpull-agent", "page", "--state", stage.folder.agent, "--no-browser", "--json", speaks=True, label="page"
    )
    return {
        "Console (the desk)": str(link),
        f"Workbench ({TECHNICIAN})": _address(workbench),
        f"Customer's page ({CUSTOMER})": _address(page),
    }


def show(stage: Stage, faces: dict[str, str], out: Output) -> None:
    out.say()
    out.say("Everything runs on this machine alone. Open, each once:", "bold")
    for name, address in faces.items():
        out.say(f"  {name}")
        out.say(f"    {address}", "bold")
    out.say()
    out.say("Try it:", "bold")
    out.say("  1. Workbench: open the ticket, look at the opened evidence, ask to visit.")
    out.say("  2. Customer's page: read who asks and why, compare the six words, allow it.")
    out.say("  3. Workbench: run checks, list processes; ask for logs and see it refused.")
    out.say("  4. Customer's page: press Stop. Both sides get the same receipt.")
    out.say("  5. Console: the ticket with its four facts, and the audit log that tells of it without its content.")
    out.say()
    out.say(f"State: {stage.folder.path}  (removed by bellpull demo --clean)", "dim")
    out.say("Ctrl-C stops all of it.", "dim")


def wait_for_the_end(stage: Stage) -> None:
    """Until Ctrl-C, or until one of the programs ends by itself."""
    watched = [service for service in (stage.server, stage.agent) if service is not None]
    while True:
        for service in watched:
            if not service.alive:
                raise Problem(f"{service.name} has ended", got=service.tail(), hint=f"See {service.log}")
        time.sleep(0.5)


def _address(service: Service) -> str:
    def line() -> str | None:
        text = service.read_line()
        if not text:
            raise Problem(f"{service.name} has ended", got=service.tail(), hint=f"See {service.log}")
        try:
            answer = json.loads(text)
        except ValueError:
            return None
        found = answer.get("address") or answer.get("url")
        return str(found) if found else None

    return str(wait_until(f"{service.name} to say its address", line, within_s=20, service=service))
