"""One change at the machine for a visit, in a process of its own. `python -m agent.session.change_worker`

The session host is held by the kernel: it writes nothing and signals nobody. What a visit may change beyond that (end
a program, control a service) is done here, unconfined, for exactly one order (change_order.py) that the service has
checked against the grant, booked, and seen stored in the server's log. Killed, it has done it or not: nothing is half.
"""

import os
import sys

from agent.session.change_order import ORDER_MAX_BYTES, ControlService, EndProcess, Order, read_order
from diagnostics.machine.change.processes import end_process
from diagnostics.machine.change.services import ServiceAct, control_service
from diagnostics.machine.interface import ActRefused, Machine, Unreadable
from diagnostics.machine.local import local_machine
from diagnostics.strict_json import dump_json, encode


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
                whole_machine=order.whole_machine,
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
            return "service", control_service(order.name, ServiceAct(order.act), user=order.user, boot_unix_s=boot)


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
