"""Unattended machines: a signed policy, nothing else; and a person at the machine is never overruled."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.consent.policy import offer
from agent.consent.unattended import Allowed, NotNow, Policies, judge, minutes_left
from agent.identity.owner_key import OwnerKey
from agent.refusal import Refusal
from agent.store.database import Database
from protocol.actions.scopes import MEANINGS, Scope
from protocol.errors import RemoteProtocolError
from protocol.grants import ConsentMethod
from protocol.limits import REFUSAL_COOLDOWN_S
from protocol.owner import UnattendedPolicy
from protocol.statements import Envelope
from tests.agent.consent.test_prompt_text import FACTS
from tests.agent.doubles import HandClocks
from tests.making import NOW, seed

MIDNIGHT = NOW - NOW % 86_400
POLICY = UnattendedPolicy(
    device=FACTS.device,
    root=seed("root"),
    version=1,
    issued_at=MIDNIGHT,
    not_after=MIDNIGHT + 30 * 86_400,
    serials=(FACTS.serial,),
    minimum_tier=None,
    scopes=(Scope.DIAGNOSE, Scope.PROCESSES),
    minutes=60,
    from_minute_utc=0,
    to_minute_utc=1440,
)


def judged(policy: UnattendedPolicy = POLICY, **changes: object) -> Allowed | NotNow:
    given_facts: dict[str, object] = {
        "serial": FACTS.serial,
        "tier": 2,
        "offered": (Scope.DIAGNOSE, Scope.PROCESSES, Scope.LOGS),
        "minutes": 15,
        "revocations_fresh": True,
        "person_said_no_at": None,
        "now": MIDNIGHT + 600,
    }
    return judge(policy, **{**given_facts, **changes})  # type: ignore[arg-type]


def policy(**changes: object) -> UnattendedPolicy:
    return POLICY.model_copy(update=changes)


def test_who_is_named_gets_what_is_named_and_nothing_else() -> None:
    assert judged() == Allowed((Scope.DIAGNOSE, Scope.PROCESSES), 15)
    assert judged(minutes=200) == Allowed((Scope.DIAGNOSE, Scope.PROCESSES), 60)


def test_a_tier_names_everybody_of_it_and_above() -> None:
    by_tier = policy(serials=(), minimum_tier=2)
    assert isinstance(judged(by_tier, serial="f" * 32), Allowed)
    assert judged(by_tier, serial="f" * 32, tier=1) is NotNow.OTHER_TECHNICIAN
    assert judged(serial="f" * 32, tier=3) is NotNow.OTHER_TECHNICIAN


def test_what_changes_the_machine_is_given_only_where_it_is_named() -> None:
    asked = (Scope.DIAGNOSE, Scope.PROCESSES_END)
    assert judged(offered=asked) == Allowed((Scope.DIAGNOSE,), 15)
    assert judged(policy(scopes=(Scope.PROCESSES_END,)), offered=asked) == Allowed((Scope.PROCESSES_END,), 15)
    assert judged(offered=(Scope.PROCESSES_END,)) is NotNow.NOTHING_NAMED


def test_stale_revocations_an_end_and_a_person_each_keep_it_shut() -> None:
    assert judged(revocations_fresh=False) is NotNow.STALE_REVOCATIONS
    assert judged(now=POLICY.not_after) is NotNow.EXPIRED
    now = MIDNIGHT + 4000
    assert judged(now=now, person_said_no_at=now - REFUSAL_COOLDOWN_S + 1) is NotNow.PERSON_SAID_NO
    assert isinstance(judged(now=now, person_said_no_at=now - REFUSAL_COOLDOWN_S), Allowed)


def test_hours_may_cross_midnight_and_cut_the_visit() -> None:
    night = policy(from_minute_utc=22 * 60, to_minute_utc=6 * 60)
    assert minutes_left(night, MIDNIGHT + 21 * 3600 + 3599) == 0
    assert minutes_left(night, MIDNIGHT + 22 * 3600) == 8 * 60
    assert minutes_left(night, MIDNIGHT + 5 * 3600 + 59 * 60) == 1
    assert minutes_left(night, MIDNIGHT + 6 * 3600) == 0
    assert judged(night, now=MIDNIGHT + 5 * 3600 + 50 * 60) == Allowed((Scope.DIAGNOSE, Scope.PROCESSES), 10)
    assert judged(night, now=MIDNIGHT + 12 * 3600) is NotNow.OUTSIDE_HOURS


def test_the_whole_day_does_not_end_at_midnight() -> None:
    assert judged(now=MIDNIGHT + 86_400 - 60, minutes=15) == Allowed((Scope.DIAGNOSE, Scope.PROCESSES), 15)


@settings(deadline=None, derandomize=True, max_examples=150)
@given(st.integers(0, 1440), st.integers(0, 1440), st.integers(-86_400, 31 * 86_400))
def test_a_visit_never_outlives_its_hours(begin: int, end: int, after_s: int) -> None:
    hours = policy(from_minute_utc=begin, to_minute_utc=end)
    left = minutes_left(hours, MIDNIGHT + after_s)
    if left == 0 or (begin, end) == (0, 1440):
        return
    last = MIDNIGHT + after_s + (left - 1) * 60
    minute = last // 60 % 1440
    assert (begin <= minute < end) if begin <= end else (minute >= begin or minute < end)
    assert last < hours.not_after


class Machine:
    """A machine with an owner, over restarts."""

    def __init__(self, folder: Path) -> None:
        (folder / "identity").mkdir(exist_ok=True)
        self.database = Database(folder / "agent.db")
        self.clocks = HandClocks()
        self.root = seed("root")
        self.said_no_at: int | None = None
        self.policies = Policies(
            self.database,
            OwnerKey(folder / "identity"),
            self.clocks,
            device=FACTS.device,
            root=lambda: self.root,
            said_no_at=lambda: self.said_no_at,
        )

    def sign(self, **changes: object) -> None:
        wanted: dict[str, object] = {
            "serials": (FACTS.serial,),
            "minimum_tier": None,
            "scopes": (Scope.DIAGNOSE,),
            "minutes": 30,
            "from_minute_utc": 0,
            "to_minute_utc": 1440,
            "days": 7,
        }
        self.policies.sign(**{**wanted, **changes})  # type: ignore[arg-type]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_without_a_policy_nobody_is_let_in(machine: Machine) -> None:
    assert machine.policies.decide(FACTS) is None
    assert not machine.policies.open_now()


def test_a_signed_policy_decides_and_is_named_by_its_hash(machine: Machine) -> None:
    machine.sign()
    found = machine.policies.in_force()
    assert found is not None
    decided = machine.policies.decide(FACTS)
    assert isinstance(decided, tuple)
    allowed, transcript = decided
    assert (allowed.scopes, allowed.minutes) == ((Scope.DIAGNOSE,), 15)
    assert transcript.method is ConsentMethod.UNATTENDED_POLICY
    assert transcript.text_sha256 == found.hash
    assert transcript.local_user == "owner's policy, version 1"


def test_versions_only_rise_also_past_a_withdrawal_and_a_restart(machine: Machine, tmp_path: Path) -> None:
    machine.sign()
    (old,) = machine.database.query("SELECT * FROM unattended_policy")
    assert machine.policies.withdraw()
    assert not machine.policies.withdraw()
    assert machine.policies.decide(FACTS) is None
    machine.database.close()
    again = Machine(tmp_path)
    assert again.policies.version == 2
    # Somebody puts the withdrawn policy back into the file: it is older than what was seen.
    with again.database.transaction() as connection:
        connection.execute("UPDATE unattended_policy SET envelope = ?", (old["envelope"],))
    with pytest.raises(RemoteProtocolError, match="another version"):
        again.policies.in_force()
    assert again.policies.decide(FACTS) is None
    assert not again.policies.open_now()
    again.sign()
    found = again.policies.in_force()
    assert found is not None
    assert found.body.version == 3


def test_a_policy_of_another_owner_device_or_root_is_none(machine: Machine, tmp_path: Path) -> None:
    machine.sign()
    (kept,) = machine.database.query("SELECT * FROM unattended_policy")
    machine.root = seed("another root")
    with pytest.raises(RemoteProtocolError, match="another organisation root"):
        machine.policies.in_force()
    assert machine.policies.decide(FACTS) is None
    machine.root = seed("root")
    (tmp_path / "identity" / "owner.key").unlink()
    with pytest.raises(Refusal, match="owner's key is gone"):
        machine.policies.in_force()
    OwnerKey(tmp_path / "identity").sign(POLICY)  # another key now lies there
    with pytest.raises(RemoteProtocolError, match="signature"):
        machine.policies.in_force()
    assert machine.policies.decide(FACTS) is None
    assert Envelope.parse(kept["envelope"])


@pytest.mark.parametrize(
    "changes",
    [
        {"serials": ()},
        {"scopes": ()},
        {"scopes": (Scope.TERMINAL,)},
        {"from_minute_utc": 60, "to_minute_utc": 60},
        {"minutes": 241},
    ],
)
def test_a_policy_that_makes_no_sense_is_not_signed(machine: Machine, changes: dict[str, object]) -> None:
    with pytest.raises(Refusal):
        machine.sign(**changes)
    assert machine.policies.version == 0


def test_full_control_is_never_part_of_a_policy() -> None:
    for scope in Scope:
        if MEANINGS[scope].risk >= 3:
            with pytest.raises(ValueError, match="never allows risk 3"):
                UnattendedPolicy.model_validate({**POLICY.model_dump(), "scopes": (scope,)})


def test_stale_revocations_and_a_person_count_where_it_is_decided(machine: Machine) -> None:
    machine.sign()
    assert machine.policies.decide(replace(FACTS, revocations_fresh=False)) is NotNow.STALE_REVOCATIONS
    machine.said_no_at = machine.clocks.wall() - 60
    assert machine.policies.decide(FACTS) is NotNow.PERSON_SAID_NO
    assert not machine.policies.open_now()


def test_a_hand_over_is_asked_about_in_spite_of_a_policy(machine: Machine) -> None:
    machine.sign()
    assert machine.policies.decide(replace(FACTS, takes_over_from="Tom Vale")) is None


def test_the_owners_key_is_private(machine: Machine, tmp_path: Path) -> None:
    machine.sign()
    assert (tmp_path / "identity" / "owner.key").stat().st_mode & 0o777 == 0o600


def test_an_offer_of_nothing_is_not_widened(machine: Machine) -> None:
    machine.sign(scopes=tuple(scope for scope in Scope if MEANINGS[scope].risk < 3))
    asked = replace(FACTS, offer=offer((Scope.DIAGNOSE,), revocations_fresh=True))
    decided = machine.policies.decide(asked)
    assert isinstance(decided, tuple)
    assert decided[0].scopes == (Scope.DIAGNOSE,)
