"""A known issue as data: when it is, what it means, what helps, and the cases that prove it.

    id = "tmp-fills-disk"           version = 1           certainty = "likely"       priority = 60
    article = "…"                   links = [ … ]         remedies = [ "clean-user-cache" ]
    [title]   en = "…"  ru = "…"    [explain] en = "…"  ru = "…"
    [when]    all = [ {finding = …}, {fact = …, at_least = …} ]
    [[questions]] id = "dual-boot"  en = "…?"  ru = "…?"          what an `ask` condition asks a person
    [rollout] mode = "shadow"  share_percent = 10                shown to nobody yet, tried by a tenth of all devices
    [[cases]] name = "…"  expect = "fires" | "quiet" | "unknown"  findings = [ … ]  facts = { … }

Reading is strict: an unknown key, an unknown operator or a missing language is refused with its place. An issue
without a case that fires and one that stays quiet is refused too.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import cast

from diagnostics.findings import Change, Fact, Finding, Severity
from diagnostics.knowledge.conditions import (
    All,
    AnyOf,
    AskLeaf,
    ChangeLeaf,
    Comparison,
    Condition,
    FactLeaf,
    FindingLeaf,
    LogLeaf,
    Not,
    Operator,
    PackageLeaf,
    Situation,
    leaves,
)
from diagnostics.wording import Language, Words, fill

# One issue is a page of text; a pack of a thousand of them stays small.
ISSUE_MAX_BYTES = 64 * 1024
DEPTH_MAX = 6
LEAVES_MAX = 50
# A moment for cases that do not name one.
CASE_NOW_UNIX_S = 1_800_000_000


class Certainty(StrEnum):
    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"


class Expectation(StrEnum):
    FIRES = "fires"
    QUIET = "quiet"
    UNKNOWN = "unknown"


class WrongIssue(ValueError):
    """The file is not a known issue; the message names the place, what was expected and what came."""


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    expect: Expectation
    situation: Situation


class Mode(StrEnum):
    """A shadow is held against every machine and counted, and nobody is told: so a rule is tried before it speaks."""

    SHOWN = "shown"
    SHADOW = "shadow"


@dataclass(frozen=True, slots=True)
class Rollout:
    """Whom an issue of a pack is for. `share_percent`: of the devices, always the same ones; see rollout.py."""

    mode: Mode = Mode.SHOWN
    share_percent: int = 100


@dataclass(frozen=True, slots=True)
class KnownIssue:
    id: str
    version: int
    certainty: Certainty
    priority: int
    words: Mapping[Language, Words]
    when: Condition
    remedies: tuple[str, ...]
    article: str
    links: tuple[str, ...]
    cases: tuple[Case, ...]
    questions: Mapping[str, Mapping[Language, str]] = field(default_factory=dict)
    rollout: Rollout = Rollout()

    def explain(self, language: Language, facts: Mapping[str, Fact]) -> Words:
        """Title and text with facts filled in."""
        words = self.words[language]
        return Words(fill(words.title, facts, language), fill(words.text, facts, language))


class _Table:
    """A TOML table that is taken apart key by key; what is left at the end is refused."""

    def __init__(self, value: object, place: str) -> None:
        if not isinstance(value, dict):
            raise WrongIssue(f"{place}: expected a table, got {type(value).__name__}")
        self.left = dict(cast("dict[str, object]", value))
        self.place = place

    def take(self, key: str, default: object = None) -> object:
        if key not in self.left and default is None:
            raise WrongIssue(f"{self.place}: {key} is missing")
        return self.left.pop(key, default)

    def text(self, key: str, default: str | None = None) -> str:
        value = self.take(key, default)
        if not isinstance(value, str):
            raise WrongIssue(f"{self.place}.{key}: expected text, got {value!r}")
        return value

    def whole(self, key: str) -> int:
        value = self.take(key)
        if type(value) is not int:
            raise WrongIssue(f"{self.place}.{key}: expected a whole number, got {value!r}")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.take(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise WrongIssue(f"{self.place}.{key}: expected a list of texts, got {value!r}")
        return tuple(value)

    def items(self, key: str) -> list[object]:
        value = self.take(key, [])
        if not isinstance(value, list):
            raise WrongIssue(f"{self.place}.{key}: expected a list, got {value!r}")
        return value

    def end(self) -> None:
        if self.left:
            raise WrongIssue(f"{self.place}: unknown key {sorted(self.left)[0]!r}")


def parse_issue(text: str, *, source: str = "issue") -> KnownIssue:
    """Read one issue. Raises WrongIssue."""
    if len(text.encode()) > ISSUE_MAX_BYTES:
        raise WrongIssue(f"{source}: expected at most {ISSUE_MAX_BYTES} bytes")
    try:
        table = _Table(tomllib.loads(text), source)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise WrongIssue(f"{source}: not TOML: {error}") from error
    titles, texts = _languages(table, "title"), _languages(table, "explain")
    certainty = table.text("certainty")
    if certainty not in tuple(Certainty):
        raise WrongIssue(f"{source}.certainty: expected one of {', '.join(Certainty)}, got {certainty!r}")
    issue = KnownIssue(
        id=table.text("id"),
        version=table.whole("version"),
        certainty=Certainty(certainty),
        priority=table.whole("priority"),
        words={language: Words(titles[language], texts[language]) for language in Language},
        when=_condition(table.take("when"), f"{source}.when", DEPTH_MAX),
        remedies=table.texts("remedies"),
        article=table.text("article", ""),
        links=table.texts("links"),
        cases=tuple(_case(item, f"{source}.cases[{index}]") for index, item in enumerate(table.items("cases"))),
        questions=_questions(table),
        rollout=_rollout(table),
    )
    table.end()
    asked = {leaf.question for leaf in leaves(issue.when) if isinstance(leaf, AskLeaf)}
    if asked != set(issue.questions):
        one = sorted(asked ^ set(issue.questions))[0]
        raise WrongIssue(
            f"{source}: the question {one!r} is {'asked and not written' if one in asked else 'not asked'}"
        )
    for needed in (Expectation.FIRES, Expectation.QUIET):
        if not any(case.expect is needed for case in issue.cases):
            raise WrongIssue(f"{source}: expected at least one case that {needed}, found none")
    return issue


def load_issues(folder: Path) -> tuple[KnownIssue, ...]:
    """All `*.toml` of a folder, by id. Raises WrongIssue, also when two share an id or a file bears another name."""
    issues: dict[str, KnownIssue] = {}
    for path in sorted(folder.glob("*.toml")):
        issue = parse_issue(path.read_text(encoding="utf-8"), source=path.name)
        if path.stem != issue.id:
            raise WrongIssue(f"{path.name}: expected the id {path.stem!r}, got {issue.id!r}")
        issues[issue.id] = issue
    return tuple(issues.values())


def own_issues() -> tuple[KnownIssue, ...]:
    """The issues that come with the program."""
    return load_issues(Path(__file__).parent / "issues")


def _languages(table: _Table, key: str) -> dict[Language, str]:
    inner = _Table(table.take(key), f"{table.place}.{key}")
    words = {language: inner.text(language) for language in Language}
    inner.end()
    for language, text in words.items():
        try:
            fill(text, {}, language)
        except ValueError as error:
            raise WrongIssue(f"{inner.place}.{language}: {error}") from error
    return words


def _questions(table: _Table) -> dict[str, dict[Language, str]]:
    questions: dict[str, dict[Language, str]] = {}
    for item in table.items("questions"):
        inner = _Table(item, f"{table.place}.questions")
        name = inner.text("id")
        if name in questions:
            raise WrongIssue(f"{inner.place}: the question {name!r} is written twice")
        questions[name] = {language: inner.text(language) for language in Language}
        inner.end()
    return questions


def _rollout(table: _Table) -> Rollout:
    if "rollout" not in table.left:
        return Rollout()
    inner = _Table(table.take("rollout"), f"{table.place}.rollout")
    mode = inner.text("mode", Mode.SHOWN)
    if mode not in tuple(Mode):
        raise WrongIssue(f"{inner.place}.mode: expected one of {', '.join(Mode)}, got {mode!r}")
    share = inner.whole("share_percent") if "share_percent" in inner.left else 100
    inner.end()
    if not 1 <= share <= 100:
        raise WrongIssue(f"{inner.place}.share_percent: expected 1 to 100, got {share}")
    return Rollout(Mode(mode), share)


def _condition(value: object, place: str, depth: int) -> Condition:
    if depth == 0:
        raise WrongIssue(f"{place}: expected at most {DEPTH_MAX} levels")
    table = _Table(value, place)
    for word, kind in (("all", All), ("any", AnyOf)):
        if word in table.left:
            items = table.items(word)
            table.end()
            if not 1 <= len(items) <= LEAVES_MAX:
                raise WrongIssue(f"{place}.{word}: expected 1 to {LEAVES_MAX} conditions, got {len(items)}")
            return kind(
                tuple(_condition(item, f"{place}.{word}[{index}]", depth - 1) for index, item in enumerate(items))
            )
    if "not" in table.left:
        inner = table.take("not")
        table.end()
        return Not(_condition(inner, f"{place}.not", depth - 1))
    return _leaf(table)


def _leaf(table: _Table) -> Condition:
    leaf: Condition
    if "finding" in table.left:
        where = tuple(_comparison(_Table(item, f"{table.place}.where")) for item in table.items("where"))
        leaf = FindingLeaf(table.text("finding"), where)
    elif "fact" in table.left:
        return FactLeaf(_comparison(table))
    elif "log" in table.left:
        leaf = LogLeaf(table.text("log"), table.text("contains"))
    elif "package" in table.left:
        leaf = PackageLeaf(table.text("package"), table.text("at_least", "") or None, table.text("below", "") or None)
    elif "changed" in table.left:
        leaf = ChangeLeaf(table.text("changed"), table.whole("within_s"))
    elif "ask" in table.left:
        question, wanted = table.text("ask"), table.take("is")
        if not isinstance(wanted, bool):
            raise WrongIssue(f"{table.place}.is: expected true or false, got {wanted!r}")
        leaf = AskLeaf(question, wanted)
    else:
        raise WrongIssue(
            f"{table.place}: expected all, any, not, finding, fact, log, package, changed or ask, "
            f"got {', '.join(sorted(table.left)) or 'nothing'}"
        )
    table.end()
    return leaf


def _comparison(table: _Table) -> Comparison:
    fact = table.text("fact")
    found = [operator for operator in Operator if operator in table.left]
    if len(found) != 1:
        raise WrongIssue(f"{table.place}: expected one operator of {', '.join(Operator)}, got {len(found)}")
    value = table.take(found[0])
    table.end()
    if found[0] is Operator.ONE_OF:
        if not isinstance(value, list) or not value:
            raise WrongIssue(f"{table.place}.one_of: expected a list, got {value!r}")
        return Comparison(fact, found[0], tuple(_fact(item, table.place) for item in value))
    return Comparison(fact, found[0], _fact(value, table.place))


def _fact(value: object, place: str) -> Fact:
    if isinstance(value, (bool, int, float, str)):
        return value
    raise WrongIssue(f"{place}: expected text, a number or true/false, got {value!r}")


def _facts(value: object, place: str) -> dict[str, Fact]:
    return {key: _fact(item, f"{place}.{key}") for key, item in _Table(value, place).left.items()}


def _case(value: object, place: str) -> Case:
    table = _Table(value, place)
    name, expect = table.text("name"), table.text("expect")
    if expect not in tuple(Expectation):
        raise WrongIssue(f"{place}.expect: expected one of {', '.join(Expectation)}, got {expect!r}")
    findings = tuple(_case_finding(item, f"{place}.findings") for item in table.items("findings"))
    logs = _Table(table.take("logs", {}), f"{place}.logs")
    packages = table.take("packages", {}) if "packages" in table.left else None
    situation = Situation(
        now=CASE_NOW_UNIX_S,
        findings=findings,
        judged=frozenset(table.texts("judged")) | {finding.code for finding in findings},
        facts=_facts(table.take("facts", {}), f"{place}.facts"),
        logs={log: logs.texts(log) for log in list(logs.left)},
        packages=None if packages is None else _versions(packages, f"{place}.packages"),
        changes=_changes(table, place),
        answers=_answers(table, place),
    )
    table.end()
    return Case(name, Expectation(expect), situation)


def _versions(value: object, place: str) -> dict[str, str]:
    table = _Table(value, place)
    return {name: table.text(name) for name in list(table.left)}


def _changes(table: _Table, place: str) -> tuple[Change, ...] | None:
    """`changes = [ { what = "package:x", ago_s = 3600 } ]`; none given means nobody looked."""
    if "changes" not in table.left:
        return None
    changes = []
    for item in table.items("changes"):
        inner = _Table(item, f"{place}.changes")
        changes.append(Change(CASE_NOW_UNIX_S - inner.whole("ago_s"), inner.text("what")))
        inner.end()
    return tuple(changes)


def _answers(table: _Table, place: str) -> dict[str, bool]:
    answers: dict[str, bool] = {}
    for question, said in _Table(table.take("answers", {}), f"{place}.answers").left.items():
        if not isinstance(said, bool):
            raise WrongIssue(f"{place}.answers.{question}: expected true or false, got {said!r}")
        answers[question] = said
    return answers


def _case_finding(value: object, place: str) -> Finding:
    table = _Table(value, place)
    severity = table.text("severity", Severity.WARNING)
    if severity not in tuple(Severity):
        raise WrongIssue(f"{place}.severity: expected one of {', '.join(Severity)}, got {severity!r}")
    finding = Finding(
        code=table.text("code"),
        instance=table.text("instance"),
        severity=Severity(severity),
        rule="case@1",
        first_seen_unix_s=CASE_NOW_UNIX_S,
        last_seen_unix_s=CASE_NOW_UNIX_S,
        facts=_facts(table.take("facts", {}), f"{place}.facts"),
    )
    table.end()
    return finding
