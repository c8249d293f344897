"""`bellpull-agent explain`: what is known of a finding, what nearly fits, and the one fact that would decide.

Offline, without enrolment, without a service. Where the service runs, it gives the organisation's own known issues
along. What only a person knows is asked here when somebody sits at the terminal, and never guessed.
"""

import argparse
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.cli.command import Command, Exit, WrongUse, folder_of, print_json, say
from agent.cli.watch import applications_here
from agent.local.client import call
from agent.refusal import Refusal
from agent.watch.finding_store import PAST, StoredHistory
from diagnostics.changes.store import MemoryChanges, load_changes
from diagnostics.checks.catalogue import CATALOGUE, code_rules
from diagnostics.examine import Examination, examine
from diagnostics.findings import Change, Finding
from diagnostics.history import MemoryHistory
from diagnostics.knowledge.conclude import Conclusion, conclude, judged_codes, known_changes
from diagnostics.knowledge.explain import Explanation, Question, explanation_of
from diagnostics.knowledge.issue import KnownIssue, own_issues
from diagnostics.knowledge.rollout import RolledOut, roll_out
from diagnostics.machine.interface import Machine
from diagnostics.machine.local import local_machine
from diagnostics.machine.recorded import RecordedMachine
from diagnostics.plain_text import printable
from diagnostics.state_folder import read_past
from diagnostics.suppression import is_raised
from diagnostics.vendors.application import settings_of
from diagnostics.vendors.check import watch_applications
from diagnostics.wording import Language

_YES = frozenset({"y", "yes", "д", "да"})
_NO = frozenset({"n", "no", "н", "нет"})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("finding", nargs="?", metavar="FINDING", help="its code or fingerprint (default: all)")
    parser.add_argument("--answer", action="append", default=[], metavar="QUESTION=yes|no", help="may be repeated")
    parser.add_argument("--language", choices=[each.value for each in Language], default="en")
    parser.add_argument("--machine", type=Path, metavar="FOLDER", help="a recorded machine instead of this one")
    parser.add_argument(
        "--pack", action="store_true", help="what the organisation's own known issues do on this device"
    )
    parser.add_argument("--json", action="store_true", help="the result as JSON on stdout; nothing is asked")


@dataclass(frozen=True)
class Seen:
    """One look at a machine, and what may explain it."""

    machine: Machine
    examination: Examination
    changes: tuple[Change, ...] | None
    now: int
    rolled: RolledOut

    @property
    def issues(self) -> Sequence[KnownIssue]:
        return self.rolled.shown

    def conclude(self, answers: Mapping[str, bool]) -> Conclusion:
        return conclude(
            self.issues,
            self.examination.findings,
            self.machine,
            judged=judged_codes(self.examination),
            now=self.now,
            changes=self.changes,
            answers=answers,
        )


def run(arguments: argparse.Namespace) -> int:
    if arguments.pack:
        return _tell_pack(folder_of(arguments).root, as_json=arguments.json)
    language = Language(arguments.language)
    seen = _look(arguments)
    answers = _answers(arguments.answer, seen.issues)
    findings = _chosen(arguments.finding, seen.examination.findings)
    told = _explanations(seen, findings, answers, language)
    if not arguments.json and sys.stdin.isatty():
        passed: set[str] = set()
        while question := _first(told, passed):
            said = _asked(question)
            if said is None:
                passed.add(question.id)
                continue
            answers = {**answers, question.id: said}
            told = _explanations(seen, findings, answers, language)
    if arguments.json:
        print_json({"findings": [each.to_value() for each in told], "answers": answers})
    else:
        for line in lines_of(told):
            print(line)
        if not told:
            print("Nothing to explain: this look found no such problem.")
    return Exit.PROBLEM if told else Exit.FINE


def _look(arguments: argparse.Namespace) -> Seen:
    if arguments.machine is not None:
        try:
            machine, past = RecordedMachine(arguments.machine), read_past(arguments.machine)
        except ValueError as error:
            raise WrongUse(str(error)) from None
        now = machine.clock().unix_s
        examination = examine(machine, past.history, now=now, before=past.changes)
        changes = known_changes(examination, past.changes, now=now)
        return Seen(machine, examination, changes, now, RolledOut(own_issues()))
    folder = folder_of(arguments)
    watched = applications_here(folder.root)
    here, beside = local_machine(watched=settings_of(watched)), watch_applications(watched)
    history = StoredHistory(folder.database) if folder.database.exists() else None
    try:
        text = history.kept(PAST) if history else ""
        before = load_changes(text) if text else MemoryChanges()
        known = history.known_findings()[0] if history else []
        now = here.clock().unix_s
        examination = examine(
            here,
            history or MemoryHistory(),
            now=now,
            checks=(*CATALOGUE, *beside.checks),
            also_watched=beside.compared,
            raised_before=[finding.fingerprint for finding in known if is_raised(finding)],
            before=before,
        )
    finally:
        if history:
            history.close()
    return Seen(here, examination, known_changes(examination, before, now=now), now, _rolled(folder.root))


def _rolled(state: Path) -> RolledOut:
    """Our own issues, with those of the organisation where a service can be asked for them."""
    try:
        kept = call(state, "known-issues")
    except Refusal:
        return RolledOut(own_issues())
    return roll_out(own_issues(), kept["packed"], device=kept["device"])


def _tell_pack(state: Path, *, as_json: bool) -> int:
    kept = call(state, "known-issues")
    value = pack_value(kept["packed"], kept["device"], kept["trials"])
    if as_json:
        print_json({"issues": value})
    else:
        for line in pack_lines(value):
            print(line)
    return Exit.PROBLEM if any(each["state"] == "unused" for each in value) else Exit.FINE


def pack_value(packed: Mapping[str, str], device: str, trials: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each of the organisation's own that is not simply ours: shown, on trial, for other devices, stopped, unused."""
    own = {issue.id: issue for issue in own_issues()}
    rolled = roll_out(own.values(), packed, device=device)
    reasons = {reason.partition(":")[0]: reason.partition(": ")[2] for reason in rolled.unused}
    states = {
        **{issue.id: "shown" for issue in rolled.shown if issue.id in packed and issue != own.get(issue.id)},
        **{issue.id: "on trial" for issue in rolled.shadow},
        **dict.fromkeys(rolled.withheld, "for other devices"),
        **dict.fromkeys(rolled.stopped, "stopped"),
        **dict.fromkeys(reasons, "unused"),
    }
    return [
        {
            "issue": issue,
            "state": state,
            "reason": reasons.get(issue, ""),
            "fired": trials[issue]["fired"] if state == "on trial" and issue in trials else 0,
            "quiet": trials[issue]["quiet"] if state == "on trial" and issue in trials else 0,
        }
        for issue, state in sorted(states.items())
    ]


def pack_lines(value: Sequence[Mapping[str, Any]]) -> list[str]:
    if not value:
        return ["The organisation has no known issues of its own for this device."]
    lines = []
    for each in value:
        looks = each["fired"] + each["quiet"]
        counted = f", would have spoken in {each['fired']} of {looks} looks" if each["state"] == "on trial" else ""
        reason = f": {each['reason']}" if each["reason"] else ""
        lines.append(printable(f"{each['state']:<18} {each['issue']}{counted}{reason}", 400))
    return lines


def _chosen(wanted: str | None, findings: Sequence[Finding]) -> list[Finding]:
    """Worst first. Raises WrongUse for what is the name of no finding at all."""
    chosen = [found for found in findings if wanted in (None, found.code, found.fingerprint)]
    if not chosen and wanted is not None and wanted.partition("|")[0] not in code_rules():
        here = ", ".join(sorted({found.code for found in findings})) or "none at this moment"
        raise WrongUse("there is no such finding", expected=f"a code or fingerprint; here: {here}", got=wanted)
    return sorted(chosen, key=lambda found: -found.severity.rank)


def _answers(given: Sequence[str], issues: Sequence[KnownIssue]) -> dict[str, bool]:
    known = sorted({question for issue in issues for question in issue.questions})
    answers: dict[str, bool] = {}
    for each in given:
        question, _, word = each.partition("=")
        if question not in known:
            raise WrongUse("nobody asks that", expected=", ".join(known), got=question)
        if word.lower() not in _YES | _NO:
            raise WrongUse(f"the answer to {question} was not understood", expected="yes or no", got=word or "nothing")
        answers[question] = word.lower() in _YES
    return answers


def _explanations(
    seen: Seen, findings: Sequence[Finding], answers: Mapping[str, bool], language: Language
) -> list[Explanation]:
    conclusion = seen.conclude(answers)
    return [explanation_of(finding, conclusion, language) for finding in findings]


def _first(told: Sequence[Explanation], passed: Collection[str]) -> Question | None:
    return next((each for one in told for each in one.questions if each.id not in passed), None)


def _asked(question: Question) -> bool | None:
    """None: they do not know, or do not want to say; then nothing is assumed."""
    say(question.text)
    print("  yes, no, or Enter for “I do not know”: ", end="", file=sys.stderr, flush=True)
    said = sys.stdin.readline().strip().lower()
    return True if said in _YES else False if said in _NO else None


def lines_of(told: Sequence[Explanation]) -> list[str]:
    """For a screen: whatever names a machine gave are printable."""
    lines: list[str] = []
    for one in told:
        lines += [f"{one.finding.severity.value.upper()}: {one.words.title}  ({one.finding.fingerprint})"]
        lines += [f"  {one.words.text}"]
        lines += [f"  changed before: {change.what}" for change in one.finding.changes[:3]]
        for match in one.known:
            words = match.explain(one.language)
            lines += [f"  KNOWN ({match.issue.certainty}, {match.issue.id}): {words.title}", f"    {words.text}"]
            lines += [f"    because {answer.leaf}: {answer.got}" for answer in match.because]
            lines += [f"    can be mended: bellpull-agent mend preview {remedy}" for remedy in match.issue.remedies]
            lines += [f"    {match.issue.article}"] if match.issue.article else []
            lines += [f"    see {link}" for link in match.issue.links]
        for near in one.nearly:
            lines += [f"  nearly {near.miss.issue.id}: if {near.miss.deciding.leaf} ({near.why})"]
        for question in one.questions:
            lines += [f"  would decide {question.issue}: {question.text}"]
            lines += [f"    bellpull-agent explain {one.finding.code} --answer {question.id}=yes"]
        lines.append("")
    return [printable(line, 2_000) for line in lines]


COMMAND = Command(
    name="explain",
    help="What is known of what was found here, what nearly fits, and the one fact that would decide. Sends nothing.",
    example="bellpull-agent explain disk-space-low --answer containers-in-use=no",
    add_arguments=add_arguments,
    run=run,
)
