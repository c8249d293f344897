"""Receipts that belong together: over a lost connection, proven; over a hand-over, by what the next one said."""

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from agent.cli.main import main
from agent.proofs.chain import neighbours
from agent.proofs.offline import kept_receipts
from technician.session.events import GrantCame, WentOn
from tests.agent.page.conftest import page, rig, service
from tests.agent.technician_end import until
from tests.agent.visit_rig import Rig, yes_to

__all__ = ["page", "rig", "service"]  # fixtures: the customer's page against the rig's own service


async def cut_once(rig: Rig) -> None:
    """One visit over a lost connection: two grants, a receipt each."""
    technician = await rig.let_in()
    await technician.act()
    await technician.cut()
    await technician.knock()
    await technician.until(WentOn)
    await technician.end()
    await rig.over()


async def handed_over(rig: Rig) -> None:
    ada = await rig.let_in()
    ada.initiator.hand_over("Bea Tech")
    await ada.flush()
    await until(lambda: bool(rig.visits._giver()))
    bea = await rig.next_arrives("Bea Tech")
    yes_to(rig, await rig.question())
    await bea.until(GrantCame)
    await ada.receipt()
    await bea.end()
    await rig.over()


def verified(state: Path, capsys: pytest.CaptureFixture[str], *what: str) -> tuple[int, dict[str, Any]]:
    code = main(["receipts", "verify", *what, "--state", str(state), "--json"])
    return code, json.loads(capsys.readouterr().out)


async def test_the_offline_check_follows_a_visit_over_a_lost_connection(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = Rig(tmp_path / "s")
    await cut_once(made)
    before, after = (kept.grant.hex() for kept in reversed(made.receipts.list()))
    stored = made.receipts.proof(bytes.fromhex(after))
    made.close()
    code, all_of_it = verified(made.folder.root, capsys)
    assert (code, all_of_it["ok"], all_of_it["chain_faults"]) == (0, True, [])
    assert {each["grant"]: each["went_on_from"] for each in all_of_it["verified"]} == {before: None, after: before}
    assert stored is not None
    file = tmp_path / "after.json"
    file.write_bytes(stored)
    code, one = verified(made.folder.root, capsys, str(file))
    assert (code, one["ok"], one["went_on_from"]) == (0, True, before)


async def test_a_receipt_missing_between_two_is_a_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = Rig(tmp_path / "s")
    await cut_once(made)
    with made.database.transaction() as connection:
        connection.execute("DELETE FROM receipts WHERE grant_hash = ?", (made.receipts.list()[1].grant,))
    made.close()
    code, told = verified(made.folder.root, capsys)
    assert (code, told["ok"], told["failed"]) == (1, False, [])
    (fault,) = told["chain_faults"]
    assert "receipt is missing" in fault


async def test_visits_that_belong_together_name_each_other(tmp_path: Path) -> None:
    made = Rig(tmp_path / "s")
    await cut_once(made)
    await handed_over(made)
    listed = made.receipts.list()
    bea, ada, after, before = listed
    beside = neighbours(listed)
    assert beside[after.grant].went_on_from == before
    assert beside[before.grant].went_on_in == after
    assert beside[bea.grant].taken_over_from == ada
    assert beside[ada.grant].handed_over_to == bea
    assert beside[ada.grant].went_on_from is beside[bea.grant].went_on_from is None
    made.close()
    offline = {each["grant"]: each for each in kept_receipts(made.folder.database)}
    assert offline[bea.grant.hex()]["taken_over_from"]["technician"] == "Ada Tech"
    assert offline[before.grant.hex()]["went_on_in"]["grant"] == after.grant.hex()


async def test_the_customers_pages_link_what_belongs_together(service: Rig, page: httpx2.AsyncClient) -> None:
    await cut_once(service)
    await handed_over(service)
    bea, ada, after, before = (kept.grant.hex() for kept in service.receipts.list())
    for grant, linked, said in (
        (after, before, "The connection had been lost: this went on from"),
        (before, after, "It went on in"),
        (bea, ada, "They took over from Ada Tech"),
        (ada, bea, "It was handed over to Bea Tech"),
    ):
        text = (await page.get(f"/visits/{grant}")).text
        assert f'href="/visits/{linked}"' in text
        assert said in text
    listed = (await page.get("/visits")).text
    assert "took over from Ada Tech" in listed
    assert "After a lost connection" in listed
