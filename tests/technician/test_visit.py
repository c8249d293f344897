"""Whole visits through a real server's relay: what the technician's program believes, keeps and refuses."""

import json
from pathlib import Path

import pytest

from protocol import strict_json
from protocol.actions.diagnose import DiagnoseArguments
from protocol.actions.processes import ProcessesArguments
from protocol.actions.scopes import Scope
from protocol.checkpoints import Checkpoint, LogKey
from protocol.errors import ProtocolError
from protocol.journal import Outcome
from protocol.proofs import verify_proof
from technician.api import Api
from technician.devices import DeviceFacts, find_device
from technician.problems import Problem
from technician.session.closing import read_proof
from technician.session.outcome import VisitRefused
from technician.session.visit import Visit
from technician.sign_in import Technician
from tests.making import NOW
from tests.server.actors import log_verifier
from tests.technician.device_end import process_item
from tests.technician.scene import Scene, at_now, scene

__all__ = ["at_now"]

pytestmark = pytest.mark.usefixtures("at_now")
ASKED = (Scope.DIAGNOSE, Scope.PROCESSES)


async def device_of(made: Scene, api: Api) -> DeviceFacts:
    rows = (await api.devices()).devices
    return find_device(rows, made.device.device, made.technician.store.trust, NOW)


async def test_a_whole_visit_leaves_a_proven_receipt_and_a_transcript(tmp_path: Path) -> None:
    async with scene(tmp_path) as made, made.technician.signed_in() as api:
        made.answer["items"] = [process_item(number) for number in range(5)]
        ticket = await made.ticket()
        device = await device_of(made, api)
        assert device.certified
        assert device.customer == "Acme"
        async with Visit.open(made.technician, api, device, ticket, ASKED, 15, "it is slow") as visit:
            await visit.compared()
            assert visit.phrase == made.end.phrase
            assert (await visit.granted()).body.scopes == ASKED
            run = await visit.run("processes", ProcessesArguments())
            assert [item.id async for item in run] == [0, 1, 2, 3, 4]
            assert run.result is not None
            assert run.result.outcome is Outcome.DONE
            ended = await visit.end()
        assert (ended.by, ended.countersigned, ended.fault) == ("technician", True, "")
        assert ended.receipt is not None
        proven = verify_proof(read_proof(ended.receipt.read_bytes()), made.world.organisation.root.verify_key)
        assert [action.action for action in proven.receipt.actions] == ["processes"]
        lines = [json.loads(line) for line in visit.transcript.path.read_text().splitlines()]
        assert [line["event"] for line in lines] == [
            "request", "granted", "action", *["row"] * 5, "result", "closing", "receipt",
        ]  # fmt: skip


async def test_the_customers_stop_ends_waiting_actions_and_brings_the_receipt(tmp_path: Path) -> None:
    async with scene(tmp_path) as made, made.technician.signed_in() as api:
        device = await device_of(made, api)
        ticket = await made.ticket()
        async with Visit.open(made.technician, api, device, ticket, ASKED, 15, "it is slow") as visit:
            await visit.granted()
            made.put(made.end.stop())
            ended = await visit.ended()
            assert (ended.by, ended.countersigned, ended.fault) == ("customer", True, "")
            with pytest.raises(Problem, match="the visit is over"):
                await visit.run("diagnose", DiagnoseArguments())


async def test_a_no_is_told_as_the_customers(tmp_path: Path) -> None:
    async with scene(tmp_path) as made, made.technician.signed_in() as api:
        made.answer["granted"] = ()
        device, ticket = await device_of(made, api), await made.ticket()
        async with Visit.open(made.technician, api, device, ticket, ASKED, 15, "it is slow") as visit:
            with pytest.raises(VisitRefused, match="the customer said no"):
                await visit.granted()


async def test_a_device_that_saw_another_log_ends_the_visit_and_leaves_an_alarm(tmp_path: Path) -> None:
    """The device's checkpoint is signed by the log's own key, over entries that the server shows to nobody else."""
    async with scene(tmp_path) as made, made.technician.signed_in() as api:
        facts = log_verifier((await made.world.get("/api/server")).json())
        key = LogKey.from_raw(facts.name, made.world.data.joinpath("log-key").read_bytes())
        made.answer["note"] = key.sign(Checkpoint(facts.name, 2, b"\x07" * 32))
        device, ticket = await device_of(made, api), await made.ticket()
        async with Visit.open(made.technician, api, device, ticket, ASKED, 15, "it is slow") as visit:
            with pytest.raises(ProtocolError, match="does not continue the log the device saw"):
                await visit.granted()
        (alarm,) = made.technician.store.alarms()
        assert alarm.kind == "split-view"


async def test_an_unsigned_checkpoint_is_an_alarm_too(tmp_path: Path) -> None:
    async with scene(tmp_path) as made, made.technician.signed_in() as api:
        made.answer["note"] = "not a checkpoint"
        device, ticket = await device_of(made, api), await made.ticket()
        async with Visit.open(made.technician, api, device, ticket, ASKED, 15, "it is slow") as visit:
            with pytest.raises(ProtocolError, match="did not sign"):
                await visit.compared()


async def test_newer_revocations_shown_by_the_device_stop_a_revoked_technician(tmp_path: Path) -> None:
    """The server withholds them; the device does not."""
    async with scene(tmp_path) as made, made.technician.signed_in() as api:
        serial = made.technician.certificate(NOW).body.serial
        made.answer["revocations"] = made.world.organisation.revocations(version=7, serials=(serial,))
        device, ticket = await device_of(made, api), await made.ticket()
        async with Visit.open(made.technician, api, device, ticket, ASKED, 15, "it is slow") as visit:
            with pytest.raises(ProtocolError, match="technician certificate was revoked"):
                await visit.granted()
        again = Technician.open(made.technician.home, made.technician.passphrases)
        assert again.store.trust.is_revoked(serial)  # kept: no later visit begins


async def test_an_unverified_device_does_nothing_before_two_right_words(tmp_path: Path) -> None:
    async with scene(tmp_path, certified=False) as made, made.technician.signed_in() as api:
        made.answer["certified"] = False
        device = await device_of(made, api)
        assert not device.certified
        assert device.noise_key == made.device.keys.noise  # the server's word, which the phrase then checks
        async with Visit.open(made.technician, api, device, await made.ticket(), ASKED, 15, "why") as visit:
            await visit.granted()
            with pytest.raises(Problem, match="the device is unverified"):
                await visit.run("diagnose", DiagnoseArguments())
            words = made.end.phrase
            visit.confirm({2: words[1], 5: f" {words[4].upper()} "})
            run = await visit.run("diagnose", DiagnoseArguments())
            assert [item async for item in run] == []
            ended = await visit.end()
        assert ended.receipt is not None
        proven = verify_proof(read_proof(ended.receipt.read_bytes()), made.world.organisation.root.verify_key)
        assert not proven.certified_device


async def test_wrong_words_end_the_visit(tmp_path: Path) -> None:
    async with scene(tmp_path, certified=False) as made, made.technician.signed_in() as api:
        made.answer["certified"] = False
        device, ticket = await device_of(made, api), await made.ticket()
        async with Visit.open(made.technician, api, device, ticket, ASKED, 15, "why") as visit:
            await visit.granted()
            with pytest.raises(Problem, match="not the words of this session"):
                visit.confirm({1: "guessed", 2: made.end.phrase[1]})
            with pytest.raises(Problem):
                await visit.run("diagnose", DiagnoseArguments())


async def test_a_receipt_of_another_visit_is_kept_with_an_alarm(tmp_path: Path) -> None:
    async with scene(tmp_path) as made, made.technician.signed_in() as api:
        device, ticket = await device_of(made, api), await made.ticket()
        async with Visit.open(made.technician, api, device, ticket, ASKED, 15, "first") as visit:
            await visit.granted()
            await visit.end()
        first = made.end.proof
        async with Visit.open(made.technician, api, device, ticket, ASKED, 15, "second") as visit:
            await visit.granted()
            made.end.proof = first  # replayed: whole, well signed, and not about this visit
            ended = await visit.end()
        assert "another request" in ended.fault
        assert [alarm.kind for alarm in made.technician.store.alarms()] == ["receipt"]


async def test_leaving_in_the_middle_ends_the_visit_politely(tmp_path: Path) -> None:
    async with scene(tmp_path) as made, made.technician.signed_in() as api:
        device, ticket = await device_of(made, api), await made.ticket()
        async with Visit.open(made.technician, api, device, ticket, ASKED, 15, "why") as visit:
            await visit.granted()
        for task in made.visits:
            await task
        assert made.end.state is not None
        assert made.end.state.ended_by is not None


async def test_the_session_token_is_cached_and_renewed(tmp_path: Path) -> None:
    async with scene(tmp_path) as made:
        async with made.technician.signed_in() as api:
            first = api.token
        async with made.technician.signed_in() as api:
            assert api.token == first
        made.technician.home.sign_in.write_bytes(
            strict_json.dump(made.technician._saved().model_copy(update={"token": "x" * 43}))  # type: ignore[union-attr]
        )
        async with made.technician.signed_in() as api:
            assert api.token not in (first, "x" * 43)
            await api.tickets()
