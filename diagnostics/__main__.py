"""`python -m diagnostics`: look at this machine, or at a recorded one, without any server.

    check     run the checks once
    explain   the same in plain words, with the known issues that fit and those that nearly do
    record    write this machine's answers into a folder that `--machine` reads
    doctor    what can be read here, and what cannot, and why
    issues    the known issues, each with its cases tried; --machines: how often each fires on recorded ones

Exit codes: 0 nothing found, 1 a problem found, 2 wrong use. Imports are inside the commands: starting up counts.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from diagnostics.examine import Examination
    from diagnostics.knowledge.issue import KnownIssue
    from diagnostics.machine.interface import Machine
    from diagnostics.state_folder import Past
    from diagnostics.vendors.application import Application

FINE, PROBLEM, WRONG_USE = 0, 1, 2


class _WrongUseError(Exception):
    """The arguments name something that is not there."""


def _open(folder: str | None, state: str | None = None, watched: Sequence[Application] = ()) -> tuple[Machine, Past]:
    """This machine with the past of its state folder, or a recorded one with its own. It reads the settings of the
    `watched` applications too, and of no others."""
    from diagnostics.state_folder import Past, read_past

    settings = frozenset(path for each in watched for path in each.config_files)
    try:
        if folder is None:
            from diagnostics.machine.local import local_machine

            return local_machine(watched=settings), read_past(Path(state)) if state else Past()
        from diagnostics.machine.recorded import RecordedMachine

        return RecordedMachine(Path(folder), settings), read_past(Path(folder))
    except ValueError as error:
        raise _WrongUseError(str(error)) from error


def _examine(
    arguments: argparse.Namespace, machine: Machine, past: Past, watched: Sequence[Application] = ()
) -> Examination:
    from diagnostics.checks.catalogue import CATALOGUE
    from diagnostics.examine import examine
    from diagnostics.vendors.check import watch_applications

    beside = watch_applications(watched)
    now = machine.clock().unix_s
    try:
        examination = examine(
            machine,
            past.history,
            now=now,
            checks=(*CATALOGUE, *beside.checks),
            only=arguments.only,
            before=past.changes,
            templates=past.templates,
            also_watched=beside.compared,
        )
    except ValueError as error:
        raise _WrongUseError(str(error)) from error
    state = getattr(arguments, "state", None)
    if state and arguments.machine is None:
        from diagnostics.state_folder import write_past

        past.take(examination, now=now)
        write_past(past, Path(state))
    return examination


def _watched(watches: Sequence[str]) -> tuple[Application, ...]:
    """Applications beside us, by the name of a watch that ships or by its file."""
    from diagnostics.vendors.application import WrongApplication, load_application

    try:
        return tuple(load_application(watch) for watch in dict.fromkeys(watches))
    except WrongApplication as error:
        raise _WrongUseError(str(error)) from error


def _check(arguments: argparse.Namespace) -> int:
    watched = _watched(arguments.watch or ())
    machine, past = _open(arguments.machine, arguments.state, watched)
    examination = _examine(arguments, machine, past, watched)
    if arguments.json:
        print(examination.to_json())
    else:
        for result in examination.checks:
            print(f"{result.status:8} {result.id:20} {result.ms:5} ms  {result.reason}".rstrip())
        for finding in examination.findings:
            print(f"\n{finding.severity}: {finding.code} on {finding.instance} (seen once)")
            for proof in finding.evidence:
                print(f"    {proof.source}: {proof.excerpt}")
            for change in finding.changes:
                print(f"    changed before: {change.what}")
        print(f"\n{examination.duration_s:.2f} s, {examination.cpu_s:.2f} s of processor")
    return PROBLEM if examination.findings else FINE


def _explain(arguments: argparse.Namespace) -> int:
    from diagnostics.checks.catalogue import explain
    from diagnostics.knowledge.conclude import conclude, judged_codes, known_changes
    from diagnostics.knowledge.issue import own_issues
    from diagnostics.wording import Language

    language = Language(arguments.language)
    machine, past = _open(arguments.machine, arguments.state)
    examination = _examine(arguments, machine, past)
    for finding in examination.findings:
        words = explain(finding, language)
        print(f"{finding.severity}: {words.title}\n    {words.text}")
        for change in finding.changes:
            print(f"    changed before: {change.what}")
    conclusion = conclude(
        own_issues(),
        examination.findings,
        machine,
        judged=judged_codes(examination),
        now=machine.clock().unix_s,
        changes=known_changes(examination, past.changes, now=machine.clock().unix_s),
    )
    for match in conclusion.matching.matches:
        words = match.explain(language)
        print(f"\nknown ({match.issue.certainty}, {match.issue.id}): {words.title}\n    {words.text}")
        for answer in match.because:
            print(f"    because {answer.leaf}: {answer.got}")
        for remedy in match.issue.remedies:
            print(f"    remedy: {remedy}")
    for miss in conclusion.matching.near_misses:
        deciding = miss.deciding
        why = conclusion.unanswered.get(deciding.ask, "nobody looked") if deciding.ask else deciding.got
        print(f"\nnearly {miss.issue.id}: if {deciding.leaf} ({why})")
    if not examination.findings:
        looked = sum(result.status == "ok" for result in examination.checks)
        print(f"{looked} checks looked and found nothing wrong.")
    for result in examination.checks:
        if result.reason:
            print(f"{result.status}: {result.id}: {result.reason}")
    return PROBLEM if examination.findings else FINE


def _record(arguments: argparse.Namespace) -> int:
    from diagnostics.collectors.catalogue import COLLECTORS
    from diagnostics.collectors.evidence import collect_evidence
    from diagnostics.machine.interface import Unreadable
    from diagnostics.machine.local import local_machine
    from diagnostics.machine.recording import RecordingMachine, write_recording
    from diagnostics.state_folder import Past

    folder = Path(arguments.folder)
    if folder.exists():
        raise _WrongUseError(f"{folder} exists already; a recording makes a folder of its own")
    machine = RecordingMachine(local_machine())
    arguments.only = None
    _examine(arguments, machine, Past())
    for collector in COLLECTORS:
        try:
            collector.collect(machine)
        except Unreadable as unreadable:
            print(f"not recorded: {collector.id}: {unreadable.reason}", file=sys.stderr)
    if arguments.evidence:
        for item in collect_evidence(machine, now=machine.clock().unix_s):
            print(f"recorded for a bundle: {item.path}", file=sys.stderr)
    write_recording(machine, folder, name=folder.name, about=arguments.about)
    print(f"{folder}: raw answers of this machine, with its names and addresses. Read it before you give it away.")
    return FINE


def _doctor(arguments: argparse.Namespace) -> int:
    from diagnostics.collectors.catalogue import COLLECTORS
    from diagnostics.doctor import look_for_sources

    machine, _ = _open(arguments.machine)
    needs = {collector.id: collector.privilege for collector in COLLECTORS}
    states = look_for_sources(machine)
    for state in states:
        word = "readable" if state.can_be_read else "missing"
        reason = "" if state.can_be_read else f"{state.reason} ({state.kind}; needs: {needs[state.id]})"
        print(f"{word:8} {state.id:18} {state.ms:5} ms  {reason}".rstrip())
        if state.mendable:
            print(f"{'':8} to mend it: {state.advice}")
    print(f"\n{sum(state.can_be_read for state in states)} of {len(states)} sources can be read here.")
    return FINE


def _issues(arguments: argparse.Namespace) -> int:
    from diagnostics.knowledge.issue import WrongIssue, load_issues, own_issues
    from diagnostics.knowledge.match import EXPECTED, judge_issue

    try:
        issues = own_issues() if arguments.folder is None else load_issues(Path(arguments.folder))
    except WrongIssue as error:
        raise _WrongUseError(str(error)) from error
    wrong = 0
    for issue in issues:
        if not arguments.json:
            print(f"{issue.id} (version {issue.version}, {issue.certainty}): {len(issue.cases)} cases")
        for case in issue.cases:
            truth, _ = judge_issue(issue, case.situation)
            if truth is not EXPECTED[case.expect]:
                wrong += 1
                print(
                    f"    wrong: {case.name}: expected {case.expect}, got {truth}",
                    file=sys.stderr if arguments.json else sys.stdout,
                )
    if arguments.machines is not None:
        _back_test(issues, Path(arguments.machines), as_json=arguments.json)
    return PROBLEM if wrong else FINE


def _back_test(issues: Sequence[KnownIssue], folder: Path, *, as_json: bool) -> None:
    """The fire-rate of each issue over all recorded machines of a folder."""
    from diagnostics.knowledge.back_test import rates, table, try_machine
    from diagnostics.strict_json import dump_json

    folders = sorted(path.parent for path in folder.glob("*/machine.toml"))
    if not folders:
        raise _WrongUseError(f"expected recorded machines in {folder}, found none")
    tried = []
    for each in folders:
        machine, past = _open(str(each))
        examination = _examine(argparse.Namespace(only=None, machine=str(each)), machine, past)
        tried.append(try_machine(each.name, machine, examination, past, issues))
    found = rates(issues, tried)
    if as_json:
        value = [
            {
                "issue": rate.issue.id,
                "machines": rate.machines,
                "fires_on": list(rate.fires_on),
                "nearly": rate.nearly,
                "unknown": rate.unknown,
            }
            for rate in found
        ]
        print(dump_json({"rates": value}))
        return
    print("\n".join(["", *table(found)]))
    explained = sum(bool(each.conclusion.matching.matches) for each in tried if each.findings)
    ill = sum(bool(each.findings) for each in tried)
    print(f"\n{explained} of {ill} machines with findings have at least one of them explained.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m diagnostics",
        description="Look at this machine, or at a recorded one. Nothing leaves it, nothing is changed.",
        epilog="example: python -m diagnostics explain --language ru",
    )
    commands = parser.add_subparsers(dest="command", required=True)

    def add(name: str, run: Callable[[argparse.Namespace], int], about: str, example: str) -> argparse.ArgumentParser:
        command = commands.add_parser(
            name, help=about, description=about, epilog=f"example: python -m diagnostics {example}"
        )
        command.set_defaults(run=run)
        return command

    check = add("check", _check, "run the checks once", "check --json --only disk-space")
    check.add_argument("--json", action="store_true", help="one JSON object on standard output")
    check.add_argument(
        "--watch", action="append", metavar="APPLICATION", help="also an application: nginx, postgresql, or a file"
    )
    explain = add("explain", _explain, "findings and known issues in plain words", "explain --language ru")
    explain.add_argument("--language", choices=("en", "ru"), default="en")
    for command in (check, explain):
        command.add_argument("--only", action="append", metavar="CHECK", help="this check; may be repeated")
        command.add_argument("--state", metavar="FOLDER", help="keep numbers and changes here from look to look")
    record = add("record", _record, "write this machine's answers into a folder", "record ./my-laptop")
    record.add_argument("folder")
    record.add_argument("--about", default="", help="a sentence on what this machine shows")
    record.add_argument("--evidence", action="store_true", help="also what a bundle would take")
    record.set_defaults(machine=None)
    doctor = add("doctor", _doctor, "what can be read here, and why the rest cannot", "doctor")
    for command in (check, explain, doctor):
        command.add_argument("--machine", metavar="FOLDER", help="a recorded machine instead of this one")
    issues = add("issues", _issues, "the known issues, each with its cases tried", "issues --machines tests/machines")
    issues.add_argument("folder", nargs="?", help="a folder of *.toml instead of the program's own")
    issues.add_argument("--machines", metavar="FOLDER", help="also hold each against the recorded machines in here")
    issues.add_argument("--json", action="store_true", help="with --machines: the table as one JSON object")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    run: Callable[[argparse.Namespace], int] = arguments.run
    try:
        return run(arguments)
    except _WrongUseError as error:
        print(f"python -m diagnostics: {error}", file=sys.stderr)
        return WRONG_USE


if __name__ == "__main__":
    sys.exit(main())
