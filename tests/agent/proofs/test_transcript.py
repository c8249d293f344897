"""The transcript of a visit: every act with its arguments, every change, every word; sent once, beside the receipt."""

import json
from pathlib import Path

from agent.proofs.transcript import transcript
from agent.session.chat import Chat
from protocol.actions.processes import ProcessesArguments
from protocol.actions.scopes import Scope
from protocol.messages.items import SealedKind
from tests.agent.visit_rig import Rig


async def test_it_tells_what_was_asked_done_changed_and_said(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    chat = Chat(rig.database, rig.clocks, visit=rig.visits.in_force)
    made: list[bytes] = []

    def written(proof: object) -> bytes:
        made.append(transcript(proof, rig.books.journal, chat.of))  # type: ignore[arg-type]
        return made[-1]

    rig.receipts._transcript = written
    end = await rig.let_in(scopes=(Scope.PROCESSES, Scope.CHAT))
    visit = rig.visits.in_force()
    assert visit is not None
    await end.act("processes", ProcessesArguments(sort="memory", limit=7))
    chat.say(visit.grant, "technician", "Ada Tech", "Which program is slow?")
    chat.say(visit.grant, "customer", "anna", "The editor.")
    rig.visits.narrow((Scope.CHAT,))
    rig.visits.stop_all()
    await rig.over()
    (document,) = [json.loads(each) for each in made]
    assert document["technician"] == "Ada Tech"
    assert document["ended_by"] == "customer"
    (action,) = document["actions"]
    assert (action["action"], action["outcome"]) == ("processes", "done")
    assert action["arguments"] == {"sort": "memory", "limit": 7}
    assert [change["kind"] for change in document["changes"]] == ["narrowed", "stopped"]
    assert [(each["by"], each["text"]) for each in document["messages"]] == [
        ("technician", "Which program is slow?"),
        ("customer", "The editor."),
    ]
    kinds = [item.kind for item in rig.sealed()]
    assert sorted(kinds) == [SealedKind.RECEIPT, SealedKind.TRANSCRIPT]
    assert {item.session for item in rig.sealed()} == {visit.grant}
    rig.receipts.send_waiting()
    assert len(rig.sealed()) == 2
    rig.close()
