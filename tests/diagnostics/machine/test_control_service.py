"""Controlling a service: exactly these commands, never the agent's own unit, and systemd's own words for a no."""

from collections.abc import Sequence

import pytest

from diagnostics.machine.change.services import Ran, ServiceAct, control_service, is_own, service_name
from diagnostics.machine.interface import ActRefused

CUPS = (
    b"Id=%s\nDescription=CUPS Scheduler\nLoadState=%s\nActiveState=active\nSubState=running\nResult=success\n"
    b"ExecMainStatus=0\nNRestarts=0\nMainPID=812\nUnitFileState=enabled\nStateChangeTimestampMonotonic=1000000\n"
    b"ControlGroup=%s\n"
)
OURS = "/user.slice/user-1000.slice/user@1000.service/app.slice/bellpull-agent.service"


class Systemd:
    """Answers `show` and takes acts; remembers every command."""

    def __init__(
        self,
        unit: str = "cups.service",
        group: str = "/system.slice/cups.service",
        loaded: str = "loaded",
        refuses: str = "",
    ) -> None:
        self.unit, self.group, self.loaded, self.refuses = unit, group, loaded, refuses
        self.ran: list[list[str]] = []

    def __call__(self, argv: Sequence[str], timeout_s: float) -> Ran:
        self.ran.append(list(argv))
        if "show" in argv:
            return Ran(0, CUPS % (self.unit.encode(), self.loaded.encode(), self.group.encode()), b"")
        return Ran(1, b"", self.refuses.encode()) if self.refuses else Ran(0, b"", b"")

    @property
    def acts(self) -> list[list[str]]:
        return [argv for argv in self.ran if "show" not in argv]


def test_a_restart_is_one_command_with_the_name_behind_two_dashes() -> None:
    systemd = Systemd()
    service = control_service("cups", ServiceAct.RESTART, user=False, own_group=OURS, run=systemd)
    assert systemd.acts == [["systemctl", "--no-pager", "--no-ask-password", "restart", "--", "cups.service"]]
    assert (service.name, service.active_state) == ("cups.service", "active")


def test_a_users_services_are_asked_of_the_users_own_manager() -> None:
    systemd = Systemd("sync.service", OURS.replace("bellpull-agent", "sync"))
    control_service("sync.service", ServiceAct.STOP, user=True, own_group=OURS, run=systemd)
    assert systemd.acts[0][:5] == ["systemctl", "--no-pager", "--no-ask-password", "--user", "stop"]


@pytest.mark.parametrize(
    ("unit", "group"),
    [
        ("bellpull-agent.service", "/system.slice/bellpull-agent.service"),
        ("bellpull-agent@two.service", ""),
        ("support.service", OURS),  # an alias, or a unit renamed by a distribution: the group tells
        ("user@1000.service", "/user.slice/user-1000.slice/user@1000.service"),  # what it runs in
    ],
)
def test_the_agents_own_unit_is_never_touched(unit: str, group: str) -> None:
    systemd = Systemd(unit, group)
    with pytest.raises(ActRefused, match="does not control itself"):
        control_service(unit, ServiceAct.STOP, user=False, own_group=OURS, run=systemd)
    assert systemd.acts == []


def test_a_group_that_only_begins_alike_is_another() -> None:
    assert not is_own("/user.slice/user-1000.slice/user@1000.service/app", "app.service", OURS)


@pytest.mark.parametrize("name", ["", "--now", "a b", "cups.service; reboot", "../x", "cups\n", "ä.service"])
def test_what_is_no_name_of_a_service_never_reaches_a_command(name: str) -> None:
    systemd = Systemd()
    with pytest.raises(ActRefused):
        control_service(name, ServiceAct.START, user=False, own_group=OURS, run=systemd)
    assert systemd.ran == []


@pytest.mark.parametrize("name", ["reboot.target", "home.mount", "user.slice"])
def test_other_units_are_left_alone(name: str) -> None:
    with pytest.raises(ActRefused, match="not a service"):
        service_name(name)


def test_a_service_that_is_not_here_and_one_that_may_not_be_touched() -> None:
    with pytest.raises(ActRefused, match="no service"):
        control_service("gone", ServiceAct.START, user=False, own_group=OURS, run=Systemd(loaded="not-found"))
    refusing = Systemd(refuses="Failed to restart cups.service: Interactive authentication required.\nSee …")
    with pytest.raises(ActRefused, match="Interactive authentication required"):
        control_service("cups", ServiceAct.RESTART, user=False, own_group=OURS, run=refusing)
