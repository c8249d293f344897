"""`bellpull-agent check`: look at this machine now. Offline, without enrolment, without a service.

With a state folder that has a database, its history is read (never written): forecasts work as in the service.
"""

import argparse
import time

from agent.cli.command import Command, Exit, WrongUse, folder_of, print_json
from agent.cli.watch import applications_here
from agent.watch.finding_store import StoredHistory
from diagnostics.checks.catalogue import CATALOGUE, explain
from diagnostics.examine import CheckStatus, Examination, examine
from diagnostics.findings import Finding
from diagnostics.history import MemoryHistory
from diagnostics.machine.local import local_machine
from diagnostics.plain_text import printable
from diagnostics.suppression import is_raised
from diagnostics.vendors.application import settings_of
from diagnostics.vendors.check import watch_applications
from diagnostics.wording import Language


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("only", nargs="*", metavar="CHECK", help="run these checks only (default: all)")
    parser.add_argument("--json", action="store_true", help="the result as JSON on stdout")


def run(arguments: argparse.Namespace) -> int:
    folder = folder_of(arguments)
    history = StoredHistory(folder.database) if folder.database.exists() else None
    watched = applications_here(folder.root)
    beside = watch_applications(watched)
    try:
        known = history.known_findings()[0] if history else []
        examination = examine(
            local_machine(watched=settings_of(watched)),
            history or MemoryHistory(),
            now=int(time.time()),
            checks=(*CATALOGUE, *beside.checks),
            only=arguments.only or None,
            raised_before=[finding.fingerprint for finding in known if is_raised(finding)],
        )
    except ValueError as error:
        raise WrongUse(str(error)) from None
    finally:
        if history:
            history.close()
    if arguments.json:
        print_json(examination.to_value())
    else:
        _print(examination)
    return Exit.PROBLEM if examination.findings else Exit.FINE


_MARKS = {
    CheckStatus.OK: "ok",
    CheckStatus.FINDING: "FOUND",
    CheckStatus.SKIPPED: "skipped",
    CheckStatus.FAILED: "FAILED",
}


def _print(examination: Examination) -> None:
    for check in examination.checks:
        reason = f"  {printable(check.reason, 200)}" if check.reason else ""
        print(f"  {_MARKS[check.status]:<8} {check.id:<20}{reason}")
    print()
    for finding in sorted(examination.findings, key=lambda found: -found.severity.rank):
        _print_finding(finding)
    count = len(examination.findings)
    told = "Nothing was found." if not count else "1 finding" if count == 1 else f"{count} findings"
    seen_once = ", each seen once in this look" if count else ""
    print(f"{told}{seen_once} ({examination.duration_s:.2f} s).")


def _print_finding(finding: Finding) -> None:
    words = explain(finding, Language.ENGLISH)
    print(f"{finding.severity.value.upper()}: {printable(words.title, 200)}")
    print(f"  {printable(words.text, 800)}")
    for evidence in finding.evidence[:3]:
        print(f"  seen in {printable(evidence.source, 80)}: {printable(evidence.excerpt, 160)}")
    for remedy in finding.remedies:
        print(f"  may help: {remedy.id} (risk {remedy.risk})")
    print()


COMMAND = Command(
    name="check",
    help="Look at this machine now. Works offline, without enrolment and without the service; sends nothing.",
    example="bellpull-agent check --json",
    add_arguments=add_arguments,
    run=run,
)
