"""What was typed and shown in a terminal: committed in the journal, kept beside it, in the transcript, erasable."""

import json
from dataclasses import replace
from pathlib import Path

from agent.proofs.kept_terminals import kept_terminals
from agent.proofs.transcript import transcript
from agent.session.effects import Finished, Streamed
from agent.session.own_side import OwnSide
from protocol.actions.scopes import Scope
from protocol.actions.terminal import KEPT_BYTES, TerminalArguments
from protocol.journal import JournalWord, Outcome
from protocol.limits import RISK3_WAIT_S
from protocol.pieces import pack_bytes
from technician.session.events import ActionEnded, GrantCame
from tests.agent.technician_end import TechnicianEnd, until
from tests.agent.visit_rig import Rig, yes_to


class TerminalRig(Rig):
    """Its administrator has enabled the terminal."""

    def own_side(self) -> OwnSide:
        return replace(super().own_side(), not_served=frozenset())


async def one_terminal(rig: Rig, end: TechnicianEnd, typed: bytes, shown: bytes) -> None:
    stream = end.initiator.open_action("terminal", TerminalArguments(), rig.clocks.wall())
    host = rig.hosts[-1]
    host.answers = False
    before = len(host.ran)
    await end.flush()
    await until(lambda: len(host.ran) > before)
    sequence = host.ran[-1][0]
    given = len(host.input)
    end.initiator.send_input(stream, pack_bytes(typed))
    await end.flush()
    await until(lambda: len(host.input) > given)
    host.heard(Streamed(sequence, pack_bytes(shown)))
    ended = sum(isinstance(event, ActionEnded) for event in end.heard)
    host.heard(Finished(sequence, Outcome.DONE))
    await end.until(ActionEnded, ended + 1)


async def test_what_was_typed_and_shown_is_in_the_transcript_until_it_is_erased(tmp_path: Path) -> None:
    rig = TerminalRig(tmp_path)
    made: list[bytes] = []

    def written(proof: object) -> bytes:
        made.append(transcript(proof, rig.books.journal, lambda grant: []))  # type: ignore[arg-type]
        return made[-1]

    rig.receipts._transcript = written
    end = await rig.arrive(scopes=(Scope.TERMINAL,))
    prompt = await rig.question()
    rig.gate.show(prompt.id)
    rig.clocks.pass_s(RISK3_WAIT_S + 1)
    yes_to(rig, prompt)
    await end.until(GrantCame)
    await one_terminal(rig, end, "söft\r".encode(), b"not found\r\n")
    await one_terminal(rig, end, b"y\r", b"y" * (KEPT_BYTES + 100))
    await end.end()
    await rig.over()
    document = json.loads(made[0])
    first, second = document["terminals"]
    assert first == {"action": 1, "typed": "söft\r", "shown": "not found\r\n", "cut": False}
    assert (second["typed"], second["cut"]) == ("y\r", True)
    assert set(second["shown"]) == {"y"}
    (grant,) = {entry.grant for entry in rig.books.journal.between(1, 100)}
    entries = rig.books.journal.of_grant(grant)
    ended = [entry for entry in entries if entry.word is JournalWord.ACTION_ENDED]
    assert all(entry.arguments is not None for entry in ended)
    assert "söft" not in "".join(entry.to_bytes().decode() for entry in entries)
    rig.books.journal.erase_values(rig.clocks.wall() + 1)
    assert kept_terminals(entries, rig.books.journal) == []
    assert rig.books.journal.check() == len(rig.books.journal.between(1, 100))
    rig.close()
