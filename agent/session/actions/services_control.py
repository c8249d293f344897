"""services.control: one service started, stopped or restarted by a process of its own; its state afterwards."""

from collections.abc import AsyncIterator

from agent.session.actions.service_bench import Brought, ServiceBench
from agent.session.change_order import ControlService, order_bytes
from protocol.actions.services import Supervisor
from protocol.actions.services_control import ServicesControlArguments


async def serve_services_control(arguments: ServicesControlArguments, bench: ServiceBench) -> AsyncIterator[Brought]:
    order = ControlService(arguments.name, arguments.act, user=arguments.supervisor is Supervisor.USER)
    yield await bench.change(order_bytes(order))
