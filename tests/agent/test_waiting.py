"""Which checks wait: for mains power, a free link, an idle machine, and the time after a start; and never for ever."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.watch.look import LookRequest
from agent.watch.schedule import resumed_at
from agent.watch.situation import parse_metered, situation_of
from agent.watch.waiting import Situation, not_waiting, waits_for
from agent.watch.worker import look_once
from diagnostics.checks.catalogue import CATALOGUE
from diagnostics.checks.contract import CheckSpec
from diagnostics.collectors.contract import Cost
from diagnostics.machine import commands
from diagnostics.machine.interface import Command, CommandOutput
from diagnostics.machine.recorded import RecordedMachine

MACHINES = Path(__file__).parent.parent / "machines"
NOW = 1_795_000_000
HOUR, DAY = 3600, 86_400
AWAKE = 5 * DAY


def a_check(cost: Cost) -> CheckSpec:
    return next(check for check in CATALOGUE if check.cost is cost)


@pytest.mark.parametrize(
    ("cost", "situation", "word"),
    [
        (Cost.CHEAP, Situation(True, 0.01, True, 9.0, 0), ""),
        (Cost.MODERATE, Situation(True, 0.5, awake_s=AWAKE), ""),
        (Cost.MODERATE, Situation(True, 0.1, awake_s=AWAKE), "battery"),
        (Cost.MODERATE, Situation(False, 0.1, awake_s=AWAKE), ""),
        (Cost.COSTLY, Situation(awake_s=AWAKE), ""),
        (Cost.COSTLY, Situation(), ""),
        (Cost.COSTLY, Situation(True, 1.0, awake_s=AWAKE), "mains"),
        (Cost.COSTLY, Situation(False, load_a_cpu=0.79, awake_s=AWAKE), ""),
        (Cost.COSTLY, Situation(False, load_a_cpu=0.80, awake_s=AWAKE), "idle"),
        (Cost.COSTLY, Situation(False, awake_s=599), "started"),
        (Cost.NETWORK, Situation(True, 0.01, False, 9.0, AWAKE), ""),
        (Cost.NETWORK, Situation(metered=True, awake_s=AWAKE), "volume"),
        (Cost.NETWORK, Situation(awake_s=119), "started"),
        (Cost.NETWORK, Situation(awake_s=120), ""),
    ],
)
def test_each_cost_waits_for_its_own_reasons(cost: Cost, situation: Situation, word: str) -> None:
    check = a_check(cost)
    told = waits_for(check, situation, ran_s_ago=check.interval_s)
    assert word in told
    assert bool(told) == bool(word)


@settings(deadline=None, derandomize=True)
@given(
    st.sampled_from(CATALOGUE),
    st.builds(
        Situation,
        st.none() | st.booleans(),
        st.none() | st.floats(0, 1),
        st.none() | st.booleans(),
        st.none() | st.floats(0, 50),
        st.integers(HOUR, AWAKE),
    ),
)
def test_nothing_waits_for_ever(check: CheckSpec, situation: Situation) -> None:
    assert waits_for(check, situation, ran_s_ago=max(DAY, 4 * check.interval_s)) == ""
    assert waits_for(check, situation, ran_s_ago=None) == ""


def test_on_a_paid_link_the_network_is_asked_a_quarter_as_often() -> None:
    check = a_check(Cost.NETWORK)
    metered = Situation(metered=True, awake_s=AWAKE)
    assert waits_for(check, metered, ran_s_ago=4 * check.interval_s - 1)
    assert not waits_for(check, metered, ran_s_ago=4 * check.interval_s)


def test_those_that_wait_are_named_with_what_they_wait_for() -> None:
    may, waiting = not_waiting(
        CATALOGUE, Situation(True, 0.9, awake_s=AWAKE), dict.fromkeys((c.id for c in CATALOGUE), 1)
    )
    assert set(waiting) == {check.id for check in CATALOGUE if check.cost is Cost.COSTLY}
    assert {check.id for check in may} | set(waiting) == {check.id for check in CATALOGUE}


@pytest.mark.parametrize(
    ("answer", "metered"),
    [
        (b"GENERAL.METERED:yes (guessed)\nGENERAL.STATE:100 (connected)\n", True),
        (
            b"GENERAL.METERED:yes\nGENERAL.STATE:30 (disconnected)\n\n"
            b"GENERAL.METERED:no\nGENERAL.STATE:100 (connected)\n",
            False,
        ),
        (
            b"GENERAL.METERED:no (guessed)\nGENERAL.STATE:100 (connected)\n\n"
            b"GENERAL.METERED:yes\nGENERAL.STATE:100 (connected)\n",
            False,
        ),
        (b"GENERAL.METERED:unknown\nGENERAL.STATE:100 (connected)\n", False),
        (b"", None),
        (b"\xff\xfe", None),
    ],
)
def test_a_link_is_metered_when_every_connected_device_says_so(answer: bytes, metered: bool | None) -> None:
    assert parse_metered(answer) is metered


class OnBattery(RecordedMachine):
    """laptop-healthy, unplugged, on a phone's link."""

    def read_file(self, path: str, **bounds: int) -> bytes:
        content = super().read_file(path, **bounds)
        return content.replace(b"STATUS=Charging", b"STATUS=Discharging").replace(b"STATUS=Full", b"STATUS=Discharging")

    def run(self, command: Command) -> CommandOutput:
        if command == commands.METERED:
            return CommandOutput(0, b"GENERAL.METERED:yes\nGENERAL.STATE:100 (connected)\n", b"", False)
        return super().run(command)


def test_the_situation_is_read_from_the_machine_itself() -> None:
    machine = OnBattery(MACHINES / "laptop-healthy")
    seen = situation_of(machine, now=NOW, resumed_at=None, ask_link=True)
    assert (seen.on_battery, seen.metered, seen.awake_s) == (True, True, NOW - 1_794_740_800)
    assert seen.load_a_cpu is not None
    assert situation_of(machine, now=NOW, resumed_at=NOW - 30, ask_link=False).awake_s == 30
    server = RecordedMachine(MACHINES / "server-troubled")
    assert situation_of(server, now=NOW, resumed_at=None, ask_link=True).on_battery is None


def test_a_look_on_battery_leaves_the_costly_checks_and_says_so_and_a_person_gets_all() -> None:
    machine = OnBattery(MACHINES / "laptop-healthy")
    ran_at = {check.id: NOW - check.interval_s for check in CATALOGUE}
    look = look_once(machine, LookRequest(now=NOW, database=None, everything=False, ran_at=ran_at), None)
    assert look.waiting["growing-folders"] == "mains power"
    assert look.waiting["dns"] == "a link that is not paid by volume"
    assert not {check.id for check in look.checks} & set(look.waiting)
    asked = look_once(machine, LookRequest(now=NOW, database=None, everything=True, ran_at=ran_at), None)
    assert (len(asked.checks), asked.waiting) == (len(CATALOGUE), {})


def test_a_pause_that_took_much_longer_than_planned_was_a_sleep() -> None:
    assert resumed_at(300, 359, NOW) is None
    assert resumed_at(300, 360, NOW) == NOW
    assert resumed_at(300, -7200, NOW) is None  # the clock was set back
