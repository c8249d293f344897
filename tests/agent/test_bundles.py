"""Bundles from the service's side with the real worker, and the commands that need no service."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent.app import Agent
from agent.bundles.asking import Add, Asking, OfPreview, Send, ShowFile, bundle_seal
from agent.bundles.planning import make_plan, subjects
from agent.bundles.sealing import Sealing
from agent.bundles.talk import WINDOW_S, BundleRequest, WriteOrder
from agent.bundles.writer import BundleWriter, remove_leftovers
from agent.cli.main import main
from agent.event_log import StructuredLog
from agent.identity.identity import Identity
from agent.identity.trust_store import TrustStore
from agent.link.link import Link
from agent.link.outbox import Outbox
from agent.link.uploads import Uploads
from agent.local.server import LocalServer
from agent.local.verbs import Catalogue, NoArguments, Peer
from agent.page.serve import build
from agent.paths import StateFolder
from agent.refusal import Refusal
from agent.store.database import Database
from agent.store.kept_values import KeptValues
from agent.tickets.store import TicketStore
from agent.uuid7 import uuid7
from agent.watch.finding_store import PAST, FindingStore
from diagnostics.bundle import new_identity, open_sealed, read_bundle
from diagnostics.changes.store import MemoryChanges, dump_changes
from diagnostics.collectors.evidence import evidence_catalogue
from diagnostics.findings import Change
from diagnostics.machine.own_use import AgentState
from diagnostics.machine.recorded import RecordedMachine
from protocol import strict_json
from protocol.messages.items import SealedItem, TicketItem
from protocol.messages.link import parse_item
from protocol.statements import VerifyKey, verify
from protocol.tickets import BundleSeal, BundleSignature, TicketOrigin
from tests.agent.doubles import HandClocks, MemoryLog, device_certificate, recipients
from tests.agent.page.conftest import behind_doors
from tests.agent.test_watch import finding, look
from tests.making import NOW, Organisation, seed

REPOSITORY = Path(__file__).resolve().parents[2]
# Small subjects that every machine has; the whole collection is timed in the benchmarks.
ALL_SUBJECTS = {collector.id for collector in evidence_catalogue(NOW)}
NEVER = tuple(sorted(ALL_SUBJECTS - {"system", "disks", "agent"}))
PEER = Peer(uid=os.geteuid(), pid=os.getpid(), is_administrator=True, in_session=False)


class Bench:
    def __init__(
        self,
        database: Database,
        identity: Identity,
        trust: TrustStore,
        outbox: Outbox,
        clocks: HandClocks,
        log: MemoryLog,
        folder: StateFolder,
    ) -> None:
        self.secret_key, self.age = new_identity()
        self.database, self.identity, self.trust, self.outbox, self.folder = database, identity, trust, outbox, folder
        self.tickets = TicketStore(database, identity, outbox, clocks)
        link = Link(identity, outbox, clocks, log=log)
        self.uploads = Uploads(database, identity, trust, link, clocks, log=log)
        self.findings = FindingStore(database)
        self.writer = BundleWriter(log=log)
        self.asking = Asking(
            database,
            identity,
            trust,
            self.tickets,
            self.uploads,
            self.findings,
            Sealing(identity, trust, clocks),
            self.writer,
            clocks,
            folder=folder.bundles,
            agent=lambda: AgentState(pid=os.getpid()),
            never=NEVER,
        )

    async def preview(self) -> dict[str, object]:
        shown = await self.asking.preview(NoArguments(), PEER)
        assert isinstance(shown, dict)
        return shown


@pytest.fixture
async def bench(
    database: Database,
    identity: Identity,
    trust_store: TrustStore,
    outbox: Outbox,
    clocks: HandClocks,
    log: MemoryLog,
    folder: StateFolder,
    organisation: Organisation,
) -> AsyncIterator[Bench]:
    built = Bench(database, identity, trust_store, outbox, clocks, log, folder)
    trust_store.accept(recipients(organisation, age=built.age))
    trust_store.accept_certificate(device_certificate(organisation, identity))
    yield built
    await built.writer.close()


async def test_what_the_customer_saw_is_what_the_technician_opens(bench: Bench, organisation: Organisation) -> None:
    bench.findings.keep(look(finding()), NOW)
    shown = await bench.preview()
    assert shown["recipients"] == ["Ada Tech"]
    listed = {file["path"]: file for file in shown["files"]}  # type: ignore[attr-defined]
    content = await bench.asking.show(ShowFile(preview=str(shown["preview"]), path="system/memory.json"), PEER)
    sent = await bench.asking.send(
        Send(words="The disk is full.", preview=str(shown["preview"]), untick_categories=["disks"]), PEER
    )
    assert isinstance(sent, dict)
    (row,) = bench.uploads.views()
    file = next(bench.folder.bundles.iterdir())
    with file.open("rb") as stream:
        opened = read_bundle(stream, bench.secret_key)
    assert opened.sealed
    present = {entry.path for entry in opened.manifest.present}
    assert present == {path for path, entry in listed.items() if entry["status"] == "ok"} - {
        path for path in listed if path.startswith("disks/")
    }
    assert content == {"content": opened.shown("system/memory.json")}
    assert (row.size_bytes, sent["bundle"]["sha256"]) == (file.stat().st_size, _sha256(file))
    # Signed by this device, about exactly this bundle.
    assert opened.signature is not None
    seal = strict_json.parse(opened.signature, BundleSeal)
    body = verify(seal.signature, BundleSignature, VerifyKey(seal.device_key)).body
    assert (body.bundle, body.files_root) == (opened.manifest.id, opened.root)
    assert seal.device is not None
    assert organisation.trust.device(seal.device, NOW).body.signing_key == seal.device_key


def _sha256(file: Path) -> str:
    import hashlib

    return hashlib.sha256(file.read_bytes()).hexdigest()


async def test_asking_queues_ticket_and_sealed_evidence_that_opens_to_the_finding(bench: Bench) -> None:
    bench.findings.keep(look(finding()), NOW)
    await bench.asking.send(Send(words="Why?", finding=finding().fingerprint), PEER)
    ticket, sealed = (parse_item(waiting.body) for waiting in bench.outbox.due((), 10))
    assert isinstance(ticket, TicketItem)
    assert isinstance(sealed, SealedItem)
    document = json.loads(open_sealed(sealed.data, bench.secret_key))
    assert document["findings"][0]["code"] == "disk-full"
    assert b"disk-full" not in sealed.data


async def test_a_bundle_that_was_asked_for_goes_when_the_customer_says_yes_and_not_before(bench: Bench) -> None:
    opened = bench.tickets.open(origin=TicketOrigin.CUSTOMER, words="help")
    bench.tickets.evidence_asked(opened.ticket, "Ada Tech", NOW)
    shown = await bench.preview()
    assert bench.uploads.views() == []
    order = Add(ticket=opened.ticket, preview=str(shown["preview"]), untick_categories=["disks"])
    sent = await bench.asking.add(order, PEER)
    assert isinstance(sent, dict)
    (row,) = bench.uploads.views()
    assert (row.id, row.ticket) == (sent["bundle"]["id"], opened.ticket)
    assert bench.tickets.known(opened.ticket).evidence_asked_by is None
    with pytest.raises(Refusal, match="no such ticket"):
        await bench.asking.add(Add(ticket=uuid7(), preview=uuid7()), PEER)


async def test_asking_about_a_finding_with_an_open_ticket_adds_words_to_it(bench: Bench) -> None:
    bench.findings.keep(look(finding()), NOW)
    first = await bench.asking.send(Send(words="Why?", finding=finding().fingerprint), PEER)
    again = await bench.asking.send(Send(words="Still.", finding=finding().fingerprint), PEER)
    assert isinstance(first, dict)
    assert isinstance(again, dict)
    assert first["ticket"] == again["ticket"]
    assert [message.text for message in bench.tickets.messages(first["ticket"])] == ["Still."]


async def test_a_dropped_preview_leaves_nothing(bench: Bench) -> None:
    shown = await bench.preview()
    preview = str(shown["preview"])
    process = bench.writer._get(preview).process
    await bench.asking.drop(OfPreview(preview=preview), PEER)
    assert process.returncode is not None
    assert list(bench.folder.bundles.iterdir()) == []
    with pytest.raises(Refusal, match="preview is over"):
        await bench.asking.send(Send(words="x", preview=preview), PEER)
    assert bench.tickets.list() == []


async def test_without_recipients_no_bundle_is_written_and_words_still_go(bench: Bench, clocks: HandClocks) -> None:
    clocks.pass_s(10 * 86_400)
    shown = await bench.preview()
    assert shown["recipients"] == []
    with pytest.raises(Refusal, match="cannot be sealed now"):
        await bench.asking.send(Send(words="x", preview=str(shown["preview"])), PEER)
    assert bench.tickets.list() == []
    sent = await bench.asking.send(Send(words="help"), PEER)
    assert isinstance(sent, dict)
    assert (sent["bundle"], sent["evidence_sealed"]) == (None, False)


async def test_nothing_is_asked_without_words_or_a_finding(bench: Bench) -> None:
    with pytest.raises(Refusal, match="nothing to ask"):
        await bench.asking.send(Send(words="   "), PEER)
    with pytest.raises(Refusal, match="no such finding"):
        await bench.asking.send(Send(words="x", finding="a|b"), PEER)


async def test_a_wrong_untick_is_refused_and_no_file_stays(bench: Bench) -> None:
    shown = await bench.preview()
    with pytest.raises(Refusal, match="cannot be left out"):
        await bench.asking.send(Send(words="x", preview=str(shown["preview"]), untick_paths=["../../etc/passwd"]), PEER)
    assert list(bench.folder.bundles.iterdir()) == []
    assert bench.tickets.list() == []


async def test_a_full_database_leaves_neither_ticket_nor_sealed_file(bench: Bench) -> None:
    shown = await bench.preview()
    bench.database.query(f"PRAGMA max_page_count={bench.database.query('PRAGMA page_count')[0][0]}")
    with pytest.raises(Refusal, match="nothing could be written"):
        await bench.asking.send(Send(words="x" * 4000, preview=str(shown["preview"])), PEER)
    assert list(bench.folder.bundles.iterdir()) == []
    assert bench.tickets.list() == []
    assert bench.uploads.views() == []


async def test_a_third_preview_takes_the_place_of_the_first(bench: Bench) -> None:
    first, second, third = [str((await bench.preview())["preview"]) for _ in range(3)]
    with pytest.raises(Refusal, match="preview is over"):
        await bench.writer.show(first, "SUMMARY.md")
    assert await bench.writer.show(second, "SUMMARY.md")
    assert await bench.writer.show(third, "SUMMARY.md")


async def test_a_worker_that_is_killed_is_told_as_such(bench: Bench) -> None:
    shown = await bench.preview()
    bench.writer._get(str(shown["preview"])).process.kill()
    with pytest.raises(Refusal, match="worker ended"):
        await bench.asking.send(Send(words="x", preview=str(shown["preview"])), PEER)
    assert bench.tickets.list() == []


def test_what_the_owner_keeps_back_is_never_collected_and_typing_errors_are_found() -> None:
    request = BundleRequest(id=uuid7(), now=NOW, secret="00" * 32, findings=(), never=("logs", "journal"))
    assert set(subjects(request)) == (ALL_SUBJECTS | {"applications"}) - {"logs", "journal"}
    with pytest.raises(Refusal, match="does not exist"):
        subjects(BundleRequest(id=uuid7(), now=NOW, secret="00" * 32, findings=(), never=("lgos",)))


def test_what_changed_within_the_window_goes_with_the_bundle() -> None:
    past = MemoryChanges()
    old, new = Change(NOW - WINDOW_S - 1, "package:cups 1 → 2"), Change(NOW - 60, "package:foo 1.0 added")
    past.keep((), (old, new))
    request = BundleRequest(uuid7(), NOW, "00" * 32, (), never=tuple(ALL_SUBJECTS - {"agent"}), past=dump_changes(past))
    plan = make_plan(request, RecordedMachine(REPOSITORY / "tests/machines/laptop-healthy"))
    assert json.loads(plan.content("changes.json")) == [{"at_unix_s": NOW - 60, "what": "package:foo 1.0 added"}]
    assert b"package:foo" in plan.content("timeline.jsonl")


def test_a_past_that_cannot_be_read_is_told_and_costs_no_bundle() -> None:
    request = BundleRequest(uuid7(), NOW, "00" * 32, (), never=tuple(ALL_SUBJECTS - {"agent"}), past='{"format": 1')
    plan = make_plan(request, RecordedMachine(REPOSITORY / "tests/machines/laptop-healthy"))
    assert plan.content("changes.json").strip() == b"[]"
    told = {file.path: file.reason for file in plan.preview().files}
    assert "cannot be read" in (told["agent/changes.json"] or "")


async def test_the_service_brings_the_changes_it_has_kept(bench: Bench) -> None:
    past = MemoryChanges()
    past.keep((), (Change(NOW - 60, "package:foo 1.0 added"),))
    KeptValues(bench.database).put(PAST, dump_changes(past))
    shown = await bench.preview()
    content = await bench.asking.show(ShowFile(preview=str(shown["preview"]), path="changes.json"), PEER)
    assert "package:foo 1.0 added" in str(content)


def test_files_that_belong_to_no_upload_are_removed_at_start(tmp_path: Path) -> None:
    (tmp_path / "a.age").write_bytes(b"x")
    (tmp_path / "b.age").write_bytes(b"x")
    assert remove_leftovers(tmp_path, {str(tmp_path / "b.age")}) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["b.age"]


def test_a_device_without_certificate_signs_with_its_key_alone(identity: Identity) -> None:
    seal = strict_json.parse(bundle_seal(identity, None, uuid7(), seed("root"), NOW), BundleSeal)
    assert seal.device is None
    assert verify(seal.signature, BundleSignature, identity.signing.verify_key).body.files_root == seed("root")


# --- the command, offline ---------------------------------------------------------------------------------------


def agent(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "agent", *arguments],
        cwd=REPOSITORY,
        input=stdin,
        capture_output=True,
        timeout=100,
        check=False,
    )


def never_config(folder: StateFolder) -> None:
    folder.config.write_text("[bundle]\nnever = " + json.dumps(list(NEVER)), encoding="utf-8")


def test_the_bundle_command_is_opened_by_the_plain_tools(folder: StateFolder, tmp_path: Path) -> None:
    for tool in ("age", "zstd", "tar"):
        assert shutil.which(tool), f"{tool} is needed to prove that a bundle opens without Bellpull"
    never_config(folder)
    secret, public = new_identity()
    (tmp_path / "key.txt").write_text(secret, encoding="utf-8")
    out = tmp_path / "evidence.tar.zst.age"
    done = agent("bundle", "--state", str(folder.root), "--out", str(out), "--recipient", public, "--json")
    assert done.returncode == 0, done.stderr.decode()
    told = json.loads(done.stdout)
    assert (told["sealed"], told["signed"], told["bytes"]) == (True, False, out.stat().st_size)
    opened = out.read_bytes()
    for tool in (["age", "-d", "-i", str(tmp_path / "key.txt")], ["zstd", "-d"], ["tar", "-t"]):
        opened = subprocess.run(tool, input=opened, capture_output=True, check=True).stdout
    names = opened.decode().split()
    assert names[0] == "manifest.json"
    assert "system/memory.json" in names


def test_without_a_recipient_nothing_plain_is_written_unless_said_so(folder: StateFolder, tmp_path: Path) -> None:
    never_config(folder)
    out = tmp_path / "plain.tar.zst"
    refused = agent("bundle", "--state", str(folder.root), "--out", str(out))
    assert refused.returncode == 1
    assert b"taken as no" in refused.stderr
    assert not out.exists()
    done = agent("bundle", "--state", str(folder.root), "--out", str(out), "--yes")
    assert done.returncode == 0, done.stderr.decode()
    with out.open("rb") as stream:
        assert not read_bundle(stream, None).sealed


@pytest.mark.parametrize("recipient", ["age1nonsense", "AGE-SECRET-KEY-1ABC"])
def test_a_wrong_recipient_writes_nothing(folder: StateFolder, tmp_path: Path, recipient: str) -> None:
    never_config(folder)
    out = tmp_path / "x.age"
    done = agent("bundle", "--state", str(folder.root), "--out", str(out), "--recipient", recipient)
    assert done.returncode == 2
    assert b"not a recipient" in done.stderr.lower()
    assert not out.exists()


def test_an_existing_file_is_not_overwritten(folder: StateFolder, tmp_path: Path) -> None:
    never_config(folder)
    out = tmp_path / "mine"
    out.write_text("precious", encoding="utf-8")
    done = agent("bundle", "--state", str(folder.root), "--out", str(out), "--recipient", new_identity()[1])
    assert done.returncode == 1
    assert out.read_text(encoding="utf-8") == "precious"


def test_redact_is_a_filter_with_its_report_on_stderr() -> None:
    text = b"user=anna password=hunter2 from 10.1.2.3\nplain line 42\n"
    done = agent("redact", "--json", "--state", "/nonexistent", stdin=text)
    assert done.returncode == 0, done.stderr.decode()
    assert b"hunter2" not in done.stdout
    assert b"10.1.2.3" not in done.stdout
    assert b"plain line 42\n" in done.stdout
    assert json.loads(done.stderr)["redactions"]["password"] == 1


def test_redact_refuses_what_is_no_text() -> None:
    done = agent("redact", "--state", "/nonexistent", stdin=bytes(range(256)) * 100)
    assert done.returncode == 1
    assert b"must not leave the machine" in done.stderr


def test_orders_are_strict() -> None:
    from diagnostics.strict_json import StrictJsonError, decode

    with pytest.raises(StrictJsonError):
        decode(WriteOrder, {"path": "/x", "recipients": None, "signed": "yes"})


# --- preview and untick, on the page and at the command line ------------------------------------------------------


async def test_preview_and_untick_on_the_page(bench: Bench) -> None:
    """The page's own form: every file has its box, and an emptied box keeps its file out of what is sealed."""
    agent = Agent(bench.folder, StructuredLog(None))
    catalogue = Catalogue()
    own = bench.asking.verbs()
    names = {verb.name for verb in own}
    catalogue.add(*own, *(verb for name, verb in agent.ground.catalogue.verbs.items() if name not in names))
    server = LocalServer(bench.folder, catalogue, log=agent.ground.log)
    await server.start()
    try:
        async with behind_doors(build(bench.folder.root), "page", scripts=True) as page:
            seen = (await page.post("/help", data={"words": "It is slow."})).text
            offered = re.findall(r'name="offered" value="([^"]+)"', seen)
            (preview,) = set(re.findall(r'name="preview" value="([^"]+)"', seen))
            assert "system/memory.json" in offered
            assert list(bench.folder.bundles.iterdir()) == []
            kept = [path for path in offered if path != "system/memory.json"]
            form = {"preview": preview, "act": "all", "words": "It is slow.", "offered": offered, "file": kept}
            sent = await page.post("/help/send", data={**form, "leave_out": ["disks"]})
            assert (sent.status_code, "note=sent" in sent.headers["location"]) == (303, True)
    finally:
        await server.stop()
        agent.ground.database.close()
    (file,) = bench.folder.bundles.iterdir()
    with file.open("rb") as stream:
        opened = read_bundle(stream, bench.secret_key)
    present = {entry.path for entry in opened.manifest.present}
    assert {path for path in kept if not path.startswith("disks/")} <= present
    assert not [path for path in present if path == "system/memory.json" or path.startswith("disks/")]
    left = {entry.path: entry.reason for entry in opened.manifest.files}
    assert left["system/memory.json"] == "left out by the customer"


def test_preview_and_untick_at_the_command_line(
    folder: StateFolder, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`bundle --leave-out` takes a category and a single file; what is no part of the preview is refused."""
    monkeypatch.setattr("agent.children.be_idle", lambda: None)  # here it would be the tests that idle
    never_config(folder)
    command = ["bundle", "--state", str(folder.root), "--yes", "--json", "--out"]
    left_out = ["--leave-out", "disks", "--leave-out", "system/memory.json"]
    assert main([*command, str(tmp_path / "b"), *left_out]) == 0
    with (tmp_path / "b").open("rb") as stream:
        opened = read_bundle(stream, None)
    present = {entry.path for entry in opened.manifest.present}
    assert "system/clock.json" in present
    assert not [path for path in present if path == "system/memory.json" or path.startswith("disks/")]
    assert main([*command, str(tmp_path / "c"), "--leave-out", "passwords"]) == 1
    assert not (tmp_path / "c").exists()
