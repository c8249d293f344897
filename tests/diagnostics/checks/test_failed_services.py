"""Check 25: what its supervisor calls failed, and nothing else."""

from collections.abc import Callable
from dataclasses import replace

from diagnostics.checks.contract import Context
from diagnostics.checks.failed_services import check_failed_services
from diagnostics.findings import Severity
from diagnostics.observations import Service

FAILED = Service(
    name="cups.service",
    description="CUPS Scheduler",
    load_state="loaded",
    active_state="failed",
    sub_state="failed",
    result="start-limit-hit",
    exit_status=1,
    restarts=5,
    main_pid=0,
    enabled="enabled",
    changed_unix_s=1_794_990_000,
)


def test_a_failed_service_is_named_with_its_reason(context: Callable[..., Context]) -> None:
    (finding,) = check_failed_services((FAILED,), context()).findings
    assert finding.fingerprint == "service-failed|service:cups.service"
    assert finding.severity is Severity.WARNING
    assert finding.facts == {
        "name": "cups.service",
        "description": "CUPS Scheduler",
        "result": "start-limit-hit",
        "exit_status": 1,
        "restarts": 5,
        "enabled": "enabled",
        "failed_unix_s": 1_794_990_000,
    }


def test_stopped_masked_and_missing_services_were_never_wanted(context: Callable[..., Context]) -> None:
    services = (
        replace(FAILED, active_state="inactive"),
        replace(FAILED, load_state="masked"),
        replace(FAILED, load_state="not-found"),
        replace(FAILED, active_state="activating"),
    )
    assert check_failed_services(services, context()).findings == ()


def test_a_service_nobody_can_work_without_is_an_error(context: Callable[..., Context]) -> None:
    (finding,) = check_failed_services((replace(FAILED, name="gdm.service"),), context()).findings
    assert finding.severity is Severity.ERROR


def test_the_time_of_the_failure_is_left_out_when_it_is_not_known(
    context: Callable[..., Context],
) -> None:
    (finding,) = check_failed_services((replace(FAILED, changed_unix_s=None),), context()).findings
    assert "failed_unix_s" not in finding.facts
