"""What runs without asking: only what the owner lets, only for what this machine's own checks raised."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from agent.mending.mending import Mending
from agent.mending.policy import BY_POLICY, MendingPolicy, Raised, is_quiet, may_run_alone
from agent.mending.step_journal import StepJournal
from agent.mending.talk import Act, Order, Shown
from agent.store.database import Database
from diagnostics.checks import agent_self
from diagnostics.remedies.journal import Phase, Record, Step
from diagnostics.remedies.profile import Risk, profiles
from diagnostics.strict_json import encode
from tests.agent.doubles import HandClocks, MemoryLog
from tests.making import NOW

SLOW_DNS = Raised("dns-slow|resolvers", "dns-slow")
ALONE = MendingPolicy(alone=True)


def refused(policy: MendingPolicy, remedy: str, raised: Raised = SLOW_DNS, *, minute: int = 600, ran: int = 0) -> str:
    not_now = may_run_alone(policy, profiles()[remedy], raised, minute_of_day=minute, ran_alone=ran, administrator=True)
    return "" if not_now is None else not_now.reason


def test_nothing_runs_alone_until_the_owner_says_so() -> None:
    assert refused(MendingPolicy(), "flush-dns-cache") == "the owner wants to be asked"
    assert refused(ALONE, "flush-dns-cache") == ""


@pytest.mark.parametrize("remedy", sorted(name for name in profiles() if profiles()[name].risk is not Risk.ALONE))
def test_a_fix_that_asks_never_runs_alone(remedy: str) -> None:
    for code in profiles()[remedy].cures:
        assert refused(ALONE, remedy, Raised(f"{code}|x", code)) == "the owner wants to be asked"


def test_a_fix_that_needs_an_administrator_is_not_tried_without_one() -> None:
    clock = Raised("clock-wrong|clock", "clock-wrong")
    not_now = may_run_alone(ALONE, profiles()["resync-clock"], clock, minute_of_day=0, ran_alone=0, administrator=False)
    assert not_now is not None
    assert "administrator" in not_now.reason


def test_a_fix_runs_alone_only_for_a_finding_that_it_cures() -> None:
    assert refused(ALONE, "flush-dns-cache", Raised("clock-wrong|clock", "clock-wrong")) != ""


def test_what_a_server_can_bring_about_starts_nothing() -> None:
    """The agent's own queue and reports depend on the server; known issues come in packs from outside."""
    reachable = {code for remedy in profiles().values() if remedy.risk is Risk.ALONE for code in remedy.cures}
    assert reachable
    assert not reachable & set(agent_self.SPEC.codes)


def test_stop_quiet_hours_and_the_days_budget() -> None:
    assert "stopped" in refused(MendingPolicy(alone=True, stop=True), "flush-dns-cache")
    night = MendingPolicy(alone=True, quiet="22:00-07:00")
    assert "quiet hours" in refused(night, "flush-dns-cache", minute=23 * 60)
    assert refused(night, "flush-dns-cache", minute=7 * 60) == ""
    assert refused(MendingPolicy(alone=True, runs_a_day=2), "flush-dns-cache", ran=1) == ""
    assert "2 are allowed" in refused(MendingPolicy(alone=True, runs_a_day=2), "flush-dns-cache", ran=2)


@pytest.mark.parametrize(
    ("quiet", "minute", "expected"),
    [("", 0, False), ("08:00-09:00", 479, False), ("08:00-09:00", 480, True), ("08:00-09:00", 540, False),
     ("22:00-07:00", 0, True), ("22:00-07:00", 419, True), ("22:00-07:00", 420, False), ("08:00-08:00", 3, True)],
)  # fmt: skip
def test_quiet_hours_go_over_midnight(quiet: str, minute: int, expected: bool) -> None:
    assert is_quiet(quiet, minute) is expected


@pytest.mark.parametrize("wrong", [{"quiet": "8-9"}, {"quiet": "24:00-07:00"}, {"runs_a_day": 0}, {"more": 1}])
def test_a_policy_is_strict(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        MendingPolicy.model_validate(wrong)


class Service:
    """The real mending; its worker answers as the real one does when the check finds it cured: see `talk`."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(folder / "agent.db")
        self.journal = StepJournal(self.database)
        self.clocks = HandClocks()
        self.shown: list[Raised] = [SLOW_DNS]
        self.orders: list[Order] = []
        self.minute = 600
        self.mending = Mending(
            self.journal,
            None,
            self.clocks,
            folder=folder / "mending",
            check_of=lambda fingerprint: "dns",
            solved=lambda fingerprint: None,
            log=MemoryLog(),
            raised=lambda: self.shown,
            minute_of_day=lambda now: self.minute,
            administrator=True,
        )
        self.mending._order = self._worker  # type: ignore[method-assign,assignment]

    async def _worker(self, order: Order, *, steps: tuple[str, ...] | None, by: str = "") -> dict[str, object]:
        self.orders.append(order)
        if order.act is Act.PREVIEW:
            return {"preview": encode(Shown(order.remedy, 1, "t", "x", ("step",)))}
        assert order.not_now is None
        assert steps == ("step",)
        for step in (Step.SNAPSHOT, Step.RECORD):
            detail = '{"outcome":"solved-mechanically","detail":""}' if step is Step.RECORD else "{}"
            self.journal.append(Record(order.run, order.remedy, step, Phase.DONE, order.now, detail))
        return {
            "ending": {"run": order.run, "outcome": "solved-mechanically", "detail": "", "watch_until_unix_s": None}
        }

    def begun(self) -> list[str]:
        return [order.remedy for order in self.orders if order.act is Act.BEGIN]


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    made = Service(tmp_path)
    yield made
    made.database.close()


async def test_without_a_policy_a_look_does_nothing(service: Service) -> None:
    await service.mending.mend_alone()
    assert service.orders == []


async def test_with_it_the_safe_fix_runs_is_counted_and_rests(service: Service) -> None:
    service.mending.set_policy(ALONE)
    await service.mending.mend_alone()
    await service.mending.mend_alone()
    assert service.begun() == ["flush-dns-cache"]
    (run,) = service.journal.runs("flush-dns-cache")
    assert (run.local_user, run.fingerprint, run.check) == (BY_POLICY, SLOW_DNS.fingerprint, "dns")
    assert service.mending.outcomes() == {"solved-mechanically": 1}
    assert service.journal.ran_alone(NOW - 1, BY_POLICY) == 1


async def test_the_days_budget_is_over_all_fixes_together(service: Service) -> None:
    service.mending.set_policy(MendingPolicy(alone=True, runs_a_day=1))
    service.shown = [SLOW_DNS, Raised("clock-wrong|clock", "clock-wrong")]
    await service.mending.mend_alone()
    assert service.begun() == ["flush-dns-cache"]
    service.clocks.pass_s(86_401)
    service.shown = [Raised("clock-wrong|clock", "clock-wrong")]
    await service.mending.mend_alone()
    assert service.begun() == ["flush-dns-cache", "resync-clock"]


async def test_quiet_hours_hold_it_and_end(service: Service) -> None:
    service.mending.set_policy(MendingPolicy(alone=True, quiet="08:00-18:00"))
    await service.mending.mend_alone()
    assert service.begun() == []
    service.minute = 18 * 60
    await service.mending.mend_alone()
    assert service.begun() == ["flush-dns-cache"]


async def test_a_persons_open_preview_is_not_lost_to_it(service: Service) -> None:
    preview = await service.mending.preview("empty-trash", None)
    service.mending.set_policy(ALONE)
    await service.mending.mend_alone()
    assert service.mending.previewed(preview.id) is preview


async def test_the_stop_holds_what_a_person_asks_for_too(service: Service) -> None:
    service.mending.set_policy(MendingPolicy(stop=True))
    assert {str(each["not_now"]) for each in service.mending.remedies()} == {"the owner has stopped all remedies"}


async def test_a_policy_that_cannot_be_read_is_a_stop(service: Service) -> None:
    with service.database.transaction() as connection:
        connection.execute("INSERT INTO mending_policy VALUES (1, ?)", ('{"alone": "perhaps"}',))
    assert service.mending.policy().stop


async def test_a_policy_outlives_the_service(service: Service, tmp_path: Path) -> None:
    service.mending.set_policy(MendingPolicy(alone=True, quiet="22:00-07:00", runs_a_day=9))
    again = Database(tmp_path / "agent.db")
    assert StepJournal(again).policy() == MendingPolicy(alone=True, quiet="22:00-07:00", runs_a_day=9)
    again.close()
