"""What a change worker is told, and starting one: exactly one order for one process (change_worker.py).

{"end-process":{"pid":4711,"started_ms":812340,"grace_s":5,"agent_pid":812,"whole_machine":false}}
{"control-service":{"name":"cups.service","act":"restart","user":false}}
◄ {"done":{"kind":"ended-process","body":{…}}}   or   {"refused":"it is another user's"}
"""

from dataclasses import dataclass
from typing import Any, Final

from agent.children import run_child
from agent.refusal import Refusal
from agent.session.actions.service_bench import Brought
from diagnostics.strict_json import StrictJsonError, decode, dump_json, encode, load_json

ORDER_MAX_BYTES: Final = 16 * 1024
#: The longest change (a service that stops slowly), with both looks at it.
_TIMEOUT_S: Final = 75.0


@dataclass(frozen=True)
class EndProcess:
    """`whole_machine`: the agent serves all users of the machine, rather than the one it runs as."""

    pid: int
    started_ms: int
    grace_s: int
    agent_pid: int
    whole_machine: bool


@dataclass(frozen=True)
class ControlService:
    """`act`: start, stop or restart. `user`: of this user's own supervisor."""

    name: str
    act: str
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


async def change_by_worker(order: bytes) -> Brought:
    """Have it done; the row that tells what was. Raises Refusal with the worker's reason."""
    answer = await run_child(
        "agent.session.change_worker", order, timeout_s=_TIMEOUT_S, answer_max_bytes=ORDER_MAX_BYTES * 4
    )
    try:
        told: Any = load_json(answer.stdout)
    except StrictJsonError:
        told = None
    match told:
        case {"done": {"kind": str(kind), "body": body}}:
            return Brought(kind, body)
        case {"refused": str(reason)}:
            raise Refusal(reason)
        case _:
            raise Refusal("the change could not be made", got=f"exit code {answer.exit_code}")
