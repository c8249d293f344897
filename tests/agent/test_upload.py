"""The upload's conversation against a model of the server, cut and damaged at every step."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from sqlite3 import Row

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.identity.identity import Identity
from agent.identity.trust_store import TrustStore
from agent.link.link import Link
from agent.link.outbox import Outbox
from agent.link.questions import Replies
from agent.link.upload import TRIES_MAX, Answer, Job, Result, UploadOutcome, upload
from agent.link.uploads import WAITING_MAX, Uploads
from agent.refusal import Refusal
from agent.store.database import Database
from protocol.limits import UPLOAD_CHUNK_BYTES
from protocol.messages.uploads import UploadGranted, UploadRefused, UploadRequest
from protocol.strict_json import WireModel
from tests.agent.doubles import HandClocks, MemoryLog, item_id, recipients
from tests.making import NOW, Organisation

BLOB = bytes(range(256)) * 4096 * 3 + b"the end"  # 3 MiB and a little


class Store:
    """A server that stores what it gets; `fault` is asked before each request and may break it."""

    def __init__(self, size: int, fault: Callable[[int, str], str] = lambda number, method: "") -> None:
        self.size, self.fault, self.number = size, fault, 0
        self.data: bytearray | None = None
        self.received = 0

    def __call__(self, method: str, headers: dict[str, str], body: bytes) -> Answer:
        self.number += 1
        fault = self.fault(self.number, method)
        if fault == "before":
            raise Refusal("the connection was lost")
        answer = self.take(method, headers, body)
        if fault == "after":
            raise Refusal("the connection was lost")
        return answer if not fault.isdigit() else Answer(int(fault), None, "no")

    def take(self, method: str, headers: dict[str, str], body: bytes) -> Answer:
        if method == "POST":
            assert int(headers["Upload-Length"]) == self.size
            self.data = bytearray()
            return Answer(201, 0, "")
        if self.data is None:
            return Answer(404, None, "")
        if method == "HEAD":
            return Answer(200, len(self.data), "")
        self.received += len(body)
        if int(headers["Upload-Offset"]) != len(self.data):
            return Answer(409, len(self.data), "")
        assert 0 < len(body) <= UPLOAD_CHUNK_BYTES
        self.data += body
        return Answer(204, len(self.data), "")


def run(store: Callable[[str, dict[str, str], bytes], Answer], size: int = len(BLOB)) -> UploadOutcome:
    job = Job("http://127.0.0.1:1", "/uploads/x", "token", "file", size)
    return upload(job, store, lambda offset, length: BLOB[offset : offset + length], lambda seconds: None)


def test_a_blob_arrives_whole_in_chunks_of_one_mebibyte() -> None:
    store = Store(len(BLOB))
    assert run(store) == UploadOutcome(Result.COMPLETE, "", len(BLOB))
    assert store.data == BLOB
    assert store.number == 2 + 4


@settings(deadline=None, derandomize=True, max_examples=150)
@given(st.dictionaries(st.integers(1, 14), st.sampled_from(["before", "after", "500", "429", "409"]), max_size=4))
def test_any_four_faults_leave_the_blob_whole_and_resend_at_most_a_chunk_each(faults: dict[int, str]) -> None:
    store = Store(len(BLOB), lambda number, method: faults.get(number, ""))
    outcome = run(store)
    assert outcome.result is Result.COMPLETE
    assert store.data == BLOB
    assert store.received <= len(BLOB) + len(faults) * UPLOAD_CHUNK_BYTES


def test_a_server_that_is_away_is_tried_a_few_times_and_then_later() -> None:
    store = Store(len(BLOB), lambda number, method: "before")
    outcome = run(store)
    assert (outcome.result, store.number) == (Result.LATER, TRIES_MAX)
    assert "lost" in outcome.reason


@pytest.mark.parametrize(("status", "result"), [("401", Result.LATER), ("403", Result.LATER), ("413", Result.REFUSED)])
def test_a_refused_token_asks_for_another_and_a_refused_blob_ends(status: str, result: Result) -> None:
    assert run(Store(len(BLOB), lambda number, method: status if method == "PATCH" else "")).result is result


@pytest.mark.parametrize("offset", [-1, len(BLOB) + 1, 1 << 60])
def test_a_server_that_claims_a_wrong_offset_is_not_followed(offset: int) -> None:
    asked = []

    def lie(method: str, headers: dict[str, str], body: bytes) -> Answer:
        asked.append(method)
        return Answer(200, offset, "") if method == "HEAD" else Answer(204, None, "")

    assert run(lie).result is Result.LATER
    assert set(asked) == {"HEAD"}


def test_a_server_that_never_agrees_on_the_offset_ends() -> None:
    def contrary(method: str, headers: dict[str, str], body: bytes) -> Answer:
        return Answer(200, 0, "") if method == "HEAD" else Answer(409, 1, "")

    assert run(contrary).result is Result.LATER


# --- the queue ---------------------------------------------------------------------------------------------------


class Linked(Link):
    """A link whose server answers upload requests as told; everything else of it is the real one."""

    def __init__(self, identity: Identity, outbox: Outbox, clocks: HandClocks, log: MemoryLog) -> None:
        super().__init__(identity, outbox, clocks, log=log)
        self.asked: list[UploadRequest] = []
        self.refuse = ""

    async def ask_any(self, message: WireModel, replies: Replies, timeout_s: float) -> WireModel:
        assert isinstance(message, UploadRequest)
        self.asked.append(message)
        reply: WireModel = UploadGranted(id=message.id, path=f"/uploads/{message.id}", token="t" * 43, expires_at=NOW)
        if self.refuse:
            reply = UploadRefused(id=message.id, reason=self.refuse)
        assert replies[type(reply)](reply)
        return reply


class Bench:
    def __init__(self, database: Database, identity: Identity, trust: TrustStore, folder: Path) -> None:
        self.clocks, self.log = HandClocks(), MemoryLog()
        self.link = Linked(identity, Outbox(database), self.clocks, self.log)
        self.jobs: list[Job] = []
        self.outcomes: list[UploadOutcome] = []
        self.folder = folder
        self.uploads = Uploads(database, identity, trust, self.link, self.clocks, log=self.log, carry=self.carry)

    async def carry(self, job: Job) -> UploadOutcome:
        self.jobs.append(job)
        return self.outcomes.pop(0)

    def add(self, number: int = 1) -> Path:
        file = self.folder / f"{number}.age"
        file.write_bytes(BLOB[:1000])
        self.uploads.add(
            item_id(number),
            ticket=item_id(99),
            case="c-" + "a" * 16,
            file=file,
            sha256=hashlib.sha256(BLOB[:1000]).digest(),
            size_bytes=1000,
        )
        return file


@pytest.fixture
def bench(
    database: Database, identity: Identity, trust_store: TrustStore, tmp_path: Path, organisation: Organisation
) -> Bench:
    trust_store.accept(recipients(organisation))
    return Bench(database, identity, trust_store, tmp_path)


def waiting(bench: Bench) -> Row:
    row = bench.uploads._next_waiting()
    assert row is not None
    assert row["id"] == item_id(1)
    return row


async def test_a_delivered_bundle_leaves_this_disk(bench: Bench) -> None:
    file = bench.add()
    bench.outcomes = [UploadOutcome(Result.COMPLETE, "", 1000)]
    assert await bench.uploads._one(waiting(bench))
    assert not file.exists()
    assert bench.uploads.views()[0].state == "done"
    assert bench.uploads.last_upload_at == NOW
    assert (bench.link.asked[0].sha256, bench.jobs[0].token) == (hashlib.sha256(BLOB[:1000]).digest(), "t" * 43)


async def test_a_cut_upload_waits_with_its_file(bench: Bench) -> None:
    file = bench.add()
    bench.outcomes = [UploadOutcome(Result.LATER, "the network went away", 0)]
    assert not await bench.uploads._one(waiting(bench))
    assert file.exists()
    view = bench.uploads.views()[0]
    assert (view.state, view.attempts, view.reason) == ("waiting", 1, "the network went away")
    assert bench.uploads.waiting_files() == {str(file)}


@pytest.mark.parametrize("at_link", [True, False])
async def test_a_refused_bundle_says_why_without_the_servers_tricks(bench: Bench, at_link: bool) -> None:
    file = bench.add()
    bench.link.refuse = "no such ticket\x1b[2J" if at_link else ""
    bench.outcomes = [UploadOutcome(Result.REFUSED, "no such ticket\x1b[2J", 0)]
    assert await bench.uploads._one(waiting(bench))
    assert not file.exists()
    assert bench.uploads.views()[0].reason == "no such ticket·[2J"


async def test_expired_recipients_hold_every_upload_back(bench: Bench) -> None:
    bench.add()
    bench.clocks.pass_s(10 * 86_400)
    with pytest.raises(Refusal, match="recipients have expired"):
        await bench.uploads._one(waiting(bench))
    assert bench.link.asked == []


async def test_a_file_that_is_gone_is_refused_and_not_retried_for_ever(bench: Bench) -> None:
    bench.add().unlink()
    assert await bench.uploads._one(waiting(bench))
    assert "not on this disk" in bench.uploads.views()[0].reason


async def test_a_full_disk_while_noting_a_failure_ends_nothing(bench: Bench, database: Database) -> None:
    file = bench.add()
    database.query(f"PRAGMA max_page_count={database.query('PRAGMA page_count')[0][0]}")
    database.query("PRAGMA query_only=1")
    bench.uploads._note_failure(waiting(bench), "the network went away")
    assert bench.log.events("warning") == ["upload-not-noted"]
    database.query("PRAGMA query_only=0")
    assert file.exists()
    assert bench.uploads.views()[0].state == "waiting"


def test_waiting_bundles_are_bounded(bench: Bench) -> None:
    for number in range(WAITING_MAX):
        bench.add(number)
    with pytest.raises(Refusal, match="too many bundles wait"):
        bench.add(WAITING_MAX)
