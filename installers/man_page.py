"""The manual page and the completion of three shells, from the descriptions that `--help` prints: nothing to forget."""

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


def _words(command: Command) -> Iterator[tuple[str, str]]:
    """What may follow the command, each with what --help says of it: options, and the fixed words of an argument."""
    yield "--help", "show what this command does"
    for action in _shown(parser_for(command)):
        meaning = (action.help or "") % {"default": action.default}
        for name in action.option_strings:
            yield name, meaning
        if not action.option_strings and action.choices is not None:
            for choice in action.choices:
                yield str(choice), ""


def bash_completion() -> str:
    """Commands, then the options and fixed words of the command; files where neither fits."""
    cases = []
    for command in commands():
        cases.append(f"        {command.name}) words='{' '.join(word for word, _ in _words(command))}' ;;")
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


def zsh_completion() -> str:
    """For a folder of $fpath, under the name _bellpull-agent."""
    cases = []
    for command in commands():
        words = " ".join(_zsh(word, meaning) for word, meaning in _words(command))
        cases.append(f"            {command.name}) offered=({words}) ;;")
    every = " ".join(_zsh(name, meaning) for name, (_, meaning) in COMMANDS.items())
    return "\n".join(
        [
            "#compdef bellpull-agent",
            "# zsh completion for bellpull-agent(1)",
            "_bellpull_agent() {",
            "    local -a offered",
            "    if (( CURRENT == 2 )); then",
            f"        offered=({every} --help --version)",
            "    else",
            '        case "${words[2]}" in',
            *cases,
            "        esac",
            "    fi",
            "    _describe -o 'bellpull-agent' offered || _files",
            "}",
            '_bellpull_agent "$@"',
            "",
        ]
    )


def _zsh(word: str, meaning: str) -> str:
    """One element of an array for _describe: `name:what it does`, in single quotes."""
    text = word.replace(":", "\\:") + (f":{_one_line(meaning)}" if meaning else "")
    return "'" + text.replace("'", "'\\''") + "'"


def fish_completion() -> str:
    lines = ["# fish completion for bellpull-agent(1)", "complete -c bellpull-agent -l version -d 'show the version'"]
    for name, (_, meaning) in COMMANDS.items():
        lines.append(f"complete -c bellpull-agent -f -n __fish_use_subcommand -a {name} -d {_fish(meaning)}")
    for command in commands():
        for word, meaning in _words(command):
            what = f"-l {word[2:]}" if word.startswith("--") else f"-f -a {word}"
            when = f"'__fish_seen_subcommand_from {command.name}'"
            lines.append(f"complete -c bellpull-agent -n {when} {what}" + (f" -d {_fish(meaning)}" if meaning else ""))
    return "\n".join([*lines, ""])


def _fish(text: str) -> str:
    return "'" + _one_line(text).replace("\\", "\\\\").replace("'", "\\'") + "'"


def _one_line(text: str) -> str:
    return " ".join(text.split())
