"""Check 48: the agent's own budget; what is not known is not judged."""

from collections.abc import Callable

from diagnostics.checks.agent_self import check_agent_self
from diagnostics.checks.contract import Context
from diagnostics.findings import Severity
from diagnostics.observations import AgentSelf

MB = 1_000_000


def agent(**numbers: float | int | None) -> AgentSelf:
    base: dict[str, float | int | None] = {
        "rss_bytes": 40 * MB,
        "cpu_fraction": 0.001,
        "running_s": 7200.0,
        "data_folder_bytes": None,
        "queued_items": None,
        "oldest_queued_s": None,
        "last_upload_unix_s": None,
        "knowledge_age_s": None,
    }
    return AgentSelf(**{**base, **numbers})  # type: ignore[arg-type]


def codes(context: Context, **numbers: float | int | None) -> set[str]:
    return {finding.code for finding in check_agent_self(agent(**numbers), context).findings}


def test_an_agent_within_its_budget_has_no_findings(context: Callable[..., Context]) -> None:
    assert codes(context()) == set()
    assert codes(context(), data_folder_bytes=12 * MB, queued_items=3, oldest_queued_s=60) == set()


def test_each_budget_has_its_own_finding(context: Callable[..., Context]) -> None:
    assert codes(context(), rss_bytes=101 * MB) == {"agent-memory-high"}
    assert codes(context(), cpu_fraction=0.02) == {"agent-cpu-high"}
    assert codes(context(), data_folder_bytes=201 * MB) == {"agent-disk-high"}
    assert codes(context(), queued_items=1, oldest_queued_s=86_401) == {"agent-queue-stuck"}
    assert codes(context(), knowledge_age_s=31 * 86_400) == {"agent-knowledge-old"}


def test_a_fresh_process_is_not_judged_by_what_starting_cost(context: Callable[..., Context]) -> None:
    assert codes(context(), cpu_fraction=0.9, running_s=2.0) == set()


def test_an_empty_queue_is_never_old(context: Callable[..., Context]) -> None:
    assert codes(context(), queued_items=0, oldest_queued_s=10**6) == set()


def test_old_knowledge_is_only_worth_knowing(context: Callable[..., Context]) -> None:
    (finding,) = check_agent_self(agent(knowledge_age_s=10**8), context()).findings
    assert finding.severity is Severity.INFO
