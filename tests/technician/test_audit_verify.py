"""An exported log is checked from files alone, and every way of bending it is found."""

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from protocol import strict_json
from protocol.audit import AuditEntry, AuditLeaf, AuditWord, CommittedValue, CommittedValues, value_commitment
from protocol.certificates import RootRotation
from protocol.checkpoints import LogKey
from protocol.journal import Outcome
from protocol.merkle import leaf_hash
from technician.audit.report import AuditReport
from technician.audit.verify import verify_log
from tests.making import NOW, Organisation, seed
from tests.technician.conftest import Run
from tests.technician.made_log import LOG, ORG, MadeLog, finished_visit

MADE = MadeLog()


def verify(made: MadeLog = MADE, **bent: object) -> AuditReport:
    return verify_log(made.export(**bent), made.root, receipts=made.proofs)  # type: ignore[arg-type]


def test_an_honest_log_holds() -> None:
    report = verify()
    assert report.problems == []
    assert report.notes == []
    assert (report.size, report.visits, report.receipts) == (len(MADE.honest), 6, 6)
    assert [(each.customer, each.size) for each in report.witnesses] == [
        ("Acme", len(MADE.honest)),
        ("Acme", len(MADE.honest) - 3),
    ]


def test_an_export_and_receipts_from_before_a_new_root_still_hold() -> None:
    """By a root.json of after: it carries the rotation. One that names the new root alone knows none of them."""
    new = Organisation("Helpful Ltd, second root")
    body = RootRotation(
        old_root=ORG.root_hash, new_root=new.root_hash, new_root_key=new.root.public, sequence=1, issued_at=NOW
    )
    turned = new.root.add_signature(ORG.root.sign(body))
    alone = MADE.root.model_copy(update={"root_key": new.root.public})
    carrying = alone.model_copy(update={"first_root_key": ORG.root.public, "rotations": (turned,)})
    report = verify_log(MADE.export(), carrying, receipts=MADE.proofs)
    assert (report.problems, len(report.witnesses), report.receipts) == ([], 2, 6)
    assert not verify_log(MADE.export(), alone, receipts=MADE.proofs).holds
    forged = carrying.model_copy(update={"rotations": (new.root.sign(body),)})
    assert "root.json does not hold" in verify_log(MADE.export(), forged).problems[0]


# --- a thousand edits ------------------------------------------------------------------------------------


def flip_a_bit(entries: list[bytes], chosen: random.Random) -> None:
    index = chosen.randrange(len(entries))
    bent = bytearray(entries[index])
    place = chosen.randrange(len(bent) * 8)
    bent[place // 8] ^= 1 << place % 8
    entries[index] = bytes(bent)


def change_a_word(entries: list[bytes], chosen: random.Random) -> None:
    """Well formed, and a lie: another time or another risk in one entry."""
    index = chosen.randrange(len(entries))
    leaf = strict_json.parse(entries[index], AuditLeaf)
    entry = leaf.entry.model_copy(update={"at": leaf.entry.at + chosen.randint(1, 9), "risk": chosen.randint(0, 3)})
    entries[index] = leaf.model_copy(update={"entry": entry}).to_bytes()


def remove_one(entries: list[bytes], chosen: random.Random) -> None:
    del entries[chosen.randrange(len(entries))]


def cut_the_end(entries: list[bytes], chosen: random.Random) -> None:
    del entries[chosen.randrange(1, len(entries)) :]


def insert_one(entries: list[bytes], chosen: random.Random) -> None:
    entries.insert(chosen.randrange(len(entries) + 1), chosen.choice(entries))


def swap_two(entries: list[bytes], chosen: random.Random) -> None:
    one, other = chosen.sample(range(len(entries)), 2)
    entries[one], entries[other] = entries[other], entries[one]


def replace_by_another(entries: list[bytes], chosen: random.Random) -> None:
    one, other = chosen.sample(range(len(entries)), 2)
    entries[one] = entries[other]


EDITS: tuple[Callable[[list[bytes], random.Random], None], ...] = (
    flip_a_bit,
    change_a_word,
    remove_one,
    cut_the_end,
    insert_one,
    swap_two,
    replace_by_another,
)


def edited(chosen: random.Random) -> list[bytes]:
    entries = list(MADE.honest)
    chosen.choice(EDITS)(entries, chosen)
    return entries


def test_a_thousand_edits_of_the_file_are_all_found(soak: bool) -> None:
    """The thief of the file: cannot sign anything. A thousand in a soak, their first three hundred else."""
    chosen = random.Random(2026)
    for _ in range(1000 if soak else 300):
        entries = edited(chosen)
        assert entries != MADE.honest
        report = verify(entries=entries)
        assert not report.holds
        assert any(word in report.problems[0] for word in ("removed", "added", "changed"))


def test_a_thousand_edits_signed_afresh_by_the_server_are_all_found(soak: bool) -> None:
    """The server itself rewrites its log and signs it: the devices that saw the old one give it away."""
    chosen = random.Random(2027)
    for _ in range(1000 if soak else 200):
        entries = edited(chosen)
        if entries[: len(MADE.honest)] == MADE.honest:
            continue  # appended at the end: that is what a log is for
        report = verify(entries=entries, note=MADE.note(entries))
        assert not report.holds
        assert any("vouched for another log" in problem or "cut off" in problem for problem in report.problems)


# --- keys and witnesses ----------------------------------------------------------------------------------


def test_a_log_signed_by_another_key_is_refused() -> None:
    thief = LogKey.from_raw(LOG.verifier.name, seed("thief"))
    assert "checkpoint does not hold" in verify(note=MADE.note(MADE.honest, thief)).problems[0]


def test_an_export_that_names_another_log_key_is_refused_before_anything_else() -> None:
    thief = LogKey.from_raw(LOG.verifier.name, seed("thief"))
    export = MADE.export(note=MADE.note(MADE.honest, thief)).model_copy(update={"log_key": thief.verifier.public_key})
    (problem,) = verify_log(export, MADE.root).problems
    assert problem.startswith("the export names another log or log key")


def test_invented_witnesses_count_for_nothing() -> None:
    """A server that rewrote its log brings twenty witnesses of its own: none is certified."""
    evil = Organisation("Evil Inc")
    invented = tuple(MADE.line(f"invented {number}", MADE.honest, evil) for number in range(20))
    report = verify(witnesses=invented)
    assert report.witnesses == []
    assert report.problems == [
        "only 0 certified devices vouch for this log, expected 1: a server could have written it anew"
    ]
    assert len([note for note in report.notes if "is no witness" in note]) == 20


def test_a_certificate_of_one_device_does_not_make_another_a_witness() -> None:
    honest = MADE.line("laptop", MADE.honest)
    borrowed = MADE.line("invented", MADE.honest).model_copy(update={"certificate": honest.certificate})
    report = verify(witnesses=(honest, borrowed))
    assert [each.device for each in report.witnesses] == [honest.device]
    assert any("the certificate is of" in note for note in report.notes)


def test_one_device_counts_once() -> None:
    line = MADE.line("laptop", MADE.honest)
    report = verify(witnesses=(line, line))
    assert len(report.witnesses) == 1
    assert "listed twice" in report.problems[0]


def test_a_device_that_saw_more_than_the_file_holds_gives_the_cut_away() -> None:
    shorter = MADE.honest[:-5]
    report = verify(entries=shorter, note=MADE.note(shorter))
    assert any("the end was cut off" in problem for problem in report.problems)


# --- forks -----------------------------------------------------------------------------------------------


def test_a_checkpoint_kept_by_a_device_finds_the_fork() -> None:
    """Two permanent forks, each with a true signature: a note from the other one is enough."""
    other = [*MADE.honest[:10], *reversed(MADE.honest[10:])]
    report = verify_log(MADE.export(), MADE.root, seen={"seen-laptop.txt": MADE.note(other)})
    assert report.problems == [
        f"seen-laptop.txt saw another log of {len(other)} entries: the log was forked or rewritten"
    ]


def test_older_and_equal_checkpoints_of_one_history_are_no_fork() -> None:
    notes = {f"seen-{size}.txt": MADE.note(MADE.honest[:size]) for size in (0, 1, 7, len(MADE.honest))}
    assert verify_log(MADE.export(), MADE.root, seen=notes).holds


def test_a_newer_checkpoint_than_the_export_says_so() -> None:
    longer = [*MADE.honest, MADE.honest[0]]
    report = verify_log(MADE.export(), MADE.root, seen={"seen.txt": MADE.note(longer)})
    assert "the end was cut off" in report.problems[0]


def test_an_old_database_that_was_restored_and_written_on_is_found_by_whoever_saw_more() -> None:
    """Everything in the restored server's own hands fits together again; a device's kept checkpoint does not."""
    kept = MADE.honest[:12]
    grown = [*kept, *reversed(MADE.honest[15:])]
    export = MADE.export(
        entries=grown,
        note=MADE.note(grown),
        witnesses=(MADE.line("laptop", kept), MADE.line("desktop", MADE.honest[:8])),
    )
    alone = verify_log(export, MADE.root)
    assert not [problem for problem in alone.problems if "visit" not in problem]
    seen = {"seen-laptop.txt": MADE.note(MADE.honest[:20])}
    assert any("forked or rewritten" in problem for problem in verify_log(export, MADE.root, seen=seen).problems)
    # A device that cosigned again since has vouched for what is gone.
    again = export.model_copy(update={"witnesses": (MADE.line("laptop", MADE.honest[:20]),)})
    assert any("vouched for another log" in problem for problem in verify_log(again, MADE.root).problems)


# --- values behind commitments ---------------------------------------------------------------------------


class Signed(MadeLog):
    """A log whose server has committed to three persons, and has erased one of them since."""

    def __post_init__(self) -> None:
        self.visits = 1
        self.values = [person("account anna"), person("account ben"), person("account carl")]
        for value in self.values:
            self._write(AuditEntry(word=AuditWord.SIGN_IN, author="server", at=NOW, commitment=value.commitment))
        self._write(
            AuditEntry(word=AuditWord.VALUE_ERASED, author="server", at=NOW, commitment=self.values[1].commitment)
        )
        super().__post_init__()


def person(value: str) -> CommittedValue:
    return CommittedValue(commitment=value_commitment(seed(value), value), salt=seed(value), value=value)


SIGNED = Signed()


def with_values(*values: CommittedValue) -> AuditReport:
    return verify_log(SIGNED.export(), SIGNED.root, receipts=SIGNED.proofs, values=values)


def test_a_value_that_was_erased_is_said_to_be_erased_and_breaks_nothing() -> None:
    anna, _, carl = SIGNED.values
    report = with_values(anna, carl)
    assert (report.problems, report.notes) == ([], ["entry 1: value erased"])
    assert verify_log(SIGNED.export(), SIGNED.root).problems == []  # nor does a folder without any values


def test_a_value_that_is_gone_without_a_word_is_missed() -> None:
    report = with_values(SIGNED.values[0])
    assert report.problems == ["entry 2: its value is missing, and the log does not say that it was erased"]


def test_a_value_put_in_anothers_place_is_found() -> None:
    anna, _, carl = SIGNED.values
    report = with_values(anna, carl.model_copy(update={"value": "account dora"}))
    assert len(report.problems) == 2
    assert report.problems[0].endswith("was exchanged: it does not fit")


# --- receipts --------------------------------------------------------------------------------------------


def test_a_visit_without_its_receipt_is_named() -> None:
    receipts = dict(MADE.proofs)
    missing = receipts.pop("3.json")
    report = verify_log(MADE.export(), MADE.root, receipts=receipts)
    grant = missing.grant.hash.hex()[:16]
    assert report.problems == [f"visit {grant} is in the log, its receipt is not among the files"]


def test_a_receipt_of_a_visit_that_the_log_does_not_know_is_named() -> None:
    stray = finished_visit("laptop", 99).device.proof
    assert stray is not None
    report = verify_log(MADE.export(), MADE.root, receipts={**MADE.proofs, "stray.json": stray})
    assert report.problems == [f"visit {stray.grant.hash.hex()[:16]} has a receipt, the log does not know it"]


def test_a_log_that_tells_another_outcome_than_the_receipt_is_found() -> None:
    """Server and witnesses agree on a log in which a refused action is done: the receipt does not."""
    made = MadeLog(visits=1)
    for index, leaf in enumerate(made.honest):
        parsed = strict_json.parse(leaf, AuditLeaf)
        if parsed.entry.word is AuditWord.ACTION_REFUSED:
            entry = parsed.entry.model_copy(update={"word": AuditWord.ACTION_ENDED, "outcome": Outcome.DONE})
            made.honest[index] = parsed.model_copy(update={"entry": entry}).to_bytes()
    report = verify(made)
    assert [problem.split(": ")[1] for problem in report.problems] == [
        "action 2 is told differently by log and receipt"
    ]


# --- at the command line, from files ---------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "log.json").write_bytes(strict_json.dump(MADE.export()))
    (tmp_path / "root.json").write_bytes(strict_json.dump(MADE.root))
    (tmp_path / "seen-technician.txt").write_text(MADE.note(MADE.honest[:4]))
    (tmp_path / "receipts").mkdir()
    for name, proof in MADE.proofs.items():
        (tmp_path / "receipts" / name).write_bytes(strict_json.dump(proof))
    return tmp_path


def test_audit_verify_needs_files_only(run: Run, folder: Path) -> None:
    ran = run("audit", "verify", folder, "--receipts", folder / "receipts", "--json")
    assert ran.code == 0, ran.text
    assert (ran.json["ok"], ran.json["entries"], ran.json["receipts"]) == (True, len(MADE.honest), 6)


def test_audit_verify_exits_1_and_says_what_is_wrong(run: Run, folder: Path) -> None:
    (folder / "receipts" / "2.json").unlink()
    ran = run("audit", "verify", folder, "--receipts", folder / "receipts")
    assert ran.code == 1
    assert "its receipt is not among the files" in ran.text
    assert "does NOT hold" in ran.text


def test_audit_verify_reads_the_values_that_lie_beside_the_log(run: Run, folder: Path) -> None:
    (folder / "values.json").write_bytes(strict_json.dump(CommittedValues(values=(person("account anna"),))))
    assert run("audit", "verify", folder).code == 0
    stranger = person("account anna").model_copy(update={"value": "account ben"})
    (folder / "values.json").write_bytes(strict_json.dump(CommittedValues(values=(stranger,))))
    assert "it does not fit" in run("audit", "verify", folder).text


def test_an_unreadable_receipt_is_a_missing_one(run: Run, folder: Path) -> None:
    (folder / "receipts" / "2.json").write_bytes(b'{"technician":')
    ran = run("audit", "verify", folder, "--receipts", folder / "receipts", "--json")
    assert ran.code == 1
    assert any("2.json cannot be read" in problem for problem in ran.json["problems"])


def test_ones_own_root_file_is_used_instead_of_the_folders(run: Run, folder: Path) -> None:
    other = MADE.root.model_copy(update={"root_key": Organisation("Evil Inc").root.public})
    (folder / "mine.json").write_bytes(strict_json.dump(other))
    ran = run("audit", "verify", folder, "--root", folder / "mine.json", "--json")
    assert ran.code == 1
    assert any("certified devices vouch" in problem for problem in ran.json["problems"])


def test_a_log_file_that_is_no_log_is_said_to_be_none(run: Run, folder: Path) -> None:
    (folder / "log.json").write_text('{"log_name":"a","log_name":"b"}')
    ran = run("audit", "verify", folder, "--json")
    assert ran.code == 1
    assert "exported log is not valid JSON" in ran.json["error"]["what"]


def test_receipt_verify_tells_the_visit_and_finds_every_changed_byte_of_a_sample(run: Run, folder: Path) -> None:
    file = folder / "receipts" / "0.json"
    ran = run("receipt", "verify", file, "--root", folder / "root.json", "--json")
    assert ran.code == 0, ran.text
    (told,) = ran.json["receipts"]
    assert (told["technician"], told["reason"], told["countersigned"]) == ("Ada Tech", "visit 0", True)
    assert [action["outcome"] for action in told["actions"]] == ["done", "refused"]

    honest = file.read_bytes()
    chosen = random.Random(5)
    for number in range(60):
        bent = bytearray(honest)
        place = chosen.randrange(len(bent))
        bent[place] = (bent[place] + chosen.randint(1, 255)) % 256
        if json_equal(bytes(bent), honest):
            continue  # the same value in another spelling of JSON
        file.write_bytes(bytes(bent))
        ran = run("receipt", "verify", file, "--root", folder / "root.json", "--json")
        assert ran.code == 1, f"change {number} at byte {place} went unseen"


def json_equal(one: bytes, other: bytes) -> bool:
    try:
        return bool(json.loads(one) == json.loads(other))
    except ValueError:
        return False


def test_the_tree_of_the_report_is_the_one_that_was_signed() -> None:
    assert MADE.note(MADE.honest).split("\n")[1] == str(verify().size)
    assert len({leaf_hash(entry) for entry in MADE.honest}) == len(MADE.honest)


def test_the_code_that_checks_a_log_can_be_read_in_one_sitting() -> None:
    import technician.audit.verify as module

    assert len(Path(module.__file__).read_text().splitlines()) <= 300
