"""services: the background services with their state, as their supervisor tells it."""

from collections.abc import Iterator

from agent.session.actions.workbench import Row, Workbench
from diagnostics.collectors.services import collect_services
from diagnostics.observations import Service
from protocol.actions.services import ServicesArguments


def do_services(arguments: ServicesArguments, bench: Workbench) -> Iterator[Row]:
    for service in collect_services(bench.machine).services:
        if wanted(service, arguments):
            yield bench.row("service", service)


def wanted(service: Service, arguments: ServicesArguments) -> bool:
    match arguments.state:
        case "all":
            return True
        case "failed":
            return service.active_state == "failed"
        case "running":
            return service.active_state == "active"
