"""services: the background services with their state, as their supervisor tells it; or one, with its last log lines."""

from collections.abc import Iterator

from agent.session.actions.workbench import Row, Workbench
from diagnostics.collectors.logs import journal_lines
from diagnostics.collectors.services import collect_service, collect_services
from diagnostics.machine.interface import Platform, Unreadable
from diagnostics.observations import Service
from diagnostics.visit_rows import Note
from protocol.actions.services import ServicesArguments, Supervisor

#: How far back the log of one service is read.
_LOG_S = 30 * 86_400


def do_services(arguments: ServicesArguments, bench: Workbench) -> Iterator[Row]:
    user = arguments.supervisor is Supervisor.USER
    services = collect_services(bench.machine, user=user).services
    if not arguments.name:
        yield from (bench.row("service", service) for service in services if wanted(service, arguments))
        return
    try:
        service = named(services, arguments.name)
    except Unreadable as absent:
        if bench.machine.platform is not Platform.LINUX:
            raise
        try:  # one that is switched off is in no list
            service = collect_service(bench.machine, arguments.name, user=user)
        except Unreadable:
            raise absent from None
    yield bench.row("service", service)
    if not arguments.lines:
        return
    try:
        lines = journal_lines(
            bench.machine,
            now=bench.now,
            unit=service.name,
            since_unix_s=bench.now - _LOG_S,
            max_lines=arguments.lines,
            user=user,
        )
    except Unreadable as unreadable:
        yield bench.row("note", Note(f"its log lines: {unreadable.reason}"))
        return
    if not lines:
        yield bench.row("note", Note("it has written nothing that this user may read"))
    yield from (bench.row("log-line", line) for line in lines)


def named(services: tuple[Service, ...], name: str) -> Service:
    """`cups` and `cups.service` mean the same. Raises Unreadable."""
    for service in services:
        if service.name in (name, f"{name}.service"):
            return service
    raise Unreadable(f"there is no service {name} here")


def wanted(service: Service, arguments: ServicesArguments) -> bool:
    match arguments.state:
        case "all":
            return True
        case "failed":
            return service.active_state == "failed"
        case "running":
            return service.active_state == "active"
