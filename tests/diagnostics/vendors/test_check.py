"""A watched application on a machine that a test writes: each kind of trouble, and silence where there is none."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from diagnostics.checks.contract import Context
from diagnostics.collectors.memory import MEMORY
from diagnostics.collectors.services import SERVICES
from diagnostics.examine import CheckStatus, Examination, examine
from diagnostics.findings import Severity
from diagnostics.history import History, MemoryHistory, Point
from diagnostics.machine.interface import FILE_MAX_BYTES, Tail, Unreadable
from diagnostics.machine.recorded import RecordedMachine
from diagnostics.observations import Process
from diagnostics.vendors.application import Application, load_application
from diagnostics.vendors.check import CODES, ERRORS_LEAST, check_of, judge_processes

MACHINE = Path(__file__).parents[2] / "machines" / "laptop-healthy"
NOW = 1_795_000_000
CONFIG = "/etc/nginx/nginx.conf"


class WithFiles(RecordedMachine):
    def __init__(self, **files: bytes) -> None:
        super().__init__(MACHINE)
        self.files = {"/var/log/nginx/error.log": files.get("log", b""), CONFIG: files.get("config", b"worker 1;\n")}

    def read_file(self, path: str, *, max_bytes: int = FILE_MAX_BYTES) -> bytes:
        return self.files[path] if path in self.files else super().read_file(path, max_bytes=max_bytes)

    def read_tail(self, path: str, *, max_bytes: int) -> Tail:
        if path not in self.files:
            raise Unreadable(f"{path} does not exist here")
        return Tail(self.files[path], len(self.files[path]), False)


def watched(**what: tuple[str, ...]) -> Application:
    nginx = load_application("nginx")
    return Application(nginx.application, nginx.title, **what)


def look(machine: RecordedMachine, application: Application, history: History | None = None) -> Examination:
    now = machine.clock().unix_s
    return examine(machine, history or MemoryHistory(), now=now, checks=[check_of(application)])


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
    history = MemoryHistory()
    machine = WithFiles()
    application = watched(config_files=(CONFIG,))
    first = look(machine, application, history)
    assert first.findings == ()
    (metric,) = first.metrics
    history.append(metric.name, metric.instance, Point(machine.clock().unix_s - 600, metric.value))
    assert look(machine, application, history).findings == ()
    machine.files[CONFIG] = b"worker 2; # secret\n"
    (finding,) = look(machine, application, history).findings
    assert (finding.code, finding.severity) == ("application-config-changed", Severity.INFO)
    assert "secret" not in str(finding)


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


def test_nothing_that_can_be_read_is_skipped_with_the_reason() -> None:
    application = watched(log_files=("/var/log/nginx/other.log",))
    (result,) = look(WithFiles(), application).checks
    assert (result.status, result.reason) == (CheckStatus.SKIPPED, "/var/log/nginx/other.log does not exist here")


def test_every_code_has_words_in_both_languages() -> None:
    assert all(len(code.words) == 2 for code in CODES.values())
