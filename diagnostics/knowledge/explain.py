"""What is known of one finding, gathered for whoever shows it: matches, near misses, questions, with their reasons.

    finding ─┬─ known     the issues that explain it, each with the facts that hold it up
             ├─ nearly    the issues that one single fact keeps from firing: what was seen, or why nobody could look
             └─ ask       what only the person at the machine knows, and what would follow from it

Pure: the machine was asked before (conclude.py).
"""

from __future__ import annotations

from dataclasses import dataclass

from diagnostics.checks.catalogue import explain
from diagnostics.findings import Finding
from diagnostics.knowledge.conclude import Conclusion
from diagnostics.knowledge.conditions import Answer, AskLeaf, FindingLeaf, leaves
from diagnostics.knowledge.match import Match, NearMiss
from diagnostics.wording import Language, Words

# More than these help nobody to decide; they come surest first.
NEAR_MISSES_MAX = 5


@dataclass(frozen=True, slots=True)
class Nearly:
    """`why`: what was seen instead, or why nobody could look."""

    miss: NearMiss
    why: str


@dataclass(frozen=True, slots=True)
class Question:
    """`id` is what an answer is given to."""

    id: str
    text: str
    issue: str


@dataclass(frozen=True, slots=True)
class Explanation:
    finding: Finding
    language: Language
    known: tuple[Match, ...]
    nearly: tuple[Nearly, ...]
    questions: tuple[Question, ...]

    @property
    def words(self) -> Words:
        return explain(self.finding, self.language)

    def to_value(self) -> dict[str, object]:
        """As `--json` shows it."""
        return {
            "fingerprint": self.finding.fingerprint,
            "severity": str(self.finding.severity),
            "title": self.words.title,
            "text": self.words.text,
            "changes": [change.what for change in self.finding.changes],
            "known": [self._known(match) for match in self.known],
            "nearly": [
                {
                    "issue": near.miss.issue.id,
                    "title": near.miss.issue.explain(self.language, self.finding.facts).title,
                    "if": str(near.miss.deciding.leaf),
                    "why": near.why,
                    "ask": near.miss.deciding.ask,
                }
                for near in self.nearly
            ],
            "questions": [{"id": each.id, "text": each.text, "issue": each.issue} for each in self.questions],
        }

    def _known(self, match: Match) -> dict[str, object]:
        words = match.explain(self.language)
        return {
            "issue": match.issue.id,
            "version": match.issue.version,
            "certainty": str(match.issue.certainty),
            "title": words.title,
            "text": words.text,
            "because": [{"if": str(answer.leaf), "got": answer.got} for answer in match.because],
            "remedies": list(match.issue.remedies),
            "article": match.issue.article,
            "links": list(match.issue.links),
        }


def explanation_of(finding: Finding, conclusion: Conclusion, language: Language) -> Explanation:
    """What of a conclusion concerns this finding."""
    matching = conclusion.matching
    known = tuple(match for match in matching.matches if finding.fingerprint in match.explains)
    misses = [miss for miss in matching.near_misses if _concerns(miss, finding)]
    questions = tuple(
        Question(leaf.question, miss.issue.questions[leaf.question][language], miss.issue.id)
        for miss in misses
        if isinstance(leaf := miss.deciding.leaf, AskLeaf) and miss.deciding.ask
    )
    nearly = [
        Nearly(miss, why(miss.deciding, conclusion)) for miss in misses if not isinstance(miss.deciding.leaf, AskLeaf)
    ]
    return Explanation(finding, language, known, tuple(nearly[:NEAR_MISSES_MAX]), questions)


def why(deciding: Answer, conclusion: Conclusion) -> str:
    """What kept a near miss from firing."""
    return conclusion.unanswered.get(deciding.ask, "nobody looked") if deciding.ask else deciding.got


def _concerns(miss: NearMiss, finding: Finding) -> bool:
    """A leaf about this very finding holds; or the issue speaks of its code, and no other finding is in it."""
    held = {answer.fingerprint for answer in miss.because if answer.fingerprint}
    if held:
        return finding.fingerprint in held
    return any(isinstance(leaf, FindingLeaf) and leaf.code == finding.code for leaf in leaves(miss.issue.when))
