"""The list of commands. Only the module of the command that was asked for is imported: `status` stays quick.

Adding a command: its file with a `COMMAND`, and its line here.
"""

import importlib
import os
import sys
from types import MappingProxyType
from typing import Final

from agent.cli.command import Command, Exit, run_command

#: name → (module, one line for --help)
COMMANDS: Final = MappingProxyType(
    {
        "enrol": ("agent.cli.enrol", "meet your support organisation, once, with the token it gave you"),
        "run": ("agent.cli.run", "run the service in the foreground"),
        "check": ("agent.cli.check", "look at this machine now; works offline and without enrolment"),
        "explain": ("agent.cli.explain", "what is known of a finding, and the one fact that would decide"),
        "doctor": ("agent.cli.doctor", "what can be read here and what not, and how the agent itself is doing"),
        "status": ("agent.cli.status", "what the service does, and what waits to be sent"),
        "ask": ("agent.cli.ask", "ask for help in your own words"),
        "tickets": ("agent.cli.tickets", "your tickets with what is being done about them"),
        "consent": ("agent.cli.consent", "answer a technician who asks to connect"),
        "chat": ("agent.cli.chat", "talk with the technician who is connected"),
        "questions": ("agent.cli.questions", "what a connected technician asks you to agree to"),
        "stop": ("agent.cli.stop", "end every visit at once"),
        "visit": ("agent.cli.visit", "a technician gave you a code: let them ask to connect"),
        "report-abuse": ("agent.cli.report_abuse", "a visit was wrong: end it, and let nobody in"),
        "unfreeze": ("agent.cli.unfreeze", "let technicians ask again after a report of abuse"),
        "terminal": ("agent.cli.terminal", "whether technicians may ask for a terminal: off until you enable it"),
        "policy": ("agent.cli.policy", "unattended machines: who may come in while nobody is here"),
        "receipts": ("agent.cli.receipts", "what was done on this computer, with proofs"),
        "mend": ("agent.cli.mend", "fixes that this computer can do itself: look, try, undo"),
        "page": ("agent.cli.page", "your page: health, help, visits, receipts"),
        "watch": ("agent.cli.watch", "applications beside this program that it looks after too"),
        "bundle": ("agent.cli.bundle", "collect redacted evidence into a file of your own"),
        "record": ("agent.cli.record", "write down how this machine answers, redacted, for others to look at"),
        "redact": ("agent.cli.redact", "take secrets and names out of a text (stdin to stdout)"),
        "service": ("agent.cli.service", "print the service definition for this system"),
        "leave": ("agent.cli.leave", "leave the organisation; delete keys and state, keep receipts"),
    }
)


# Pydantic would load whatever plug-ins lie in the environment into the service, and 1 MB to look for them.
os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"


def main(argv: list[str] | None = None) -> int:
    arguments = sys.argv[1:] if argv is None else argv
    if arguments[:1] == ["--child"]:
        return _child(arguments[1:])
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(_overview())
        return Exit.FINE if arguments else Exit.WRONG_USE
    if arguments[0] == "--version":
        from importlib.metadata import version

        print(f"bellpull-agent {version('bellpull')}")
        return Exit.FINE
    found = COMMANDS.get(arguments[0])
    if found is None:
        print(f"bellpull-agent: there is no command {arguments[0]!r}\n\n{_overview()}", file=sys.stderr)
        return Exit.WRONG_USE
    command: Command = importlib.import_module(found[0]).COMMAND
    return run_command(command, arguments[1:])


def _overview() -> str:
    lines = [
        "usage: bellpull-agent COMMAND …",
        "",
        "You pull the bell; help comes; you hold the door.",
        "",
        "commands:",
    ]
    lines += [f"  {name:<13} {help_line}" for name, (_, help_line) in COMMANDS.items()]
    return "\n".join([*lines, "", "bellpull-agent COMMAND --help says more, with an example."])


def _child(arguments: list[str]) -> int:
    """The frozen program starts its own children this way; see children.py."""
    from agent.children import CHILDREN

    if not arguments or arguments[0] not in CHILDREN:
        return Exit.WRONG_USE
    sys.argv = arguments
    result: int = importlib.import_module(arguments[0]).main()
    return result


if __name__ == "__main__":
    sys.exit(main())
