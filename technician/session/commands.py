"""The words a technician types in a session, as actions with typed arguments.

diagnose [CHECK …]
ps [cpu|memory|age] [COUNT]
services [all|failed|running] [user]
logs [SOURCE|list] [follow] [unit=NAME] [severity=error] [since=2h] [until=1h] [text=WORDS] [lines=200]

What looks at a machine and little else is parsed here; changes, fixes, facts and messages in more_commands.py.
"""

import re
import shlex
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from protocol.actions.diagnose import DiagnoseArguments
from protocol.actions.logs import LogsArguments
from protocol.actions.processes import ProcessesArguments
from protocol.actions.services import ServicesArguments, Supervisor
from protocol.strict_json import WireModel, describe
from technician.problems import Problem
from technician.session.more_commands import MORE_HELP, parse_more

LOOK_HELP: Final = """\
diagnose [CHECK …]                     run health checks and see what they find
ps [cpu|memory|age] [COUNT]            running programs
services [all|failed|running] [user]   background services; user: those of the person at the machine
logs [SOURCE|list] [follow] [unit=…] [severity=debug|info|warning|error] [since=2h] [until=1h] [text=…] [lines=200]
"""
END_HELP: Final = """\
handover NAME                          let NAME continue, if the customer says yes; they use connect … --handover
end                                    end the visit; the device makes the receipt
help                                   this"""
HELP: Final = LOOK_HELP + MORE_HELP + END_HELP

_SPAN: Final = re.compile(r"([1-9][0-9]{0,6})([smhd]?)")
_SPAN_S: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True)
class TypedAction:
    name: str
    arguments: WireModel


def parse_command(line: str) -> TypedAction:
    """The action a line asks for. Problem says how it is meant."""
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise _wrong(line, str(error)) from None
    match words:
        case ["diagnose", *checks]:
            return _action("diagnose", line, DiagnoseArguments, checks=tuple(checks))
        case ["ps"]:
            return TypedAction("processes", ProcessesArguments())
        case ["ps", sort]:
            return _action("processes", line, ProcessesArguments, sort=sort)
        case ["ps", sort, count] if count.isdecimal():
            return _action("processes", line, ProcessesArguments, sort=sort, limit=int(count))
        case ["services", *options]:
            return _services(line, options)
        case ["logs", *options]:
            return _logs(line, options)
        case _:
            found = parse_more(words)
            if found is None:
                raise _wrong(line, "no such command")
            name, model, values = found
            return _action(name, line, model, **values)


def _services(line: str, options: list[str]) -> TypedAction:
    states = [option for option in options if option != "user"]
    if len(states) > 1:
        raise _wrong(line, "two states")
    supervisor = Supervisor.USER if "user" in options else Supervisor.SYSTEM
    return _action("services", line, ServicesArguments, supervisor=supervisor, state=states[0] if states else "all")


def _logs(line: str, options: list[str]) -> TypedAction:
    values: dict[str, Any] = {}
    name_of_action = "logs.follow" if "follow" in options else "logs"
    for option in (option for option in options if option != "follow"):
        name, divider, value = option.partition("=")
        if not divider:
            if value_already := values.get("source") or values.get("list"):
                raise _wrong(line, f"two sources: {value_already} and {option}")
            values |= {"list": True} if option == "list" else {"source": option}
        elif name in ("unit", "severity", "text"):
            values[name] = value
        elif name == "lines" and value.isdecimal():
            values["lines"] = int(value)
        elif name in ("since", "until") and (span := _SPAN.fullmatch(value)):
            values[f"{name}_s"] = int(span[1]) * _SPAN_S[span[2]]
        else:
            raise _wrong(line, f"{option} is not understood")
    return _action(name_of_action, line, LogsArguments, **values)


def _action(name: str, line: str, model: type[WireModel], /, **values: Any) -> TypedAction:
    try:
        return TypedAction(name, model(**values))
    except ValidationError as error:
        raise _wrong(line, describe(error)) from None


def _wrong(line: str, got: str) -> Problem:
    return Problem("this is not a command here", expected="one of those that `help` lists", got=f"{line[:80]}: {got}")
