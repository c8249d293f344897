"""What is told to somebody who says that something is wrong: what was found, why, what would decide, what helps.

    words ─► issues that speak of them ─► checks that matter ─► a look at the machine, now ─► Advice
             findings    each with the known issues that explain it, ranked, with their reasons and fixes
             questions   what only the person at the machine knows; their answer makes another look
             guesses     what the words speak of, and nothing that was found says yes or no to
    an issue that what was found contradicts is not in it, however well its words fit

Made in the check worker, with no network, from the issues on this machine: our own and the organisation's signed pack.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agent.watch.advised import Advice, AdvisedFinding, Asked, Explaining, Fix
from diagnostics.checks.catalogue import CATALOGUE, code_rules
from diagnostics.checks.contract import CheckSpec
from diagnostics.examine import Examination
from diagnostics.findings import Change, Finding
from diagnostics.knowledge.conclude import Conclusion, conclude, judged_codes, open_questions
from diagnostics.knowledge.conditions import Truth
from diagnostics.knowledge.explain import explanation_of
from diagnostics.knowledge.issue import KnownIssue
from diagnostics.knowledge.match import judge_issue
from diagnostics.knowledge.search import Hit
from diagnostics.knowledge.symptoms import checks_that_matter, codes_of, symptom_index
from diagnostics.machine.interface import Machine, Platform
from diagnostics.remedies.profile import profiles
from diagnostics.wording import Language, Words

GUESSES_MAX = 4
_NAMED_FOR = {"mac-": Platform.MACOS, "windows-": Platform.WINDOWS}


@dataclass(frozen=True, slots=True)
class Said:
    """What the words point to, before the look."""

    hits: tuple[Hit, ...]
    checks: frozenset[str]


def heard(words: str, issues: Sequence[KnownIssue], checks: Sequence[CheckSpec]) -> Said:
    hits = symptom_index(issues, dict(code_rules())).search(words)
    return Said(hits, frozenset(checks_that_matter(hits, issues, checks)))


def advice_of(
    said: Said,
    issues: Sequence[KnownIssue],
    examined: Examination,
    machine: Machine,
    *,
    answers: Mapping[str, bool],
    changes: tuple[Change, ...] | None,
    now: int,
    language: Language,
) -> Advice:
    concluded = conclude(
        issues,
        examined.findings,
        machine,
        judged=judged_codes(examined),
        now=now,
        changes=changes,
        answers=answers,
    )
    told = {hit.id: tuple(dict.fromkeys(word for word, _ in hit.because)) for hit in said.hits}
    spoken_of = {code for issue in issues if issue.id in told for code in codes_of(issue)}
    # The surest known issue that the words speak of makes its finding the first.
    place = {hit.id: at for at, hit in enumerate(said.hits)}
    found = [_advised(finding, concluded, told, language) for finding in examined.findings]
    codes = {finding.fingerprint: finding for finding in examined.findings}
    found.sort(
        key=lambda each: (
            min((place.get(known.issue, len(place)) for known in each.known), default=len(place)),
            codes[each.fingerprint].code not in spoken_of,
            -codes[each.fingerprint].severity.rank,
            each.fingerprint,
        )
    )
    return Advice(
        findings=tuple(found),
        questions=tuple(Asked(*each) for each in open_questions(concluded, language).items()),
        guesses=_guesses(said, issues, concluded, told, machine.platform, language),
        looked=len(examined.checks),
    )


def _advised(
    finding: Finding, concluded: Conclusion, told: Mapping[str, tuple[str, ...]], language: Language
) -> AdvisedFinding:
    explanation = explanation_of(finding, concluded, language)
    words = explanation.words
    known = [
        Explaining(
            issue=match.issue.id,
            certainty=match.issue.certainty.value,
            title=match.explain(language).title,
            text=match.explain(language).text,
            because=tuple(f"{answer.leaf}: {answer.got}" for answer in match.because),
            said=told.get(match.issue.id, ()),
            fixes=_fixes(match.issue.remedies, finding.fingerprint, language),
            article=match.issue.article,
            links=match.issue.links,
        )
        for match in explanation.known
    ]
    named = {fix.remedy for each in known for fix in each.fixes}
    own = [offer.id for offer in finding.remedies if offer.id not in named]
    return AdvisedFinding(
        fingerprint=finding.fingerprint,
        severity=finding.severity.value,
        title=words.title,
        text=words.text,
        changes=tuple(change.what for change in finding.changes[:3]),
        known=tuple(known),
        fixes=_fixes(own, finding.fingerprint, language),
    )


def _guesses(
    said: Said,
    issues: Sequence[KnownIssue],
    concluded: Conclusion,
    told: Mapping[str, tuple[str, ...]],
    platform: Platform,
    language: Language,
) -> tuple[Explaining, ...]:
    """What the words speak of and the look neither confirmed nor contradicted."""
    by_id = {issue.id: issue for issue in issues}
    guesses: list[Explaining] = []
    for hit in said.hits:
        issue = by_id[hit.id]
        here = judge_issue(issue, concluded.situation)[0] is Truth.UNKNOWN and _can_be_seen(issue, platform)
        if not here:
            continue
        # Nothing was found to fill its figures with: a sentence with holes says less than none.
        raw = issue.words[language]
        words = Words(raw.title.partition("{")[0].strip(), "" if "{" in raw.text else raw.text)
        guesses.append(
            Explaining(
                issue=issue.id,
                certainty="possible",
                title=words.title,
                text=words.text,
                said=told[hit.id],
                article=issue.article,
                links=issue.links,
            )
        )
    return tuple(guesses[:GUESSES_MAX])


def _can_be_seen(issue: KnownIssue, platform: Platform) -> bool:
    """What only another system has is no guess here: it says so in its name, or no check of this one looks for it."""
    if any(issue.id.startswith(prefix) and platform is not its for prefix, its in _NAMED_FOR.items()):
        return False
    seen_here = {code for check in CATALOGUE if platform in check.platforms for code in check.codes}
    codes = codes_of(issue)
    return not codes or not seen_here.isdisjoint(codes)


def _fixes(remedies: Sequence[str], fingerprint: str, language: Language) -> tuple[Fix, ...]:
    return tuple(
        Fix(name, profile.words[language].title, int(profile.risk), fingerprint)
        for name in dict.fromkeys(remedies)
        if (profile := profiles().get(name)) is not None
    )
