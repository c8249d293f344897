"""Conditions of known issues: a tree of all / any / not over leaves, with three answers.

    true      everything needed was seen and holds
    false     something that was seen contradicts
    unknown   what would decide was not looked at; the leaf names the collector or check that would tell

Leaves and their operators are a closed set, written as TOML tables:

    { finding = "disk-space-low", where = [ { fact = "mount", is = "/" } ] }      a finding with such facts
    { fact = "user-cache.bytes", at_least = 2_000_000_000 }                       a fact of the machine
    { log = "journal", contains = "No space left on device" }                     a line of a log
    { package = "systemd", below = "252.30" }                                     an installed version
    { changed = "package:linux-image", within_s = 604800 }                        a change before now
    { ask = "dual-boot", is = true }                                              what only a person knows

`where` compares the facts of one and the same finding. There are no patterns and no code in a condition: a pack
cannot make a device compute. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from diagnostics.findings import Change, Fact, Finding
from diagnostics.knowledge.versions import compare_versions


class Truth(StrEnum):
    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"


class Operator(StrEnum):
    IS = "is"
    IS_NOT = "is_not"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    ONE_OF = "one_of"
    CONTAINS = "contains"
    STARTS_WITH = "starts_with"
    SAME_AS = "same_as"


@dataclass(frozen=True, slots=True)
class Comparison:
    """`fact` against `value`. For same_as the value names a fact of the machine."""

    fact: str
    operator: Operator
    value: Fact | tuple[Fact, ...]

    def __str__(self) -> str:
        return f"{self.fact} {self.operator.replace('_', ' ')} {_shown(self.value)}"


@dataclass(frozen=True, slots=True)
class FindingLeaf:
    code: str
    where: tuple[Comparison, ...] = ()

    def __str__(self) -> str:
        facts = " and ".join(str(item) for item in self.where)
        return f"finding {self.code}" + (f" with {facts}" if facts else "")


@dataclass(frozen=True, slots=True)
class FactLeaf:
    comparison: Comparison

    def __str__(self) -> str:
        return str(self.comparison)


@dataclass(frozen=True, slots=True)
class LogLeaf:
    log: str
    contains: str

    def __str__(self) -> str:
        return f"{self.log} contains {self.contains!r}"


@dataclass(frozen=True, slots=True)
class PackageLeaf:
    """Installed, and within the bounds that are given: at_least ≤ version < below."""

    package: str
    at_least: str | None = None
    below: str | None = None

    def __str__(self) -> str:
        bounds = [f"at least {self.at_least}"] if self.at_least else []
        bounds += [f"below {self.below}"] if self.below else []
        return f"package {self.package} {' and '.join(bounds) or 'is installed'}"


@dataclass(frozen=True, slots=True)
class ChangeLeaf:
    """`what` is the beginning of a change's name."""

    what: str
    within_s: int

    def __str__(self) -> str:
        return f"{self.what} changed within {self.within_s} s"


@dataclass(frozen=True, slots=True)
class AskLeaf:
    """A yes-or-no question to the person at the machine; its words stand in the issue. Never guessed."""

    question: str
    wanted: bool

    def __str__(self) -> str:
        return f"the answer to {self.question} is {'yes' if self.wanted else 'no'}"


Leaf = FindingLeaf | FactLeaf | LogLeaf | PackageLeaf | ChangeLeaf | AskLeaf

# What a leaf asks for, when only a person can tell: `person:dual-boot`.
PERSON_ASK = "person:"


@dataclass(frozen=True, slots=True)
class All:
    of: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    of: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    of: Condition


Condition = All | AnyOf | Not | FindingLeaf | FactLeaf | LogLeaf | PackageLeaf | ChangeLeaf | AskLeaf


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known of a machine now. None, or a key that is missing, means: nobody looked.

    `judged`: the finding codes whose checks ran, so that a finding that is missing is an answer. `answers`: what a
    person said, by question.
    """

    now: int
    findings: tuple[Finding, ...] = ()
    judged: frozenset[str] = frozenset()
    facts: Mapping[str, Fact] = field(default_factory=dict)
    logs: Mapping[str, Sequence[str]] = field(default_factory=dict)
    packages: Mapping[str, str] | None = None
    changes: tuple[Change, ...] | None = None
    answers: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """One leaf's answer: what was seen (`got`), or what would tell (`ask`). `fingerprint`: the finding that held."""

    leaf: Leaf
    truth: Truth
    got: str = ""
    ask: str = ""
    fingerprint: str | None = None


def leaves(condition: Condition) -> tuple[Leaf, ...]:
    """All leaves in the order they are written."""
    match condition:
        case All(of=parts) | AnyOf(of=parts):
            return tuple(leaf for part in parts for leaf in leaves(part))
        case Not(of=part):
            return leaves(part)
        case _:
            return (condition,)


def combine(condition: Condition, answers: Mapping[Leaf, Truth]) -> Truth:
    """Kleene's three values: false wins in all, true wins in any, else unknown spreads."""
    match condition:
        case All(of=parts):
            truths = {combine(part, answers) for part in parts}
            if Truth.FALSE in truths:
                return Truth.FALSE
            return Truth.UNKNOWN if Truth.UNKNOWN in truths else Truth.TRUE
        case AnyOf(of=parts):
            truths = {combine(part, answers) for part in parts}
            if Truth.TRUE in truths:
                return Truth.TRUE
            return Truth.UNKNOWN if Truth.UNKNOWN in truths else Truth.FALSE
        case Not(of=part):
            return _NEGATED[combine(part, answers)]
        case _:
            return answers[condition]


_NEGATED = {Truth.TRUE: Truth.FALSE, Truth.FALSE: Truth.TRUE, Truth.UNKNOWN: Truth.UNKNOWN}


def answer(leaf: Leaf, situation: Situation) -> Answer:
    """Hold one leaf against what is known."""
    match leaf:
        case FindingLeaf():
            return _answer_finding(leaf, situation)
        case FactLeaf(comparison=comparison):
            if comparison.fact not in situation.facts:
                return Answer(leaf, Truth.UNKNOWN, ask=comparison.fact)
            truth = compare(comparison, situation.facts, situation.facts)
            got = f"{comparison.fact} is {_shown(situation.facts[comparison.fact])}"
            return Answer(leaf, truth, got, ask=_missing(comparison, situation) if truth is Truth.UNKNOWN else "")
        case LogLeaf(log=log, contains=text):
            if log not in situation.logs:
                return Answer(leaf, Truth.UNKNOWN, ask=f"log:{log}")
            found = next((line for line in situation.logs[log] if text in line), None)
            if found is None:
                return Answer(leaf, Truth.FALSE, f"no such line among {len(situation.logs[log])}")
            return Answer(leaf, Truth.TRUE, found)
        case PackageLeaf():
            return _answer_package(leaf, situation)
        case ChangeLeaf(what=what, within_s=within_s):
            if situation.changes is None:
                return Answer(leaf, Truth.UNKNOWN, ask="changes")
            since = situation.now - within_s
            named = [item for item in situation.changes if item.what.startswith(what) and item.at_unix_s >= since]
            if not named:
                return Answer(leaf, Truth.FALSE, "no such change")
            return Answer(leaf, Truth.TRUE, named[-1].what)
        case AskLeaf(question=question, wanted=wanted):
            said = situation.answers.get(question)
            if said is None:
                return Answer(leaf, Truth.UNKNOWN, ask=f"{PERSON_ASK}{question}")
            return Answer(leaf, _truth(said is wanted), f"the answer was {'yes' if said else 'no'}")


def _answer_finding(leaf: FindingLeaf, situation: Situation) -> Answer:
    named = [finding for finding in situation.findings if finding.code == leaf.code]
    if not named:
        if leaf.code in situation.judged:
            return Answer(leaf, Truth.FALSE, f"no finding {leaf.code}")
        return Answer(leaf, Truth.UNKNOWN, ask=f"finding:{leaf.code}")
    best = Answer(leaf, Truth.FALSE)
    for finding in named:
        truths = [compare(item, finding.facts, situation.facts) for item in leaf.where]
        got = ", ".join(f"{item.fact} is {_shown(finding.facts.get(item.fact, '?'))}" for item in leaf.where)
        got = got or f"{finding.code} on {finding.instance}"
        if all(truth is Truth.TRUE for truth in truths):
            return Answer(leaf, Truth.TRUE, got, fingerprint=finding.fingerprint)
        if Truth.FALSE not in truths:
            unsure = next(item for item, truth in zip(leaf.where, truths, strict=True) if truth is Truth.UNKNOWN)
            best = Answer(leaf, Truth.UNKNOWN, got, ask=_missing(unsure, situation))
        elif best.truth is Truth.FALSE:
            best = Answer(leaf, Truth.FALSE, got)
    return best


def _missing(comparison: Comparison, situation: Situation) -> str:
    """The fact that was not there to compare with."""
    other = comparison.value
    if comparison.operator is Operator.SAME_AS and isinstance(other, str) and other not in situation.facts:
        return other
    return comparison.fact


def _answer_package(leaf: PackageLeaf, situation: Situation) -> Answer:
    if situation.packages is None:
        return Answer(leaf, Truth.UNKNOWN, ask="packages")
    version = situation.packages.get(leaf.package)
    if version is None:
        return Answer(leaf, Truth.FALSE, f"{leaf.package} is not installed")
    new_enough = leaf.at_least is None or compare_versions(version, leaf.at_least) >= 0
    old_enough = leaf.below is None or compare_versions(version, leaf.below) < 0
    truth = Truth.TRUE if new_enough and old_enough else Truth.FALSE
    return Answer(leaf, truth, f"{leaf.package} is {version}")


def compare(comparison: Comparison, facts: Mapping[str, Fact], machine: Mapping[str, Fact]) -> Truth:
    """A missing fact is unknown; a fact of another type than asked for is false, never an error."""
    if comparison.fact not in facts:
        return Truth.UNKNOWN
    got, wanted = facts[comparison.fact], comparison.value
    match comparison.operator:
        case Operator.SAME_AS:
            if not isinstance(wanted, str) or wanted not in machine:
                return Truth.UNKNOWN
            return _truth(got == machine[wanted])
        case Operator.IS:
            return _truth((type(got) is type(wanted) and got == wanted) or _both_numbers(got, wanted, "=="))
        case Operator.IS_NOT:
            return _truth(got != wanted)
        case Operator.AT_LEAST:
            return _truth(_both_numbers(got, wanted, ">="))
        case Operator.AT_MOST:
            return _truth(_both_numbers(got, wanted, "<="))
        case Operator.ONE_OF:
            return _truth(isinstance(wanted, tuple) and got in wanted)
        case Operator.CONTAINS:
            return _truth(isinstance(got, str) and isinstance(wanted, str) and wanted in got)
        case Operator.STARTS_WITH:
            return _truth(isinstance(got, str) and isinstance(wanted, str) and got.startswith(wanted))


def _truth(value: bool) -> Truth:
    return Truth.TRUE if value else Truth.FALSE


def _both_numbers(got: object, wanted: object, operator: str) -> bool:
    for item in (got, wanted):
        if isinstance(item, bool) or not isinstance(item, (int, float)):
            return False
    assert isinstance(got, (int, float))  # noqa: S101 — the loop above
    assert isinstance(wanted, (int, float))  # noqa: S101
    if operator == ">=":
        return got >= wanted
    return got <= wanted if operator == "<=" else got == wanted


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return "(" + ", ".join(str(item) for item in value) + ")"
    return str(value)
