"""Stage one of asking for help: is there an answer already? A signature of 2 KB, and an id that comes back.

    findings that nothing here explains ──► symptoms (published values alone) ──► server
    id of a known issue ◄────────────────────────────────────────────────────────┘
      in the pack that the organisation signed?   ── no ──► not shown, noted
      for this device, about what was found here, not contradicted by it? (a child) ── no ──► not shown
    shown to the customer, who may still send everything, or nothing

Nothing that the server says here can make anything be collected or sent: stage two is asking.py, and the customer's
yes.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from agent.children import run_child
from agent.clocks import Clocks
from agent.event_log import EventLog
from agent.identity.identity import Identity
from agent.identity.trust_store import TrustStore
from agent.link.link import Link
from agent.local.verbs import NoArguments, Peer, Verb
from agent.refusal import Refusal
from agent.uuid7 import uuid7
from agent.watch.finding_store import CheckRun, FindingStore
from agent.watch.look import CheckLine, Explained, SeenFinding
from agent.watch.report import told_checks
from diagnostics.findings import Finding
from diagnostics.strict_json import StrictJsonError, decode, dump_json, encode, load_json
from protocol.messages.report import ReportedSeverity
from protocol.messages.symptoms import CHECKS_MAX, FINDINGS_MAX, Symptom, SymptomAnswer, Symptoms

# A person waits; a server that says nothing in this time knows nothing.
ANSWER_TIMEOUT_S: Final = 5.0
_CHILD_TIMEOUT_S: Final = 30.0
_ANSWER_MAX_BYTES: Final = 256 * 1024


@dataclass(frozen=True)
class AnswerRequest:
    """What the child judges: one text of the signed pack against what was found here. `ran`: checks that looked."""

    issue: str
    text: str
    device: str
    now: int
    findings: tuple[Finding, ...]
    ran: tuple[str, ...]


@dataclass(frozen=True)
class KnownAnswer:
    """What may be shown, in the words that the organisation signed; `unfit`: why it is not shown."""

    issue: str
    version: int = 0
    certainty: str = ""
    words: Mapping[str, Explained] = field(default_factory=lambda: MappingProxyType({}))
    article: str = ""
    links: tuple[str, ...] = ()
    remedies: tuple[str, ...] = ()
    explains: tuple[str, ...] = ()
    unfit: str = ""


def unexplained(findings: Sequence[SeenFinding]) -> list[SeenFinding]:
    """The gravest that no known issue explains here."""
    open_here = [entry for entry in findings if entry.known_issue is None]
    return sorted(open_here, key=lambda entry: -entry.finding.severity.rank)[:FINDINGS_MAX]


def symptoms_of(
    entries: Sequence[SeenFinding], runs: Sequence[CheckRun], *, pseudonym: Callable[[str], str], pack: int
) -> Symptoms:
    """Pure but for its id. Values of the published list alone: which applications are watched stays here too."""
    told = told_checks([CheckLine(run.id, run.status, 0, "") for run in runs])
    return Symptoms(
        id=uuid7(),
        pack=pack,
        findings=tuple(
            Symptom(
                code=entry.finding.code,
                instance=pseudonym(entry.finding.instance),
                severity=ReportedSeverity(entry.finding.severity.value),
            )
            for entry in entries
        ),
        checks=tuple(check.id for check in told if check.status == "finding")[:CHECKS_MAX],
    )


async def run_worker(request: bytes) -> bytes:
    answer = await run_child(
        "agent.bundles.answer_worker", request, timeout_s=_CHILD_TIMEOUT_S, answer_max_bytes=_ANSWER_MAX_BYTES
    )
    if answer.exit_code != 0:
        reason = answer.stderr[-300:].decode("utf-8", "replace")
        raise Refusal("the answer could not be judged", expected="exit code 0", got=reason)
    return answer.stdout


class KnownAnswers:
    def __init__(
        self,
        identity: Identity,
        trust: TrustStore,
        findings: FindingStore,
        link: Link,
        clocks: Clocks,
        *,
        log: EventLog,
        worker: Callable[[bytes], Awaitable[bytes]] = run_worker,
        timeout_s: float = ANSWER_TIMEOUT_S,
    ) -> None:
        self._identity = identity
        self._trust = trust
        self._findings = findings
        self._link = link
        self._clocks = clocks
        self._log = log
        self._worker = worker
        self._timeout_s = timeout_s

    def verbs(self) -> Sequence[Verb[Any]]:
        return (Verb("ask-answer", NoArguments, self._verb, refused_to_sessions=True),)

    async def _verb(self, _: NoArguments, peer: Peer) -> object:
        found = await self.ask()
        return {"answer": None if found is None else encode(found)}

    async def ask(self) -> KnownAnswer | None:
        """An answer that may be shown; None when there is none. Never raises for what a server says or does not."""
        entries = unexplained(self._findings.visible())
        pack = self._trust.trust.known_issues(self._clocks.wall())
        if not entries or pack is None:
            return None
        asked = symptoms_of(entries, self._findings.check_runs(), pseudonym=self._identity.pseudonym, pack=pack.version)
        try:
            said = await self._link.ask(asked, SymptomAnswer, lambda answer: answer.id == asked.id, self._timeout_s)
        except Refusal as away:
            self._log.debug("no-answer", reason=away.what)
            return None
        if said.issue is None:
            return None
        text = next((issue.toml for issue in pack.issues if issue.id == said.issue), None)
        if text is None:
            self._log.warning("answer-not-in-pack", issue=said.issue)
            return None
        return await self._judged(said.issue, text, entries)

    async def _judged(self, issue: str, text: str, entries: Sequence[SeenFinding]) -> KnownAnswer | None:
        request = AnswerRequest(
            issue=issue,
            text=text,
            device=self._identity.device,
            now=self._clocks.wall(),
            findings=tuple(entry.finding for entry in entries),
            ran=tuple(run.id for run in self._findings.check_runs() if run.status in ("ok", "finding")),
        )
        try:
            found = decode(KnownAnswer, load_json(await self._worker(dump_json(encode(request)).encode())))
        except (Refusal, StrictJsonError) as error:
            self._log.warning("answer-not-judged", issue=issue, reason=str(error))
            return None
        if found.unfit or found.issue != issue:
            self._log.warning("answer-does-not-fit", issue=issue, reason=found.unfit)
            return None
        return found
