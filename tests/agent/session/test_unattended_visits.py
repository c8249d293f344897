"""A visit that nobody is asked about: only under the owner's policy, with the same books, and never over a person."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent.consent.policy_verbs import PolicyVerbs, SeenArguments
from agent.local.verbs import NoArguments, Peer
from agent.store.kept_values import KeptValues
from protocol.actions.scopes import Scope
from protocol.grants import ConsentMethod, EndedBy
from protocol.limits import REFUSAL_COOLDOWN_S
from technician.session.events import GrantCame
from tests.agent.consent.test_abuse import sign
from tests.agent.visit_rig import Rig

PERSON = Peer(uid=1000, pid=4711, is_administrator=False, in_session=False)


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    rig = Rig(tmp_path / "s")
    yield rig
    rig.visits.stop_all()
    await rig.over()
    rig.close()


def policy_verbs(rig: Rig) -> PolicyVerbs:
    return PolicyVerbs(
        rig.policies,
        rig.receipts,
        KeptValues(rig.database),
        rig.clocks,
        end_unattended=rig.visits.stop_unattended,
    )


async def test_without_a_policy_an_offer_without_a_ticket_is_declined(rig: Rig) -> None:
    await rig.offer(about_nothing=True)
    assert [declined.reason for declined in rig.declined] == ["unknown-ticket"]


async def test_under_a_policy_nobody_is_asked_and_everything_is_written_down(rig: Rig) -> None:
    sign(rig)
    policy = rig.policies.in_force()
    assert policy is not None
    technician = await rig.arrive(about_nothing=True)
    (came,) = await technician.until(GrantCame)
    assert isinstance(came, GrantCame)
    (view,) = rig.visits.current()
    assert (view.unattended, view.technician) == (True, "Ada Tech")
    await technician.act()
    await technician.end()
    await rig.over()
    assert rig.database.query("SELECT 1 FROM prompts") == []
    (proof,) = rig.proofs()
    assert proof.grant.consent.method is ConsentMethod.UNATTENDED_POLICY
    assert proof.grant.consent.text_sha256 == policy.hash
    assert proof.grant.ticket is None
    assert proof.countersigned
    assert [action.action for action in proof.receipt.actions] == ["processes"]


async def test_the_customer_reads_of_it_until_they_say_so(rig: Rig) -> None:
    sign(rig)
    technician = await rig.arrive(about_nothing=True)
    await technician.until(GrantCame)
    await technician.end()
    await rig.over()
    verbs = {verb.name: verb for verb in policy_verbs(rig).verbs()}
    told = await verbs["unattended-visits"].handle(NoArguments(), PERSON)
    assert isinstance(told, dict)
    (visit,) = told["visits"]
    assert visit["technician"] == "Ada Tech"
    await verbs["unattended-seen"].handle(SeenArguments(number=visit["number"]), PERSON)
    assert await verbs["unattended-visits"].handle(NoArguments(), PERSON) == {"visits": []}


async def test_withdrawing_the_policy_ends_the_visit_it_let_in(rig: Rig) -> None:
    sign(rig)
    technician = await rig.arrive(about_nothing=True)
    await technician.until(GrantCame)
    withdraw = next(verb for verb in policy_verbs(rig).verbs() if verb.name == "policy-withdraw")
    assert (withdraw.administrator, withdraw.refused_to_sessions) == (True, True)
    assert await withdraw.handle(NoArguments(), PERSON) == {"withdrawn": True, "version": 2, "ended": 1}
    assert rig.hosts[0].killed
    await rig.over()


async def test_more_than_the_policy_names_is_not_granted(rig: Rig) -> None:
    sign(rig)
    technician = await rig.arrive(scopes=(Scope.DIAGNOSE, Scope.LOGS), about_nothing=True)
    await technician.until(GrantCame)
    (view,) = rig.visits.current()
    assert view.scopes == ("diagnose",)


async def test_whom_the_policy_does_not_name_is_asked_about_or_refused(rig: Rig) -> None:
    sign(rig)
    nobody = await rig.arrive(scopes=(Scope.LOGS,), about_nothing=True)
    await nobody.refused()
    await rig.over()
    await rig.arrive(scopes=(Scope.LOGS,))
    await rig.question()


async def test_whoever_pressed_stop_is_not_overruled(rig: Rig) -> None:
    sign(rig)
    technician = await rig.arrive(about_nothing=True)
    await technician.until(GrantCame)
    rig.visits.stop_all()
    await rig.over()
    assert rig.proofs()[0].receipt.ended_by is EndedBy.CUSTOMER
    await rig.offer(about_nothing=True)
    assert [declined.reason for declined in rig.declined] == ["unknown-ticket"]
    rig.clocks.pass_s(REFUSAL_COOLDOWN_S + 1)
    again = await rig.arrive(about_nothing=True)
    await again.until(GrantCame)
