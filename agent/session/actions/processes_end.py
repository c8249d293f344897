"""processes.end: one program, named by number and start, ended by a process of its own (change_worker.py)."""

import os
from collections.abc import AsyncIterator

from agent.session.actions.service_bench import Brought, ServiceBench
from agent.session.change_order import EndProcess, order_bytes
from protocol.actions.processes_end import ProcessesEndArguments


async def serve_processes_end(arguments: ProcessesEndArguments, bench: ServiceBench) -> AsyncIterator[Brought]:
    order = EndProcess(
        arguments.pid,
        arguments.started_ms,
        arguments.grace_s,
        agent_pid=os.getpid(),
        whole_machine=bench.whole_machine,
    )
    yield await bench.change(order_bytes(order))
