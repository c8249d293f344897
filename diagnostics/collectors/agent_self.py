"""What the agent itself takes from this machine."""

from __future__ import annotations

from diagnostics.collectors.contract import Collector, Cost
from diagnostics.machine.interface import Machine
from diagnostics.observations import AgentSelf


def collect_agent_self(machine: Machine) -> AgentSelf:
    numbers = machine.agent()
    return AgentSelf(
        rss_bytes=numbers.rss_bytes,
        cpu_fraction=numbers.cpu_s / numbers.running_s if numbers.running_s > 0 else 0.0,
        running_s=numbers.running_s,
        data_folder_bytes=numbers.data_folder_bytes,
        queued_items=numbers.queued_items,
        oldest_queued_s=numbers.oldest_queued_s,
        last_upload_unix_s=numbers.last_upload_unix_s,
        knowledge_age_s=numbers.knowledge_age_s,
    )


AGENT_SELF = Collector(id="agent-self", collect=collect_agent_self, may_contain=frozenset(), cost=Cost.CHEAP)
