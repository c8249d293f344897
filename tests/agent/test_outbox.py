import sqlite3
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from agent.link.outbox import Outbox, OutboxFull
from agent.refusal import Refusal
from agent.store.database import Database, NotWritten
from protocol import strict_json
from protocol.audit import AuditEntry, AuditWord
from protocol.messages.desk import CustomerText
from protocol.messages.items import AuditItem, SealedItem, SealedKind
from tests.agent.doubles import item_id, report_item
from tests.making import NOW, seed


def words(number: int, text: str = "help") -> CustomerText:
    return CustomerText(id=item_id(number), ticket=item_id(999), text=text, at=NOW)


def audit(number: int) -> AuditItem:
    return AuditItem(id=item_id(number), entry=AuditEntry(word=AuditWord.ACTION_ENDED, author="server", at=NOW))


def receipt(number: int) -> SealedItem:
    return SealedItem(
        id=item_id(number), kind=SealedKind.RECEIPT, ticket=None, case=None, sha256=seed("hash"), data=b"sealed"
    )


def ids(outbox: Outbox, limit: int = 100) -> list[str]:
    return [waiting.id for waiting in outbox.due((), limit)]


def test_an_item_waits_until_the_server_has_it(outbox: Outbox) -> None:
    outbox.put(words(1), NOW)
    assert ids(outbox) == [item_id(1)]
    assert outbox.settle(item_id(1))
    assert ids(outbox) == []
    assert not outbox.settle(item_id(1))


def test_what_is_sent_are_the_items_exact_bytes(outbox: Outbox) -> None:
    item = words(1, "\u202e ünïcödé </script>")
    outbox.put(item, NOW)
    assert outbox.due((), 1)[0].body == strict_json.dump(item)


def test_a_session_does_not_wait_behind_reports(outbox: Outbox) -> None:
    for item in (report_item(1), receipt(2), words(3), audit(4)):
        outbox.put(item, NOW)
    assert ids(outbox) == [item_id(4), item_id(3), item_id(2), item_id(1)]


def test_items_of_one_kind_go_oldest_first_and_what_is_under_way_is_left_out(outbox: Outbox) -> None:
    for number in range(5):
        outbox.put(words(number), NOW)
    assert [waiting.id for waiting in outbox.due({item_id(0), item_id(2)}, 2)] == [item_id(1), item_id(3)]


def test_what_is_sealed_stays_while_nobody_may_open_it(outbox: Outbox) -> None:
    outbox.put(receipt(1), NOW)
    outbox.put(report_item(2), NOW)
    outbox.sealed_waits = lambda: True
    assert [waiting.kind for waiting in outbox.due((), 10)] == ["report"]
    outbox.sealed_waits = lambda: False
    assert [waiting.kind for waiting in outbox.due((), 10)] == ["sealed", "report"]


def test_a_refused_item_becomes_a_dead_letter_with_its_reason(outbox: Outbox) -> None:
    outbox.put(words(1), NOW)
    assert outbox.refuse(item_id(1), "no such ticket", NOW + 5)
    assert ids(outbox) == []
    (letter,) = outbox.dead_letters()
    assert (letter.id, letter.kind, letter.reason, letter.refused_at) == (
        item_id(1),
        "customer-text",
        "no such ticket",
        NOW + 5,
    )
    assert not outbox.refuse(item_id(1), "again", NOW)


def test_the_same_id_twice_is_our_own_defect_and_keeps_the_first(outbox: Outbox) -> None:
    outbox.put(words(1, "first"), NOW)
    with pytest.raises(sqlite3.IntegrityError):
        outbox.put(words(1, "second"), NOW)
    assert b"first" in outbox.due((), 1)[0].body


def test_a_full_outbox_drops_the_oldest_reports_and_counts_them(database: Database) -> None:
    outbox = Outbox(database, max_items=3)
    for number in range(5):
        outbox.put(report_item(number), NOW)
    assert ids(outbox) == [item_id(2), item_id(3), item_id(4)]
    assert outbox.gap() == 2


def test_a_dropped_report_hands_its_own_gap_on(database: Database) -> None:
    outbox = Outbox(database, max_items=2)
    outbox.put(report_item(1), NOW)
    outbox.put(report_item(2), NOW)
    outbox.put(report_item(3), NOW)
    assert outbox.gap() == 1
    outbox.put(report_item(4, gap_count=outbox.gap()), NOW)
    assert outbox.gap() == 1  # report 2 went for it; the one before is told in report 4
    outbox.put(report_item(5, gap_count=0), NOW)
    outbox.put(report_item(6, gap_count=0), NOW)  # drops report 4 and what it told
    assert outbox.gap() == 1 + 1 + 2


@pytest.mark.parametrize("item", [words(50), audit(50), receipt(50)])
def test_words_audit_entries_and_receipts_are_never_dropped(database: Database, item: AuditItem) -> None:
    outbox = Outbox(database, max_items=3)
    outbox.put(item, NOW)
    for number in range(10):
        outbox.put(report_item(number), NOW)
    assert item.id in ids(outbox)
    assert len(ids(outbox)) == 3


def test_an_outbox_full_of_what_must_not_go_refuses_and_says_why(database: Database) -> None:
    outbox = Outbox(database, max_items=2)
    outbox.put(words(1), NOW)
    outbox.put(words(2), NOW)
    with pytest.raises(OutboxFull, match="full"):
        outbox.put(words(3), NOW)
    assert ids(outbox) == [item_id(1), item_id(2)]


def test_bytes_are_bounded_too(database: Database) -> None:
    outbox = Outbox(database, max_bytes=10_000)
    for number in range(200):
        outbox.put(report_item(number), NOW)
    assert outbox.numbers().bytes <= 10_000
    assert outbox.gap() + outbox.numbers().items == 200


def test_an_item_larger_than_a_message_is_refused_at_once(outbox: Outbox) -> None:
    # 4 000 characters of JSON escapes fit; a sealed item beyond the limit cannot be made at all.
    item = words(1).model_copy(update={"text": "x" * 300_000})
    with pytest.raises(Refusal, match="too large"):
        outbox.put(item, NOW)


def test_a_full_disk_takes_nothing_and_says_so(tmp_path: Path) -> None:
    database = Database(tmp_path / "agent.db")
    outbox = Outbox(database)
    outbox.put(words(1), NOW)
    database.query(f"PRAGMA max_page_count={database.query('PRAGMA page_count')[0][0]}")
    accepted: list[str] = []

    def put_many() -> None:
        for number in range(2, 500):
            outbox.put(words(number, "x" * 1000), NOW)
            accepted.append(item_id(number))

    with pytest.raises(NotWritten, match="nothing could be written"):
        put_many()
    assert ids(outbox, 1000) == [item_id(1), *accepted]
    database.close()


def test_a_flipped_bit_on_the_disk_is_never_sent(database: Database, outbox: Outbox) -> None:
    outbox.put(words(1, "help me"), NOW)
    outbox.put(words(2, "and me"), NOW)
    with database.transaction() as connection:
        body = bytearray(connection.execute("SELECT body FROM outbox WHERE id = ?", (item_id(1),)).fetchone()[0])
        body[body.index(b"help")] ^= 1
        connection.execute("UPDATE outbox SET body = ? WHERE id = ?", (bytes(body), item_id(1)))
    assert ids(outbox) == [item_id(2)]
    assert outbox.dead_letters()[0].reason == "damaged on this disk before it could be sent"


def test_items_survive_a_restart_in_their_order(tmp_path: Path) -> None:
    database = Database(tmp_path / "agent.db")
    for number in (3, 1, 2):
        Outbox(database).put(words(number), NOW)
    database.close()
    again = Database(tmp_path / "agent.db")
    assert ids(Outbox(again)) == [item_id(3), item_id(1), item_id(2)]
    again.close()


class OutboxMachine(RuleBasedStateMachine):
    """Any interleaving of putting, settling and refusing: nothing that must not go is ever lost."""

    def __init__(self) -> None:
        super().__init__()
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        self.database = Database(Path(self.folder.name) / "agent.db")
        self.outbox = Outbox(self.database, max_items=6)
        self.number = 0
        self.lasting: set[str] = set()
        self.reports = 0
        self.reports_over = 0

    @rule(kind=st.sampled_from(["report", "words", "audit"]))
    def put(self, kind: str) -> None:
        self.number += 1
        made = {"report": report_item, "words": words, "audit": audit}[kind](self.number)
        try:
            self.outbox.put(made, NOW)
        except OutboxFull:
            assert len(self.lasting) == 6 or kind == "report"
            return
        if kind == "report":
            self.reports += 1
        else:
            self.lasting.add(made.id)

    @rule(choice=st.integers(0, 5), stored=st.booleans())
    def answer(self, choice: int, stored: bool) -> None:
        waiting = self.outbox.due((), 10)
        if not waiting:
            return
        chosen = waiting[choice % len(waiting)]
        assert self.outbox.settle(chosen.id) if stored else self.outbox.refuse(chosen.id, "no", NOW)
        if chosen.kind == "report":
            self.reports_over += 1
        self.lasting.discard(chosen.id)

    @invariant()
    def nothing_lasting_is_lost_and_every_report_is_accounted_for(self) -> None:
        waiting = self.outbox.due((), 100)
        assert {item.id for item in waiting if item.kind != "report"} == self.lasting
        assert len(waiting) <= 6
        left = sum(item.kind == "report" for item in waiting)
        assert left + self.reports_over + self.outbox.gap() == self.reports

    def teardown(self) -> None:
        self.database.close()
        self.folder.cleanup()


TestOutboxMachine = OutboxMachine.TestCase
TestOutboxMachine.settings = settings(max_examples=15, stateful_step_count=30, deadline=None, derandomize=True)
