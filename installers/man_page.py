"""The manual page and the shell's completion, from the same descriptions that `--help` prints: nothing to forget."""

import argparse
import importlib
from collections.abc import Iterator

from agent.cli.command import Command, parser_for
from agent.cli.main import COMMANDS


def commands() -> Iterator[Command]:
    for module, _ in COMMANDS.values():
        yield importlib.import_module(module).COMMAND


def man_page(version: str, date: str) -> str:
    """bellpull-agent(1) as man(7) macros. `date`: 2026-11-21."""
    lines = [
        f'.TH BELLPULL-AGENT 1 "{date}" "Bellpull {_roff(version)}" "User Commands"',
        ".SH NAME",
        "bellpull\\-agent \\- remote support in which you hold the door",
        ".SH SYNOPSIS",
        ".B bellpull\\-agent",
        ".I COMMAND",
        "[\\fIargument\\fR ...]",
        ".SH DESCRIPTION",
        "The agent watches this machine, explains what it finds, asks your support organisation for help when you say",
        "so, and lets a technician in only with your consent. What was done is in receipts that stay with you.",
        ".SH COMMANDS",
    ]
    for command in commands():
        lines += _section(command)
    lines += [
        ".SH FILES",
        ".TP",
        ".I /var/lib/bellpull",
        "State of the machine's service: keys, outbox, receipts. Kept when the package is removed, deleted by a purge.",
        ".TP",
        ".I ~/.local/share/bellpull",
        "State of an agent that a person runs without the service.",
        ".SH EXIT STATUS",
        "0: fine. 1: a problem was found, or refused. 2: wrong use.",
    ]
    return "\n".join(lines) + "\n"


def _section(command: Command) -> list[str]:
    parser = parser_for(command)
    lines = [f".SS {_roff(command.name)}", _roff(command.help)]
    for action in _shown(parser):
        names = ", ".join(f"\\fB{_roff(name)}\\fR" for name in action.option_strings)
        value = _value(action)
        lines += [".TP", " ".join(part for part in (names, f"\\fI{_roff(value)}\\fR" if value else "") if part)]
        if action.help:
            lines.append(_roff(action.help % {"default": action.default}))
    lines += [".PP", "Example:", ".PP", ".nf", ".RS", *(_roff(line) for line in command.example.splitlines())]
    return [*lines, ".RE", ".fi"]


def _shown(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        if action.help is not argparse.SUPPRESS and not isinstance(action, argparse._HelpAction):
            yield action


def _value(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    if action.choices is not None:
        return "|".join(str(choice) for choice in action.choices)
    shown = action.metavar if action.metavar is not None else action.dest.upper()
    return shown if isinstance(shown, str) else " ".join(shown)


def _roff(text: str) -> str:
    """Plain text for roff: nothing in it is a macro or an escape."""
    escaped = text.strip().replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + escaped if escaped.startswith((".", "'")) else escaped


def bash_completion() -> str:
    """Commands, then the options and fixed words of the command; files where neither fits."""
    cases = []
    for command in commands():
        words = ["--help"]
        for action in _shown(parser_for(command)):
            words += action.option_strings
            if not action.option_strings and action.choices is not None:
                words += [str(choice) for choice in action.choices]
        cases.append(f"        {command.name}) words='{' '.join(words)}' ;;")
    return "\n".join(
        [
            "# bash completion for bellpull-agent(1)",
            "_bellpull_agent() {",
            '    local words="" current="${COMP_WORDS[COMP_CWORD]}"',
            "    COMPREPLY=()",
            '    if [ "$COMP_CWORD" -eq 1 ]; then',
            f"        words='{' '.join(COMMANDS)} --help --version'",
            "    else",
            '        case "${COMP_WORDS[1]}" in',
            *cases,
            "        esac",
            "    fi",
            '    COMPREPLY=($(compgen -W "$words" -- "$current"))',
            "}",
            "complete -o default -F _bellpull_agent bellpull-agent",
            "",
        ]
    )
