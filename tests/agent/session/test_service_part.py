"""Actions with a part in the service: messages, changes, fixes, bundles; over a real visit in one process."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from agent.bundles.asking import SealedBundle
from agent.bundles.talk import Written
from agent.local.verbs import NoArguments, Peer
from agent.mending.policy import MendingPolicy
from agent.refusal import Refusal
from agent.session.actions.service_bench import Brought, ServiceBench
from agent.session.chat import Chat, SayArguments, VisitInForce
from agent.session.doers import Doers
from agent.session.effects import Finished, Rows
from agent.session.grants_store import GrantsStore, StoredGrant
from agent.session.host_process import HostEvent
from agent.session.host_wire import ToldRow
from agent.session.questions import AnswerArguments, Questions
from agent.watch.finding_store import FindingStore
from protocol import strict_json
from protocol.actions.bundle import BundleArguments
from protocol.actions.chat import ChatArguments, ChatSayArguments
from protocol.actions.processes_end import ProcessesEndArguments
from protocol.actions.remedies import RemediesPreviewArguments, RemediesRunArguments
from protocol.actions.scopes import Scope
from protocol.fields import decode_base64
from protocol.journal import Outcome
from protocol.strict_json import WireModel
from protocol.visit import Item
from tests.agent.mending.test_mending import REMEDY, Workshop
from tests.agent.technician_end import until
from tests.agent.visit_rig import FakeHost, Rig

CUSTOMER = Peer(uid=1000, pid=1, is_administrator=False, in_session=False)


@dataclass
class TellingHost(FakeHost):
    """Implements `TellingHost`: its host part says what it was told, unredacted."""

    told: dict[int, tuple[list[ToldRow], str]] = field(default_factory=dict)

    def tell(self, sequence: int, rows: list[ToldRow], failed: str = "") -> None:
        self.told[sequence] = (rows, failed)

    def run(self, sequence: int, action: str, arguments: bytes, now: int) -> None:
        rows, failed = self.told.get(sequence, ([], ""))
        self.ran.append((sequence, action, arguments))
        for number, row in enumerate(rows, start=1):
            item = Item(id=number, kind=row.kind, body=row.body)
            self.heard(Rows(sequence, strict_json.dump(item) + b"\n", 1))
        self.heard(Finished(sequence, Outcome.FAILED if failed else Outcome.DONE, failed))


class House:
    """A device with everything that serves, and a visitor."""

    def __init__(self, folder: Path) -> None:
        self.orders: list[bytes] = []
        self.answer: Brought | Refusal = Brought("ended-process", {"pid": 4711})
        self.rig = Rig(folder, make_host=self._host)
        self.questions = Questions(self.rig.clocks, log=self.rig.log)
        self.chat = Chat(self.rig.database, self.rig.clocks, visit=self.visit)
        self.bench = ServiceBench(
            self.rig.clocks,
            visit=self.visit,
            questions=self.questions,
            chat=self.chat,
            findings=FindingStore(self.rig.database),
            change=self._change,
        )
        self.hosts: list[Doers] = []

    def visit(self) -> VisitInForce | None:
        return self.rig.visits.in_force()

    def _host(self, heard: Callable[[HostEvent], None], lost: Callable[[str], None]) -> Doers:
        doers = Doers(TellingHost(heard, lost), self.bench, heard)
        self.hosts.append(doers)
        return doers

    async def _change(self, order: bytes) -> Brought:
        self.orders.append(order)
        if isinstance(self.answer, Refusal):
            raise self.answer
        return self.answer

    async def agree(self) -> None:
        await until(lambda: bool(self.questions.pending()))
        (question,) = self.questions.pending()
        digest = decode_base64(str(question["text_sha256"]))
        self.questions.answer(AnswerArguments(id=str(question["id"]), yes=True, text_sha256=digest), "anna")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    made = House(tmp_path / "state")
    yield made
    made.rig.visits.stop_all()
    await made.rig.over()
    made.rig.close()


async def let_in(house: House, *scopes: Scope) -> "Guest":
    return Guest(house, await house.rig.let_in(scopes=scopes))


class Guest:
    def __init__(self, house: House, end: object) -> None:
        self.house = house
        self.end = end

    async def act(self, name: str, arguments: WireModel) -> tuple[Outcome, str, list[dict[str, object]]]:
        before = len(self.end.items)  # type: ignore[attr-defined]
        ended = await self.end.act(name, arguments)  # type: ignore[attr-defined]
        rows = [json.loads(item.body) for item in self.end.items[before:]]  # type: ignore[attr-defined]
        return ended.result.outcome, ended.result.detail, rows


# --- messages --------------------------------------------------------------------------------------------------------


async def test_messages_go_both_ways_with_their_proven_authors(house: House) -> None:
    guest = await let_in(house, Scope.CHAT)
    end = guest.end
    end.initiator.open_action("chat", ChatArguments(), house.rig.clocks.wall())  # type: ignore[attr-defined]
    await end.flush()  # type: ignore[attr-defined]
    outcome, _, rows = await guest.act("chat.say", ChatSayArguments(text="Hello, <b>what</b> do you see?"))
    assert outcome is Outcome.DONE
    verbs = {verb.name: verb for verb in house.chat.verbs()}
    await verbs["chat-say"].handle(SayArguments(text="A red light."), CUSTOMER)
    await until(lambda: sum(item.kind == "chat-message" for item in end.items) >= 3)  # type: ignore[attr-defined]
    followed = {json.loads(item.body)["number"]: json.loads(item.body) for item in end.items}  # type: ignore[attr-defined]
    assert [(followed[n]["by"], followed[n]["text"]) for n in (1, 2)] == [
        ("technician", "Hello, <b>what</b> do you see?"),
        ("customer", "A red light."),
    ]
    assert followed[1]["name"] == "Ada Tech"
    shown = await verbs["chat-list"].handle(NoArguments(), CUSTOMER)
    assert shown["open"] is True  # type: ignore[index]
    assert next(message["name"] for message in shown["messages"]) == "Ada Tech"  # type: ignore[index]
    assert rows


async def test_after_the_visit_messages_can_be_read_and_no_more_written(house: House) -> None:
    guest = await let_in(house, Scope.CHAT)
    await guest.act("chat.say", ChatSayArguments(text="Goodbye"))
    house.rig.visits.stop_all()
    verbs = {verb.name: verb for verb in house.chat.verbs()}
    shown = await verbs["chat-list"].handle(NoArguments(), CUSTOMER)
    assert shown["open"] is False  # type: ignore[index]
    assert [message["text"] for message in shown["messages"]] == ["Goodbye"]  # type: ignore[index]
    with pytest.raises(Refusal, match="nobody is here"):
        await verbs["chat-say"].handle(SayArguments(text="wait"), CUSTOMER)


async def test_without_the_scope_nobody_can_be_written_to(house: House) -> None:
    guest = await let_in(house, Scope.PROCESSES)
    outcome, _, _ = await guest.act("chat.say", ChatSayArguments(text="psst"))
    assert outcome is Outcome.REFUSED
    (say,) = [verb for verb in house.chat.verbs() if verb.name == "chat-say"]
    assert say.refused_to_sessions
    with pytest.raises(Refusal, match="nobody is here"):
        await say.handle(SayArguments(text="hello?"), CUSTOMER)


async def test_a_visit_that_went_on_under_another_grant_is_the_same_conversation(house: House) -> None:
    guest = await let_in(house, Scope.CHAT)
    await guest.act("chat.say", ChatSayArguments(text="before the loss"))
    (stored,) = house.rig.books.grants.without_receipt()
    successor = replace(
        stored,
        grant=house.rig.identity.signing.sign(stored.grant_body.model_copy(update={"successor_of": stored.hash})),
    )

    class Grants(GrantsStore):
        def get(self, grant: bytes) -> StoredGrant | None:
            return successor if grant == b"successor" else super().get(grant)

    house.chat._grants = Grants(house.rig.database)
    assert house.chat.say(b"successor", "customer", "anna", "after it").number == 2
    assert [message.text for message in house.chat.of(b"successor")] == ["before the loss", "after it"]


# --- changes ---------------------------------------------------------------------------------------------------------


async def test_a_program_is_ended_by_an_order_that_names_it_exactly(house: House) -> None:
    guest = await let_in(house, Scope.PROCESSES_END)
    outcome, _, rows = await guest.act("processes.end", ProcessesEndArguments(pid=4711, started_ms=812_340))
    assert (outcome, rows) == (Outcome.DONE, [{"pid": 4711}])
    (order,) = [json.loads(order) for order in house.orders]
    assert order["end-process"]["pid"] == 4711
    assert order["end-process"]["started_ms"] == 812_340
    assert house.rig.desk.words.count("action-started") == 1


async def test_a_change_that_is_refused_ends_as_failed_with_the_reason(house: House) -> None:
    house.answer = Refusal("it was not changed", got="it is another user's")
    guest = await let_in(house, Scope.PROCESSES_END)
    outcome, detail, rows = await guest.act("processes.end", ProcessesEndArguments(pid=4711, started_ms=1))
    assert (outcome, rows) == (Outcome.FAILED, [])
    assert "another user" in detail


async def test_a_defect_of_ours_ends_the_action_and_says_where_it_is(house: House) -> None:
    house.bench.change = None  # type: ignore[assignment]
    guest = await let_in(house, Scope.PROCESSES_END, Scope.CHAT)
    outcome, detail, _ = await guest.act("processes.end", ProcessesEndArguments(pid=4711, started_ms=1))
    assert outcome is Outcome.FAILED
    assert "defect of the agent: TypeError in processes_end.py" in detail
    outcome, _, _ = await guest.act("chat.say", ChatSayArguments(text="the visit goes on"))
    assert outcome is Outcome.DONE


# --- fixes -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, house: House) -> Workshop:
    cache = tmp_path / "cache"
    cache.mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    (tmp_path / "shop").mkdir()
    made = Workshop(tmp_path / "shop", cache, rig=house.rig)
    made.fill()
    house.bench.mending = made.mending
    return made


async def previewed(guest: Guest) -> str:
    outcome, detail, rows = await guest.act("remedies.preview", RemediesPreviewArguments(remedy=REMEDY))
    assert outcome is Outcome.DONE, detail
    return str(rows[0]["preview"])


async def test_a_fix_runs_only_after_the_customer_has_read_its_steps(house: House, workshop: Workshop) -> None:
    guest = await let_in(house, Scope.REMEDY)
    preview = await previewed(guest)
    running = asyncio.create_task(guest.act("remedies.run", RemediesRunArguments(preview=preview)))
    await until(lambda: bool(house.questions.pending()))
    (question,) = house.questions.pending()
    assert "Move 3 files of pip aside" in str(question["text"])
    assert question["technician"] == "Ada Tech"
    assert workshop.quarantined() == []
    await house.agree()
    outcome, _, rows = await running
    assert outcome is Outcome.DONE
    assert workshop.quarantined() == ["old 0", "old 1", "old 2"]
    assert rows[0]["watch_until"] is not None
    workshop.database.close()


async def test_a_safe_fix_asks_too_until_the_owner_lets_such_run_without(house: House, workshop: Workshop) -> None:
    guest = await let_in(house, Scope.REMEDY)
    preview = await previewed(guest)
    shown = workshop.mending._previews[preview]
    workshop.mending._previews[preview] = replace(shown, question=replace(shown.question, risk=1))
    running = asyncio.create_task(guest.act("remedies.run", RemediesRunArguments(preview=preview)))
    await until(lambda: bool(house.questions.pending()))
    house.questions.answer(AnswerArguments(id="1", yes=False), "anna")
    assert (await running)[0] is Outcome.REFUSED
    workshop.mending.set_policy(MendingPolicy(alone=True))
    outcome, _, _ = await guest.act("remedies.run", RemediesRunArguments(preview=preview))
    assert outcome is Outcome.DONE
    assert workshop.quarantined() == ["old 0", "old 1", "old 2"]
    workshop.database.close()


async def test_no_answer_and_no_are_no_and_a_stale_certificate_is_not_even_asked_for(
    house: House, workshop: Workshop
) -> None:
    guest = await let_in(house, Scope.REMEDY)
    preview = await previewed(guest)
    running = asyncio.create_task(guest.act("remedies.run", RemediesRunArguments(preview=preview)))
    await until(lambda: bool(house.questions.pending()))
    house.questions.answer(AnswerArguments(id="1", yes=False), "anna")
    outcome, detail, _ = await running
    assert outcome is Outcome.REFUSED
    assert "nothing was changed" in detail
    house.bench.revocations_fresh = lambda: False
    outcome, detail, _ = await guest.act("remedies.run", RemediesRunArguments(preview=preview))
    assert outcome is Outcome.REFUSED
    assert "72 hours" in detail
    assert workshop.quarantined() == []
    workshop.database.close()


async def test_stop_in_the_middle_of_a_fix_leaves_nothing_half(house: House, workshop: Workshop) -> None:
    """Stopped while files move: all of them are back, or all have gone; the run is closed or watched."""
    workshop.fill(6)
    guest = await let_in(house, Scope.REMEDY)
    preview = await previewed(guest)
    asyncio.create_task(guest.act("remedies.run", RemediesRunArguments(preview=preview))).add_done_callback(
        lambda task: task.cancelled() or task.exception()
    )
    await house.agree()
    run = workshop.mending.previewed(preview).run
    await until(lambda: any(step.value == "apply" for step, _ in workshop.steps(run)))
    house.rig.visits.stop_all()
    assert house.visit() is None
    await until(lambda: workshop.mending._worker is None and not workshop.mending._orphaned)
    moved = workshop.quarantined()
    assert moved in ([], [f"old {number}" for number in range(6)])
    assert len(workshop.files()) == 7 - len(moved)
    assert workshop.journal.open_runs() == ([run] if moved else [])
    assert house.rig.desk.words.count("remedy-ended") == (0 if moved else 1)
    workshop.database.close()


async def test_stop_takes_an_open_question_away(house: House, workshop: Workshop) -> None:
    guest = await let_in(house, Scope.REMEDY)
    preview = await previewed(guest)
    asyncio.create_task(guest.act("remedies.run", RemediesRunArguments(preview=preview))).add_done_callback(
        lambda task: task.cancelled() or task.exception()
    )
    await until(lambda: bool(house.questions.pending()))
    house.rig.visits.stop_all()
    await until(lambda: not house.questions.pending())
    assert workshop.quarantined() == []
    workshop.database.close()


# --- bundles ---------------------------------------------------------------------------------------------------------


@dataclass
class OneBundle:
    """Stands for `Asking`: one preview; remembers what was sent and what was forgotten."""

    sent: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)

    async def previewed(self) -> dict[str, object]:
        return {"preview": "p", "files": [], "categories": {"logs": 5000}}

    async def add_to_ticket(
        self, ticket: str, preview: str, *, untick_paths: tuple[str, ...], untick_categories: tuple[str, ...]
    ) -> SealedBundle:
        self.sent.append((ticket, untick_categories))
        return SealedBundle("b", Path("b"), Written(5000, 3, {}, "00", True, "00"))

    async def forget(self, preview: str) -> None:
        self.forgotten.append(preview)


@pytest.mark.parametrize("yes", [True, False])
async def test_a_bundle_goes_only_with_the_customers_yes_and_without_what_they_left_out(
    house: House, yes: bool
) -> None:
    bundles = OneBundle()
    house.bench.asking = bundles  # type: ignore[assignment]
    guest = await let_in(house, Scope.BUNDLE)
    running = asyncio.create_task(guest.act("bundle", BundleArguments(reason="for the <disk>")))
    await until(lambda: bool(house.questions.pending()))
    (question,) = house.questions.pending()
    assert question["preview"] == {"preview": "p", "files": [], "categories": {"logs": 5000}}
    assert "They say: “for the <disk>”" in str(question["text"])
    digest = decode_base64(str(question["text_sha256"])) if yes else None
    said = AnswerArguments(id="1", yes=yes, text_sha256=digest, untick_categories=("logs",))
    house.questions.answer(said, "anna")
    outcome, _, rows = await running
    assert bundles.forgotten == ["p"]
    if yes:
        assert (outcome, bundles.sent) == (Outcome.DONE, [(house.rig.ticket, ("logs",))])
        assert rows == [{"id": "b", "ticket": house.rig.ticket, "bytes": 5000, "files": 3}]
    else:
        assert (outcome, bundles.sent, rows) == (Outcome.REFUSED, [], [])
