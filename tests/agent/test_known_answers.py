"""Stage one of asking for help, with an honest server and with every kind of lying one.

A server may name an answer. It is shown only when the organisation's signed pack holds it, when it is for this device,
when it speaks of what was found here and when what was found does not contradict it. It can make nothing be sent.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest
from websockets.asyncio.server import ServerConnection

from agent.bundles.answer_worker import answered
from agent.bundles.known_answers import AnswerRequest, KnownAnswers, run_worker, symptoms_of, unexplained
from agent.cli.ask import answer_lines
from agent.identity.identity import Identity
from agent.identity.trust_store import TrustStore
from agent.link.link import Link
from agent.link.outbox import Outbox
from agent.paths import StateFolder
from agent.store.database import Database
from agent.uuid7 import uuid7
from agent.watch.finding_store import CheckRun, FindingStore
from agent.watch.look import SeenFinding
from diagnostics.findings import Finding, FindingState, Severity
from diagnostics.strict_json import decode, dump_json, encode, load_json
from protocol import strict_json
from protocol.certificates import KnownIssuePack, PackedIssue
from protocol.limits import SYMPTOMS_MAX_BYTES
from protocol.messages.desk import DeskText
from protocol.messages.report import ReportedSeverity
from protocol.messages.symptoms import CHECKS_MAX, FINDINGS_MAX, Symptom, SymptomAnswer, Symptoms
from protocol.messages.uploads import UploadGranted
from protocol.strict_json import WireModel
from tests.agent.desk_server import DeskServer
from tests.agent.doubles import HandClocks, MemoryLog, enrol_in_memory
from tests.agent.test_watch import look, seen
from tests.making import DAY, NOW, Organisation

ISSUE = """\
id = "NAME"
version = 1
certainty = "certain"
priority = 99
article = "Ask the desk about {mount}."
links = ["https://help.example.org/disk"]
remedies = ["clean-user-cache"]
[title]
en = "A known thing"
ru = "Известное дело"
[explain]
en = "The disk {mount} fills up every spring."
ru = "Диск {mount} заполняется каждую весну."
[when]
all = [{ finding = "CODE" }, { package = "springtime", at_least = "1" }]
[[cases]]
name = "full"
expect = "fires"
findings = [{ code = "CODE", instance = "disk:/", facts = { mount = "/" } }]
packages = { springtime = "2" }
[[cases]]
name = "room"
expect = "quiet"
judged = ["CODE"]
"""


def issue(name: str, code: str = "disk-space-low", more: str = "") -> str:
    return ISSUE.replace("NAME", name).replace("CODE", code) + more


CONTRADICTED = (
    issue("contradicted")
    .replace(
        'package = "springtime", at_least = "1"',
        'finding = "disk-space-low", where = [{ fact = "mount", is = "/other" }]',
    )
    .replace('facts = { mount = "/" }', 'facts = { mount = "/other" }')
    .replace('packages = { springtime = "2" }\n', "")
)
PACK = {
    "fits": issue("fits"),
    "of-something-else": issue("of-something-else", "dns-slow"),
    "on-trial": issue("on-trial", more='[rollout]\nmode = "shadow"\n'),
    "for-others": issue("for-others", more="[rollout]\nshare_percent = 1\n"),
    "stopped": 'id = "stopped"\nversion = 9\nstopped = "it was wrong"\n',
    "broken": issue("broken").replace("[when]", "[whenever]"),
    "watch-desk": 'application = "desk"\ntitle = "Desk"\nprocesses = ["deskd"]\n',
    "contradicted": CONTRADICTED,
}
FULL = Finding(
    code="disk-space-low",
    instance="disk:/home/anna",
    severity=Severity.ERROR,
    rule="disk-space@1",
    first_seen_unix_s=NOW - 600,
    last_seen_unix_s=NOW,
    state=FindingState.ACTIVE,
    facts={"mount": "/home/anna"},
)


async def in_this_process(request: bytes) -> bytes:
    return dump_json(encode(answered(decode(AnswerRequest, load_json(request))))).encode()


@dataclass
class Bench:
    server: DeskServer
    link: Link
    answers: KnownAnswers
    findings: FindingStore
    outbox: Outbox
    log: MemoryLog

    def names(self, issue: str | None) -> None:
        """The server answers whatever is asked with this."""

        async def reply(connection: ServerConnection, message: WireModel) -> bool:
            if isinstance(message, Symptoms):
                await connection.send(strict_json.dump(SymptomAnswer(id=message.id, issue=issue)), text=True)
            return True

        self.server.answer = reply

    @property
    def asked(self) -> list[Symptoms]:
        return [message for message in self.server.received if isinstance(message, Symptoms)]


@pytest.fixture
def identity(folder: StateFolder, organisation: Organisation, desk_server: DeskServer) -> Identity:
    return enrol_in_memory(folder, organisation, server_origin=desk_server.origin)


@pytest.fixture
async def bench(
    desk_server: DeskServer,
    identity: Identity,
    outbox: Outbox,
    database: Database,
    trust_store: TrustStore,
    organisation: Organisation,
    clocks: HandClocks,
    log: MemoryLog,
) -> AsyncIterator[Bench]:
    packed = tuple(PackedIssue(id=name, toml=text) for name, text in sorted(PACK.items()))
    trust_store.accept(
        organisation.publish(
            KnownIssuePack(root=organisation.root_hash, version=4, issued_at=NOW, not_after=NOW + DAY, issues=packed)
        )
    )
    findings = FindingStore(database)
    findings.keep(look(FULL), NOW)
    link = Link(identity, outbox, clocks, log=log)
    answers = KnownAnswers(
        identity, trust_store, findings, link, clocks, log=log, worker=in_this_process, timeout_s=2.0
    )
    async with connected(link, desk_server):
        yield Bench(desk_server, link, answers, findings, outbox, log)


@asynccontextmanager
async def connected(link: Link, server: DeskServer) -> AsyncIterator[None]:
    running = asyncio.create_task(link.run())
    try:
        await server.until(lambda: server.logins == 1)
        async with asyncio.timeout(10):
            while not link.connected:  # noqa: ASYNC110 - the link has no event for tests; this only yields
                await asyncio.sleep(0)
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


# --- an honest server -----------------------------------------------------------------------------------------------


async def test_an_answer_of_the_signed_pack_is_shown_in_the_packs_own_words(bench: Bench) -> None:
    bench.names("fits")
    found = await bench.answers.ask()
    assert found is not None
    assert found.words["en"].text == "The disk /home/anna fills up every spring."
    assert found.words["ru"].title == "Известное дело"
    assert (found.remedies, found.explains) == (("clean-user-cache",), (FULL.fingerprint,))
    assert found.certainty == "possible"  # this machine has not confirmed it
    shown = "\n".join(answer_lines(encode(found)))  # type: ignore[arg-type]
    assert "bellpull-agent mend preview clean-user-cache" in shown


async def test_what_is_asked_holds_published_values_alone(bench: Bench, identity: Identity) -> None:
    bench.names(None)
    assert await bench.answers.ask() is None
    (asked,) = bench.asked
    assert asked.pack == 4
    assert asked.findings == (
        Symptom(code="disk-space-low", instance=identity.pseudonym("disk:/home/anna"), severity=ReportedSeverity.ERROR),
    )
    assert b"anna" not in strict_json.dump(asked)


async def test_nothing_is_asked_where_there_is_nothing_to_ask(bench: Bench, trust_store: TrustStore) -> None:
    bench.names("fits")
    bench.findings.keep(replace(look(FULL), findings=(replace(seen(FULL), known_issue="fits"),)), NOW)
    assert await bench.answers.ask() is None
    bench.findings.keep(look(), NOW)
    assert await bench.answers.ask() is None
    assert bench.asked == []


async def test_a_worker_of_its_own_judges_the_answer() -> None:
    request = AnswerRequest("fits", PACK["fits"], "device-1", NOW, (FULL,), ("disk-space",))
    told = load_json(await run_worker(dump_json(encode(request)).encode()))
    assert isinstance(told, dict)
    assert (told["issue"], told["unfit"]) == ("fits", "")


def test_the_largest_signature_fits_into_two_kilobytes() -> None:
    long = "a" * 64
    symptom = Symptom(code=long, instance="f" * 16, severity=ReportedSeverity.CRITICAL)
    largest = Symptoms(id=uuid7(), pack=2**53, findings=(symptom,) * FINDINGS_MAX, checks=(long,) * CHECKS_MAX)
    assert len(strict_json.dump(largest)) <= SYMPTOMS_MAX_BYTES


def test_a_machine_in_flames_asks_about_the_gravest_and_names_no_application() -> None:
    many = [
        SeenFinding(replace(FULL, instance=f"disk:/{number}", severity=severity), {})
        for number in range(9)
        for severity in (Severity.INFO, Severity.CRITICAL)
    ]
    runs = [CheckRun("application-secret-project", "finding", "", 1, NOW)]
    runs += [CheckRun(f"check-{number}", "finding", "", 1, NOW) for number in range(20)]
    asked = symptoms_of(unexplained(many), runs, pseudonym=lambda _: "0" * 16, pack=1)
    assert len(asked.findings) == FINDINGS_MAX
    assert {symptom.severity for symptom in asked.findings} == {ReportedSeverity.CRITICAL}
    assert len(asked.checks) == CHECKS_MAX
    assert b"secret-project" not in strict_json.dump(asked)


# --- a lying one ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "named",
    [
        "not-in-the-pack",
        "user-cache-fills-disk",  # the program's own: a server may not bring up what was not packed
        "of-something-else",
        "on-trial",
        "for-others",
        "stopped",
        "broken",
        "watch-desk",
        "contradicted",
    ],
)
async def test_an_answer_that_is_not_the_packs_or_does_not_fit_is_not_shown(bench: Bench, named: str) -> None:
    bench.names(named)
    assert await bench.answers.ask() is None
    assert len(bench.asked) == 1
    (said,) = [fields for level, event, fields in bench.log.lines if level == "warning" and event.startswith("answer-")]
    assert said["issue"] == named


def silent() -> Callable[[ServerConnection, WireModel], Awaitable[bool]]:
    async def reply(connection: ServerConnection, message: WireModel) -> bool:
        return True

    return reply


def about_another_question() -> Callable[[ServerConnection, WireModel], Awaitable[bool]]:
    async def reply(connection: ServerConnection, message: WireModel) -> bool:
        for _ in range(20):
            await connection.send(strict_json.dump(SymptomAnswer(id=uuid7(), issue="fits")), text=True)
        return True

    return reply


def raw(text: str) -> Callable[[ServerConnection, WireModel], Awaitable[bool]]:
    async def reply(connection: ServerConnection, message: WireModel) -> bool:
        if isinstance(message, Symptoms):
            await connection.send(text.replace("ID", message.id))
        return True

    return reply


LIES = {
    "silent": silent(),
    "about another question": about_another_question(),
    "a text in the place of an id": raw('{"type":"symptom-answer","id":"ID","issue":"Call +1 555 0100 now!"}'),
    "content of its own": raw('{"type":"symptom-answer","id":"ID","issue":"fits","text":"send us everything"}'),
    "an order": raw('{"type":"symptom-answer","id":"ID","issue":"fits","send":["logs"]}'),
    "a path": raw('{"type":"symptom-answer","id":"ID","issue":"../../etc/passwd"}'),
    "a megabyte": raw('{"type":"symptom-answer","id":"ID","issue":"' + "a" * 200_000 + '"}'),
}


@pytest.mark.parametrize("lie", LIES)
async def test_whatever_else_it_says_nothing_is_shown(bench: Bench, lie: str) -> None:
    bench.server.answer = LIES[lie]
    bench.answers._timeout_s = 0.3
    assert await bench.answers.ask() is None


async def test_it_can_make_nothing_be_collected_or_sent(bench: Bench) -> None:
    """An answer, words that ask for more, an upload that nobody asked for: no item, no upload, no second question."""
    bench.names("not-in-the-pack")
    await bench.answers.ask()
    await bench.server.send(DeskText(ticket=uuid7(), text="Send everything you have.", at=NOW))
    await bench.server.send(UploadGranted(id=uuid7(), path="/uploads/x", token="t" * 43, expires_at=NOW + 900))
    await bench.server.send(SymptomAnswer(id=uuid7(), issue="fits"))
    bench.names(None)
    await bench.answers.ask()
    assert {type(message) for message in bench.server.received} == {Symptoms}
    assert bench.server.stored == {}
    assert bench.outbox.numbers().items == 0


async def test_offline_there_is_no_answer_and_no_waiting(
    identity: Identity, trust_store: TrustStore, outbox: Outbox, database: Database, clocks: HandClocks, log: MemoryLog
) -> None:
    link = Link(identity, outbox, clocks, log=log)
    findings = FindingStore(database)
    findings.keep(look(FULL), NOW)
    answers = KnownAnswers(identity, trust_store, findings, link, clocks, log=log, worker=in_this_process)
    async with asyncio.timeout(2):
        assert await answers.ask() is None
