"""The words for changes, fixes, facts and messages in a session.

service NAME [LINES] [user]
end-process PID BEGAN [now]
start|stop|restart NAME [user]
facts [findings|observations|history] [NAME] [of=INSTANCE] [since=2d]
remedies · preview FIX [FINDING] · fix PREVIEW · watch RUN · undo RUN
say WORDS … · chat · bundle [WHY …]
ls [FOLDER] [all]
"""

import re
from typing import Any, Final

from protocol.actions.bundle import BundleArguments
from protocol.actions.chat import ChatArguments, ChatSayArguments
from protocol.actions.facts import FactsArguments
from protocol.actions.files import FilesListArguments
from protocol.actions.processes_end import ProcessesEndArguments
from protocol.actions.remedies import (
    OfRun,
    RemediesListArguments,
    RemediesPreviewArguments,
    RemediesRunArguments,
)
from protocol.actions.services import ServicesArguments, Supervisor
from protocol.actions.services_control import ServicesControlArguments
from protocol.strict_json import WireModel

MORE_HELP: Final = """\
service NAME [LINES] [user]            one service with its last log lines
facts [findings|observations|history] [NAME] [of=…] [since=2d]   what the computer has noticed and measured
end-process PID BEGAN [now]            end a program (both numbers from `ps`); now: without asking it first
start|stop|restart NAME [user]         control a background service
remedies                               prepared fixes, and how their runs stand
preview FIX [FINDING]                  exactly what a fix would do; changes nothing
fix PREVIEW                            do what was previewed, once the customer agrees
watch RUN · undo RUN                   how a run stands; put it back, once the customer agrees
say WORDS … · chat                     write to the customer; the messages, as they come
ls [FOLDER] [all]                      allowed folders; what is in one of them; all: hidden ones too
get REMOTE [LOCAL]                     fetch a file; goes on where a cut left it
put LOCAL REMOTE [replace]             send a file; a REMOTE that ends with / is a folder
terminal                               a terminal there, in this one; a line that begins with ~. hangs up
bundle [WHY …]                         ask for a log bundle; the customer sees it first
"""

Found = tuple[str, type[WireModel], dict[str, Any]]
_SPAN: Final = re.compile(r"([1-9][0-9]{0,4})([mhd])")
_SPAN_S: Final = {"m": 60, "h": 3600, "d": 86_400}


def parse_more(words: list[str]) -> Found | None:
    """Action, model and the model's values; None for words that are none of these. The model judges the values."""
    match words:
        case ["service", name, *rest]:
            return _service(name, rest)
        case ["end-process", pid, began, *rest] if pid.isdecimal() and began.isdecimal() and rest in ([], ["now"]):
            values = {"pid": int(pid), "started_ms": int(began), **({"grace_s": 0} if rest else {})}
            return "processes.end", ProcessesEndArguments, values
        case [("start" | "stop" | "restart") as act, name, *rest] if rest in ([], ["user"]):
            return "services.control", ServicesControlArguments, {"act": act, "name": name, "supervisor": _of(rest)}
        case ["facts", *options]:
            return _facts(options)
        case ["remedies"]:
            return "remedies.list", RemediesListArguments, {}
        case ["preview", remedy]:
            return "remedies.preview", RemediesPreviewArguments, {"remedy": remedy}
        case ["preview", remedy, finding]:
            return "remedies.preview", RemediesPreviewArguments, {"remedy": remedy, "finding": finding}
        case ["fix", preview]:
            return "remedies.run", RemediesRunArguments, {"preview": preview}
        case ["watch", run]:
            return "remedies.watch", OfRun, {"run": run}
        case ["undo", run]:
            return "remedies.undo", OfRun, {"run": run}
        case ["say", *text] if text:
            return "chat.say", ChatSayArguments, {"text": " ".join(text)}
        case ["ls", *rest] if len(rest) <= 2:
            return _list(rest)
        case ["chat"]:
            return "chat", ChatArguments, {}
        case ["bundle", *reason]:
            return "bundle", BundleArguments, {"reason": " ".join(reason)}
        case _:
            return None


def _service(name: str, options: list[str]) -> Found | None:
    values: dict[str, Any] = {"name": name, "supervisor": _of(options)}
    for option in options:
        if option.isdecimal():
            values["lines"] = int(option)
        elif option != "user":
            return None
    return "services", ServicesArguments, values


def _list(words: list[str]) -> Found | None:
    named = [word for word in words if word != "all"]
    if len(named) > 1:
        return None
    return "files.list", FilesListArguments, {"path": "".join(named).rstrip("/"), "hidden": "all" in words}


def _of(options: list[str]) -> Supervisor:
    return Supervisor.USER if "user" in options else Supervisor.SYSTEM


def _facts(options: list[str]) -> Found | None:
    values: dict[str, Any] = {}
    for option in options:
        name, divider, value = option.partition("=")
        if name == "of" and divider:
            values["instance"] = value
        elif name == "since" and divider and (span := _SPAN.fullmatch(value)):
            values["since_s"] = int(span[1]) * _SPAN_S[span[2]]
        elif not divider and option in ("findings", "observations", "history") and "subject" not in values:
            values["subject"] = option
        elif not divider and "name" not in values:
            values["name"] = option
        else:
            return None
    return "facts", FactsArguments, values
