"""Holds one known issue that the server named against what was found here. `python -m agent.bundles.answer_worker`

< AnswerRequest > KnownAnswer. A child, because reading known issues costs memory that the idle service does without.
An issue that this device's own rules would not show (on trial, stopped, for other devices, failing its own cases), that
speaks of something else, or that what was found contradicts, is unfit, whoever named it.
"""

import sys
from typing import Final

from agent.bundles.known_answers import AnswerRequest, KnownAnswer
from agent.watch.look import Explained
from diagnostics.checks.catalogue import CATALOGUE
from diagnostics.knowledge.conditions import FindingLeaf, Situation, Truth, leaves
from diagnostics.knowledge.issue import KnownIssue, own_issues
from diagnostics.knowledge.match import judge_issue
from diagnostics.knowledge.rollout import roll_out
from diagnostics.strict_json import decode, dump_json, encode, load_json
from diagnostics.wording import Language

REQUEST_MAX_BYTES: Final = 4 * 1024 * 1024


def answered(request: AnswerRequest) -> KnownAnswer:
    own = [issue for issue in own_issues() if issue.id == request.issue]
    rolled = roll_out(own, {request.issue: request.text}, device=request.device)
    issue = next((each for each in rolled.shown if each.id == request.issue), None)
    if issue is None:
        return KnownAnswer(request.issue, unfit=rolled.unused[0] if rolled.unused else "it is not for this device now")
    spoken_of = {leaf.code for leaf in leaves(issue.when) if isinstance(leaf, FindingLeaf)}
    about = [finding for finding in request.findings if finding.code in spoken_of]
    if not about:
        return KnownAnswer(request.issue, unfit="it speaks of something else than what was found here")
    truth, _ = judge_issue(issue, _situation(request))
    if truth is Truth.FALSE:
        return KnownAnswer(request.issue, unfit="what was found here contradicts it")
    words = {language.value: issue.explain(language, about[0].facts) for language in Language}
    return KnownAnswer(
        issue=issue.id,
        version=issue.version,
        certainty=_certainty(issue, truth),
        words={language: Explained(said.title, said.text) for language, said in words.items()},
        article=issue.article,
        links=issue.links,
        remedies=issue.remedies,
        explains=tuple(finding.fingerprint for finding in about),
    )


def _situation(request: AnswerRequest) -> Situation:
    """What is known without asking the machine again: findings, and the codes that checks looked for and did not
    find. Everything else is unknown, and contradicts nothing."""
    judged = {code for check in CATALOGUE if check.id in request.ran for code in check.codes}
    return Situation(
        now=request.now,
        findings=request.findings,
        judged=frozenset(judged | {finding.code for finding in request.findings}),
    )


def _certainty(issue: KnownIssue, truth: Truth) -> str:
    """Where this machine has not confirmed it, somebody else's case is a possibility here and no more."""
    return issue.certainty.value if truth is Truth.TRUE else "possible"


def main() -> int:
    request = decode(AnswerRequest, load_json(sys.stdin.buffer.read(REQUEST_MAX_BYTES)))
    sys.stdout.buffer.write(dump_json(encode(answered(request))).encode())
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
