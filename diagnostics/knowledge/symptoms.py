"""Which known issues somebody's words speak of, and which checks would see them. Pure; works without any network.

    "disc is full, cannot save"  ─► issues by their words ─► the findings they speak of ─► checks that look for these

What is found by words is a guess until the machine was looked at: conclude.py decides, this only says where to look.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from diagnostics.checks.contract import CheckSpec, CodeRule
from diagnostics.collectors.contract import Cost
from diagnostics.knowledge.conditions import FindingLeaf, LogLeaf, leaves
from diagnostics.knowledge.issue import KnownIssue
from diagnostics.knowledge.search import Hit, Index, Text
from diagnostics.wording import Language

_TITLE, _CODE, _QUESTION, _TEXT, _ARTICLE = 3.0, 2.0, 2.0, 1.5, 1.0


def symptom_index(issues: Iterable[KnownIssue], codes: dict[str, CodeRule]) -> Index:
    """Issues by their titles, texts, questions, articles, the error lines they look for, and their findings' titles."""
    return Index(text_of(issue, codes) for issue in issues)


def codes_of(issue: KnownIssue) -> tuple[str, ...]:
    return tuple(dict.fromkeys(leaf.code for leaf in leaves(issue.when) if isinstance(leaf, FindingLeaf)))


def checks_that_matter(
    hits: Sequence[Hit], issues: Iterable[KnownIssue], checks: Sequence[CheckSpec]
) -> tuple[str, ...]:
    """Ids: what costs nothing, and what looks for the findings that the words speak of. All where nothing was found:
    then nobody knows where to look."""
    named = {hit.id for hit in hits}
    codes = {code for issue in issues if issue.id in named for code in codes_of(issue)}
    return tuple(
        check.id for check in checks if not codes or check.cost is Cost.CHEAP or not codes.isdisjoint(check.codes)
    )


def text_of(issue: KnownIssue, codes: dict[str, CodeRule]) -> Text:
    fields: list[tuple[float, str]] = [(_CODE, issue.id), (_ARTICLE, issue.article)]
    for language in Language:
        words = issue.words[language]
        fields += [(_TITLE, words.title), (_TEXT, words.text)]
        fields += [(_QUESTION, question[language]) for question in issue.questions.values()]
    for leaf in leaves(issue.when):
        if isinstance(leaf, LogLeaf):
            fields.append((_TITLE, leaf.contains))
    for code in codes_of(issue):
        fields.append((_CODE, code))
        if code in codes:
            fields += [(_CODE, codes[code].words[language].title) for language in Language]
    return Text(issue.id, tuple(fields))
