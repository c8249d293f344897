"""A watched application on a machine that a test writes: each kind of trouble, and silence where there is none."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from diagnostics.changes.store import Changes, MemoryChanges, dump_changes
from diagnostics.checks.contract import Context
from diagnostics.collectors.memory import MEMORY
from diagnostics.collectors.services import SERVICES
from diagnostics.examine import CheckStatus, Examination, examine
from diagnostics.findings import Severity
from diagnostics.history import History, MemoryHistory, Point
from diagnostics.machine.interface import FILE_MAX_BYTES, Tail, Unreadable
from diagnostics.machine.recorded import RecordedMachine
from diagnostics.observations import Process, Service
from diagnostics.vendors.application import Application, load_application
from diagnostics.vendors.check import CODES, ERRORS_LEAST, judge_processes, should_run, watch_applications

MACHINE = Path(__file__).parents[2] / "machines" / "laptop-healthy"
NOW = 1_795_000_000
CONFIG = "/etc/nginx/nginx.conf"


class WithFiles(RecordedMachine):
    def __init__(self, **files: bytes) -> None:
        super().__init__(MACHINE)
        self.absent: set[str] = set()
        self.files = {"/var/log/nginx/error.log": files.get("log", b""), CONFIG: files.get("config", b"worker 1;\n")}

    def read_file(self, path: str, *, max_bytes: int = FILE_MAX_BYTES) -> bytes:
        if path in self.absent:
            raise Unreadable(f"{path} does not exist here")
        return self.files[path] if path in self.files else super().read_file(path, max_bytes=max_bytes)

    def read_tail(self, path: str, *, max_bytes: int) -> Tail:
        if path not in self.files:
            raise Unreadable(f"{path} does not exist here")
        return Tail(self.files[path], len(self.files[path]), False)


def watched(**what: tuple[str, ...]) -> Application:
    nginx = load_application("nginx")
    return Application(nginx.application, nginx.title, **what)


def look(
    machine: RecordedMachine, *applications: Application, history: History | None = None, before: Changes | None = None
) -> Examination:
    beside = watch_applications(applications)
    return examine(
        machine,
        history or MemoryHistory(),
        now=machine.clock().unix_s,
        checks=beside.checks,
        before=before,
        also_watched=beside.compared,
    )


def errors(machine: RecordedMachine, count: int, *, ago_s: int) -> bytes:
    at = time.strftime("%Y/%m/%d %H:%M:%S", time.localtime(machine.clock().unix_s - ago_s))
    return b"".join(f"{at} [error] 7#7: *{number} open() failed\n".encode() for number in range(count))


LOGS = watched(log_files=("/var/log/nginx/error.log",))


def test_ten_errors_within_an_hour_are_told_and_nine_or_old_ones_are_not() -> None:
    machine = WithFiles()
    for count, ago_s, told in ((ERRORS_LEAST, 60, 1), (ERRORS_LEAST - 1, 60, 0), (500, 7200, 0)):
        machine.files["/var/log/nginx/error.log"] = errors(machine, count, ago_s=ago_s)
        assert len(look(machine, LOGS).findings) == told
    machine.files["/var/log/nginx/error.log"] = errors(machine, 12, ago_s=60)
    (finding,) = look(machine, LOGS).findings
    assert (finding.code, finding.facts["errors"]) == ("application-log-errors", 12)
    assert "open() failed" in finding.evidence[0].excerpt


def test_a_changed_setting_is_told_for_a_day_and_its_content_is_not() -> None:
    seen, machine = MemoryChanges(), WithFiles()
    application = watched(config_files=(CONFIG,))

    def next_look() -> Examination:
        examined = look(machine, application, before=seen)
        seen.keep(examined.snapshots, examined.changes)
        return examined

    assert next_look().findings == ()
    assert next_look().findings == ()
    machine.files[CONFIG] = b"worker 2; # secret\n"
    (finding,) = next_look().findings
    assert (finding.code, finding.severity) == ("application-config-changed", Severity.INFO)
    assert finding.evidence[0].excerpt == f"application:{CONFIG} changed"
    assert "secret" not in str(finding)
    assert "secret" not in dump_changes(seen)
    machine.absent.add(CONFIG)
    examined = look(machine, watched(config_files=(CONFIG,), processes=("systemd",)), before=seen)
    assert [change.what for change in examined.changes] == [f"application:{CONFIG} removed"]


def test_a_watch_that_begins_or_ends_is_no_change_of_the_machine() -> None:
    seen, machine = MemoryChanges(), WithFiles()
    one, other = watched(config_files=(CONFIG,)), Application("desk", "Desk", config_files=("/etc/opt/desk/d.conf",))
    machine.files["/etc/opt/desk/d.conf"] = b"a = 1\n"
    for applications in ((one,), (one, other), (other,), ()):
        examined = look(machine, *applications, before=seen)
        seen.keep(examined.snapshots, examined.changes)
        assert examined.changes == ()
        assert examined.findings == ()


def test_what_changed_in_the_settings_stands_before_what_broke() -> None:
    seen, machine = MemoryChanges(), WithFiles()
    application = watched(config_files=(CONFIG,), log_files=LOGS.log_files)
    first = look(machine, application, before=seen)
    seen.keep(first.snapshots, first.changes)
    machine.files[CONFIG] = b"worker 2;\n"
    machine.files["/var/log/nginx/error.log"] = errors(machine, 50, ago_s=60)
    broken = {finding.code: finding for finding in look(machine, application, before=seen).findings}
    assert [change.what for change in broken["application-log-errors"].changes] == [f"application:{CONFIG} changed"]
    assert broken["application-config-changed"].changes == ()


def test_no_number_about_settings_is_kept_or_reported() -> None:
    application = watched(config_files=(CONFIG,), processes=("systemd",))
    assert {metric.name for metric in look(WithFiles(), application).metrics} == {"application.rss-bytes"}


def test_a_program_that_always_runs_and_does_not_is_told() -> None:
    (finding,) = look(WithFiles(), watched(processes=("nginx",))).findings
    assert (finding.code, finding.instance) == ("application-process-missing", "application:nginx:nginx")
    assert look(WithFiles(), watched(processes=("systemd",))).findings == ()


def process(rss_bytes: int) -> Process:
    return Process(7, 1, "nginx", "www-data", "S", 0.0, 0.0, rss_bytes, 1, 9e5)


@pytest.mark.parametrize(("bytes_an_hour", "told"), [(20_000_000, ["application-memory-leak"]), (0, [])])
def test_a_program_that_takes_more_each_day_is_told(bytes_an_hour: int, told: list[str]) -> None:
    history = MemoryHistory()
    for hour in range(24 * 8, 0, -1):
        history.append(
            "application.rss-bytes", "nginx:nginx", Point(NOW - hour * 3600, 5_000_000_000 - hour * bytes_an_hour)
        )
    context = Context(NOW, NOW - 20 * 86_400, history)
    memory = replace(MEMORY.collect(WithFiles()), available_bytes=4_000_000_000)
    outcome = judge_processes((process(5_000_000_000),), memory, watched(processes=("nginx",)), context)
    assert [item.code for item in outcome.findings] == told


@pytest.mark.parametrize("name", ["laptop-healthy", "server-troubled"])
def test_a_failed_service_is_told_and_a_running_one_is_not(name: str) -> None:
    machine = RecordedMachine(MACHINE.parent / name)
    states = {item.name: item.active_state for item in SERVICES.collect(machine).services}
    found = look(machine, watched(services=tuple(states)[:64])).findings
    assert {item.facts["what"] for item in found} == {
        service for service in tuple(states)[:64] if states[service] == "failed"
    }


def test_an_application_that_is_not_on_this_machine_is_skipped_and_not_missed() -> None:
    application = watched(log_files=("/var/log/nginx/other.log",), services=("nginx.service",), processes=("nginx",))
    (result,) = look(WithFiles(), application).checks
    assert result.status is CheckStatus.SKIPPED
    assert (
        result.reason == "nginx web server is not seen on this machine (/var/log/nginx/other.log does not exist here)"
    )


def service(active: str, enabled: str) -> Service:
    return Service("nginx.service", "", "loaded", active, "dead", "success", 0, 0, 0, enabled, None)


@pytest.mark.parametrize(
    ("services", "expected"),
    [
        ((), True),
        ((service("active", "enabled"),), True),
        ((service("inactive", "enabled"),), True),
        ((service("inactive", "disabled"),), False),
        ((service("failed", "enabled"),), False),
    ],
)
def test_a_program_is_missed_where_it_is_meant_to_run(services: tuple[Service, ...], *, expected: bool) -> None:
    assert should_run(services) is expected


def test_every_code_has_words_in_both_languages() -> None:
    assert all(len(code.words) == 2 for code in CODES.values())
