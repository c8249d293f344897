"""Canaries: names, paths, command lines and words on a customer's computer, then everything a server ever got of it.

A whole life on one link: enrolment, real looks at this machine, a ticket by itself with sealed evidence, a request for
help with a bundle, a visit with every action, the receipt, the books. The server keeps every byte behind TLS. What it
can read is then held against the published list twice: no canary is in it, and every text in it is one of the few that
may be there. Both searches are proven: what people did address to the desk is found, and the canaries are all there
where the organisation's own keys open them.
"""

import asyncio
import base64
import io
import json
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyrage
import pytest

from agent.local.client import call
from diagnostics.bundle import new_identity, read_bundle
from diagnostics.checks.catalogue import CATALOGUE
from diagnostics.collectors.evidence import evidence_catalogue
from diagnostics.findings import Evidence
from protocol.actions.catalogue import ACTIONS
from protocol.actions.diagnose import DiagnoseArguments
from protocol.actions.logs import LogsArguments
from protocol.actions.processes import ProcessesArguments
from protocol.actions.scopes import Scope
from protocol.actions.services import ServicesArguments
from protocol.audit import AuditWord
from protocol.certificates import Recipient
from protocol.journal import Outcome
from protocol.messages.items import SealedItem, SealedKind
from protocol.messages.link import FROM_AGENT
from protocol.messages.report import ReportedSeverity, ReportedState
from protocol.statements import StatementName
from protocol.strict_json import WireModel
from protocol.tickets import TicketOrigin
from technician.demo.canaries import of_this_machine
from technician.demo.search import Haystack, layers
from technician.devices import find_device
from technician.session.visit import Visit
from tests.agent.test_watch import finding, look
from tests.hostile.evil_server import EvilServer, Heard
from tests.hostile.machine import Machine, Time, enrolled, technicians_time
from tests.hostile.papers import KINDS, paper
from tests.hostile.visitors import technician_at
from tests.making import DAY, NOW, Organisation

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="visits run on Linux only in this version"),
    pytest.mark.timeout(120),
]
MARK = "bp" + secrets.token_hex(6)
#: Addressed to the desk, so the server may read them: the search must find them.
LABEL, WORDS, MORE = "Reception", "The violet printer sings at night", "It has begun to hum as well"
#: On the machine, or said to the technician alone: nobody else may read one of them.
CANARIES = {
    "a running program": f"z{secrets.token_hex(6)}",
    "its command line": f"--canary-argument={MARK}",
    "a mount point": f"/mnt/canary-{MARK}",
    "an excerpt of a log": f"canary line {MARK} of a log",
    "the path of a file": f"/home/canary-{MARK}/taxes.ods",
    "what the technician searched for": f"canary search {MARK}",
    "why the technician came": f"canary reason {MARK}",
    "who said yes": f"canary-{MARK}-user",
}
SCOPES = (Scope.DIAGNOSE, Scope.LOGS, Scope.PROCESSES, Scope.SERVICES)
#: Small subjects of a bundle; the whole is opened and searched in the tests of bundles.
BUNDLED = {"system", "processes", "disks", "agent"}


@dataclass
class Life:
    """What is left when it is over. `opened`: what the organisation's own keys make readable."""

    heard: list[Heard]
    keys: dict[str, bytes]
    opened: list[bytes] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    origin: str = ""


@pytest.fixture(scope="module")
def running_canary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A program under a name and with an argument that are nobody else's."""
    program = tmp_path_factory.mktemp("bin") / CANARIES["a running program"]
    program.symlink_to(sys.executable)
    code = "import sys; sys.stdin.read()"
    argv = [str(program), "-c", code, CANARIES["its command line"]]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, cwd="/")
    yield
    assert process.stdin is not None
    process.stdin.close()
    process.wait(10)


async def live(tmp_path: Path, evil: EvilServer, organisation: Organisation) -> Life:
    identity, age = new_identity()
    recipients = paper(organisation, KINDS[2], 1, recipients=(Recipient(name="Ada Tech", age=age),))
    never = sorted({collector.id for collector in evidence_catalogue(NOW)} - BUNDLED)
    settings = f"[bundle]\nnever = {json.dumps(never)}\n"
    documents = (organisation.revocations(), recipients)
    with pytest.MonkeyPatch.context() as patch, technicians_time(patch, Time()):
        async with enrolled(
            tmp_path / "s", evil, organisation, documents=documents, label=LABEL, settings=settings
        ) as machine:
            life = Life(evil.heard, keys_of(machine), origin=evil.origin)
            await look_around(machine)
            ticket = await ask(machine)
            async with technician_at(tmp_path / "t", evil, organisation, scopes=SCOPES) as technician:
                await visit(machine, technician, ticket, life)
            await machine.until(lambda: machine.member.outbox.numbers().items == 0)
            await evil.until(lambda: evil.uploads)
            await machine.until(lambda: all(view.state == "done" for view in machine.member.uploads.views()))
            for sealed in evil.said(SealedItem):
                life.opened.append(pyrage.decrypt(sealed.data, [pyrage.x25519.Identity.from_str(identity)]))
            (bundle,) = evil.uploads.values()
            opened = read_bundle(io.BytesIO(bytes(bundle)), identity)
            life.opened += [opened.shown(entry.path).encode() for entry in opened.manifest.present]
            kinds = {sealed.kind for sealed in evil.said(SealedItem)}
            assert kinds >= {SealedKind.EVIDENCE, SealedKind.RECEIPT}
    return life


def keys_of(machine: Machine) -> dict[str, bytes]:
    folder = machine.folder.identity
    return {path.name: path.read_bytes() for path in folder.glob("*.key")}


async def look_around(machine: Machine) -> None:
    """A real look at this machine, and one that found the canaries."""
    watch = machine.agent.ground.watch
    watch._worker = machine.real_worker
    await watch.look(everything=True)
    proof = Evidence("log", CANARIES["the path of a file"], CANARIES["an excerpt of a log"], "ab" * 32)
    grave = finding(
        instance=f"disk:{CANARIES['a mount point']}",
        code="disk-space-low",
        first_seen_unix_s=NOW - 3 * DAY,
        facts={"mount": CANARIES["a mount point"], "available_bytes": 7},
        evidence=(proof,),
    )
    found = look(grave)
    watch.store.keep(found, NOW)
    for listener in watch._listeners:
        await listener(found)


async def ask(machine: Machine) -> str:
    """By the customer's own socket: a preview, a bundle, words; then more words."""
    state = machine.folder.root
    preview = await asyncio.to_thread(call, state, "ask-preview")
    sent = await asyncio.to_thread(call, state, "ask-send", words=WORDS, preview=preview["preview"])
    assert sent["bundle"]["sealed"]
    await asyncio.to_thread(call, state, "ticket-text", ticket=sent["ticket"], text=MORE)
    return str(sent["ticket"])


async def visit(machine: Machine, technician: Any, ticket: str, life: Life) -> None:
    wanted: tuple[tuple[str, WireModel], ...] = (
        ("processes", ProcessesArguments(sort="age", limit=2000)),
        ("diagnose", DiagnoseArguments(checks=("disk-space", "memory-pressure"))),
        ("services", ServicesArguments()),
        ("logs", LogsArguments(text=CANARIES["what the technician searched for"])),
        ("logs", LogsArguments(list=True)),
    )
    async with technician.signed_in() as api:
        device = find_device((await api.devices()).devices, machine.device, technician.store.trust, NOW)
        reason = CANARIES["why the technician came"]
        async with Visit.open(technician, api, device, ticket, SCOPES, 15, reason) as visiting:
            prompt = await machine.question()
            machine.say_yes(prompt, by=CANARIES["who said yes"])
            await visiting.granted()
            for action, arguments in wanted:
                run = await visiting.run(action, arguments)
                life.rows += [item.body async for item in run]
                assert run.result is not None
                life.outcomes.append(run.result.outcome)
            ended = await visiting.end()
            assert ended.receipt is not None


@pytest.fixture
async def life(tmp_path: Path, evil: EvilServer, organisation: Organisation, running_canary: None) -> Life:
    return await live(tmp_path, evil, organisation)


async def test_a_server_reads_the_published_list_and_nothing_else(life: Life) -> None:
    no_canary_was_readable(life)
    no_key_left_the_machine(life)
    every_text_is_one_that_may_be_there(life)


def no_canary_was_readable(life: Life) -> None:
    of_machine = [canary.word for canary in of_this_machine()]
    words = (*CANARIES.values(), MARK, *of_machine)
    haystack = Haystack((*words, LABEL, WORDS, MORE))
    for heard in life.heard:
        haystack.look(heard.where, heard.data)
    found = {word: places for word, places in haystack.found.items() if word in words}
    assert found == {}
    # The search works: what was meant for the server is found, inside statements inside JSON.
    assert set(haystack.found) == {LABEL, WORDS, MORE}
    # And the canaries were there to be found: in what only the organisation and the technician can open.
    sealed = Haystack(tuple(CANARIES.values()))
    for document in life.opened:
        sealed.look("sealed", document)
    for row in life.rows:
        sealed.look("rows", row.encode())
    assert set(sealed.found) >= {
        CANARIES["a running program"], CANARIES["a mount point"], CANARIES["an excerpt of a log"],
        CANARIES["why the technician came"],
    }  # fmt: skip
    assert len(life.outcomes) == 5
    assert Outcome.DONE in life.outcomes


def no_key_left_the_machine(life: Life) -> None:
    assert set(life.keys) == {"signing.key", "noise.key", "witness.key", "secret.key"}
    everything = b"\n".join(layer for heard in life.heard for layer in layers(heard.data))
    for name, key in life.keys.items():
        for spelling in (key, key[:16], key.hex().encode(), base64.b64encode(key), base64.urlsafe_b64encode(key)):
            assert spelling not in everything, name


# --- every text on the link, held against what may be there -----------------------------------------------------------

#: Free text: what people address to the desk, and the names in the organisation's own token.
PEOPLE = {LABEL, WORDS, MORE, "Helpful Ltd", "Acme", ""}
SHAPES = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"  # ids
    r"|d-[a-z2-7]{26}|c-[a-z2-7]{16}|[0-9a-f]{16}|[0-9a-f]{32}"  # device, case, pseudonym, serial or key id
    r"|— d-[a-z2-7]{26} [A-Za-z0-9+/]+={0,2}\n?"  # a cosignature
    r"|(revocations-(leaves|issuers))|evil\.example/log"
)
VOCABULARY: frozenset[str] = frozenset(
    {
        *FROM_AGENT, *ACTIONS, *Scope, *Outcome, *AuditWord, *ReportedSeverity, *ReportedState, *TicketOrigin,
        *SealedKind, *StatementName, *(name.payload_type for name in StatementName), *(spec.id for spec in CATALOGUE),
        *(code for spec in CATALOGUE for code in spec.codes), "ok", "finding", "skipped", "failed", "server", "bundle",
        "certifying",
    }
)  # fmt: skip
METRIC = re.compile(r"[a-z]+(-[a-z0-9]+)*\.[a-z0-9]+(-[a-z0-9]+)*")


def every_text_is_one_that_may_be_there(life: Life) -> None:
    messages = [heard for heard in life.heard if heard.where in ("link", "http POST /api/enrol")]
    kinds = {json.loads(heard.data).get("type") for heard in messages}
    assert kinds >= {"login", "report", "ticket", "sealed", "audit", "customer-text", "upload-request", "cosigned"}
    strange = {
        f"{path}: {text[:80]}"
        for heard in messages
        for path, text in texts(json.loads(heard.data), heard.where)
        if not may_be_there(path, text, life.origin)
    }
    assert strange == set()


def texts(value: object, path: str) -> Iterator[tuple[str, str]]:
    """Every text in a message; a statement is looked into, whatever it is sealed in is not."""
    match value:
        case dict():
            for name, inner in value.items():
                if name == "payload" and "payloadType" in value:
                    yield from texts(json.loads(base64.b64decode(inner)), f"{path}.payload")
                else:
                    yield from texts(inner, f"{path}.{name}")
        case list():
            for inner in value:
                yield from texts(inner, path)
        case str():
            yield path, value


def may_be_there(path: str, text: str, origin: str) -> bool:
    if text in VOCABULARY or text in PEOPLE or text == origin or SHAPES.fullmatch(text):
        return True
    if path.endswith(".metrics.name"):
        return METRIC.fullmatch(text) is not None
    return _is_noise(text)


def _is_noise(text: str) -> bool:
    """Base64 of a key, hash, nonce, signature, or of something sealed by age: nothing that reads as text."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        return False
    if data.startswith(b"age-encryption.org/v1\n"):
        return True
    return len(data) in (16, 32, 64, 72) and sum(32 <= byte < 127 for byte in data) < len(data) * 0.8


def test_the_shapes_let_no_name_pass() -> None:
    """The control of the second search: what a careless line of code would have sent."""
    for text in ("anna-laptop", "/home/anna", "disk:/home/anna", "nginx", "192.168.1.7", "root", "a@b.example", MARK):
        assert not may_be_there("link.report.findings.instance", text, "http://127.0.0.1:1")
    in_base64 = base64.b64encode(b"/home/anna/taxes-of-this-year.o").decode()
    assert not may_be_there("link.sealed.data", in_base64, "http://127.0.0.1:1")
