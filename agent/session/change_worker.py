"""One change at the machine for a visit, in a process of its own. `python -m agent.session.change_worker`

The session host is held by the kernel: it writes nothing and signals nobody. What a visit may change beyond that (end
a program, control a service) is done here, unconfined, for exactly one order that the service has checked against the
grant, booked, and seen stored in the server's log. Order and answer are one JSON object each, on stdin and stdout:

    {"end-process":{"pid":4711,"started_ms":812340,"grace_s":5,"agent_pid":812}}
    {"control-service":{"name":"cups.service","act":"restart","user":false}}
    ◄ {"done":{"kind":"ended-process","body":{…}}}   or   {"refused":"it is another user's"}
"""

import os
import sys
from dataclasses import dataclass
from typing import Final

from diagnostics.machine.change.processes import end_process
from diagnostics.machine.change.services import ServiceAct, control_service
from diagnostics.machine.interface import ActRefused, Machine, Unreadable
from diagnostics.machine.local import local_machine
from diagnostics.strict_json import decode, dump_json, encode, load_json

ORDER_MAX_BYTES: Final = 16 * 1024
#: The longest change (a service that stops slowly), with both looks at it.
CHANGE_TIMEOUT_S: Final = 75.0


@dataclass(frozen=True)
class EndProcess:
    pid: int
    started_ms: int
    grace_s: int
    agent_pid: int


@dataclass(frozen=True)
class ControlService:
    name: str
    act: ServiceAct
    user: bool


Order = EndProcess | ControlService
ORDERS: Final[dict[str, type[EndProcess] | type[ControlService]]] = {
    "end-process": EndProcess,
    "control-service": ControlService,
}


def order_bytes(order: Order) -> bytes:
    name = next(name for name, kind in ORDERS.items() if isinstance(order, kind))
    return dump_json({name: encode(order)}).encode()


def read_order(data: bytes) -> Order:
    """The typed order. Raises ValueError for anything else: the service made it, so that is our own defect."""
    value = load_json(data)
    if not isinstance(value, dict) or len(value) != 1 or next(iter(value)) not in ORDERS:
        raise ValueError("expected one order")
    ((name, body),) = value.items()
    return decode(ORDERS[name], body)


def perform(order: Order, machine: Machine) -> tuple[str, object]:
    """The row that tells what was done. Raises ActRefused."""
    match order:
        case EndProcess():
            ended = end_process(
                machine,
                order.pid,
                order.started_ms,
                grace_s=order.grace_s,
                own_uid=_own_uid(),
                agent_pid=order.agent_pid,
            )
            return "ended-process", ended
        case ControlService():
            if not order.user and _own_uid() != 0:
                raise ActRefused(
                    "the agent runs as a user and controls only services of this user (supervisor: user); those of the "
                    "system need an agent that runs as the machine's own service"
                )
            try:
                boot = machine.clock().boot_unix_s
            except Unreadable:
                boot = None
            return "service", control_service(order.name, order.act, user=order.user, boot_unix_s=boot)


def _own_uid() -> int:
    if sys.platform == "win32":
        return -1
    return os.getuid()


def main() -> int:
    order = read_order(sys.stdin.buffer.read(ORDER_MAX_BYTES))
    try:
        kind, body = perform(order, local_machine())
    except (ActRefused, Unreadable) as refused:
        answer: object = {"refused": str(refused)}
    else:
        answer = {"done": {"kind": kind, "body": encode(body)}}
    sys.stdout.write(dump_json(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main())
