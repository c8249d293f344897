"""Where the remedy worker runs: beside the service's unit in machine mode, as a plain child everywhere else."""

import pytest

from agent.mending.remedy_process import service_unit, unit_argv

GROUP = "/system.slice/bellpull-agent.service"


@pytest.mark.parametrize(
    ("group", "booted", "root", "beside"),
    [
        (GROUP, True, True, "bellpull-agent.service"),
        (GROUP, False, True, None),  # a container without systemd keeps its host's group names
        ("/user.slice/user-1000.slice/user@1000.service/app.slice/bellpull-agent.service", True, False, None),
        ("/user.slice/user-0.slice/session-1.scope", True, True, None),  # by hand in a terminal
        ("/system.slice/other.service", True, True, None),
        ("", True, True, None),
    ],
)
def test_only_the_service_of_machine_mode_has_its_workers_beside_it(
    group: str, booted: bool, root: bool, beside: str | None
) -> None:
    assert service_unit(group, booted=booted, root=root) == beside


def test_the_worker_ends_with_the_service_and_carries_nothing_but_its_surroundings() -> None:
    environment = {"PATH": "/usr/bin", "HOME": "/root", "DISPLAY": ":0", "PYTHONPATH": "/srv/a tree"}
    argv = unit_argv(
        "bellpull-agent-mending-1.service", "bellpull-agent.service", ["/usr/lib/x", "--child"], environment
    )
    assert argv[0] == "systemd-run"
    assert {"--property=BindsTo=bellpull-agent.service", "--property=After=bellpull-agent.service"} <= set(argv)
    assert [word for word in argv if word.startswith("--setenv=")] == [
        "--setenv=PATH=/usr/bin", "--setenv=PYTHONPATH=/srv/a tree",
    ]  # fmt: skip
    assert argv[argv.index("--") + 1 :] == ["/usr/lib/x", "--child"]
