"""A whole visit, stopped before each of its messages: every moment can be taken up again, any number of times.

One handshake then serves ten thousand lies: both ends are copied as they stood when a message was due (keys and what
else is frozen are shared), the copy is given something else, and the visit itself is none the wiser.

    stops()[n].towards     "to device" | "to technician"
    stops()[n].message     what was really on its way
    stops()[n].again()     the end that it goes to, as it stood before it
"""

import copy
import gc
import hashlib
from collections.abc import Collection
from dataclasses import dataclass, is_dataclass
from functools import cache
from types import FunctionType, MappingProxyType, MethodType, ModuleType

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import BaseModel

from agent.session.effects import CustomerNarrows, Finished, MakeReceipt, Received, Rows
from protocol.actions.processes import ProcessesArguments
from protocol.actions.scopes import Scope
from protocol.connection import Connection
from protocol.journal import Outcome
from protocol.session_state import SessionState
from technician.keys.technician_keys import TechnicianKeys
from tests.agent.visiting import Device, Encounter, chain_of, ephemeral, technician_keys, trusting

TO_DEVICE, TO_TECHNICIAN = BOTH = "to device", "to technician"
KEYS = technician_keys()
CHAIN = chain_of(KEYS)
TRUST = trusting()
DEVICE = Device()
#: What the action gives back: enough for records of its own, and for credit to be given.
ROWS = b'{"id":1,"kind":"process","body":"one of many"}\n' * 40
#: Never changed once made, so that a copy may share them. (A cipher's counter is beside it, and is copied.)
_HASH = type(hashlib.sha256())
_SHARED = (
    AESGCM, X25519PrivateKey, BaseModel, MappingProxyType, TechnicianKeys, FunctionType, MethodType, ModuleType, _HASH
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class StoppedVisit:
    """Both ends before one message. `number`: of its direction. `ran`: actions handed to the host until here."""

    towards: str
    number: int
    message: bytes
    _ends: Encounter
    _shared: dict[int, object]

    @property
    def before(self) -> Encounter:
        """To be looked at and never touched."""
        return self._ends

    def again(self) -> Encounter:
        """As it stood, for this lie alone. Only the end that the message goes to is a copy; leave the other alone."""
        return as_it_stands(self._ends, self._shared, {self.towards})

    def give(self, visit: Encounter, data: bytes) -> None:
        """Deliver `data` in place of the message; what it leads to stays in `visit`, and nothing is carried on."""
        if self.towards == TO_DEVICE:
            visit.feed(Received(data))
        else:
            visit._tell_technician(data)

    def connection(self, visit: Encounter) -> Connection | None:
        """The end that the message goes to, once its handshake is over."""
        return visit.steps._door.connection if self.towards == TO_DEVICE else visit.technician._connection

    def __str__(self) -> str:
        return f"message {self.number} {self.towards}"


def as_it_stands(visit: Encounter, shared: dict[int, object], ends: Collection[str] = BOTH) -> Encounter:
    """A copy of these ends that nothing done to the original reaches, nor the other way round."""
    found = copy.copy(visit)
    hashes = {key: thing.copy() for key, thing in shared.items() if isinstance(thing, _HASH)}
    if TO_DEVICE in ends:
        found.steps = copy.deepcopy(visit.steps, {**shared, **hashes})
    if TO_TECHNICIAN in ends:
        found.technician = copy.deepcopy(visit.technician, {**shared, **hashes})
    found.done, found.heard = list(visit.done), list(visit.heard)
    found.paper = visit.paper.copy()
    found.to_device, found.to_technician = [], []
    found.tamper = lambda direction, data: [data]
    return found


def shared_by(visit: Encounter) -> dict[int, object]:
    """For deepcopy: everything below both ends that never changes, and the hashes, which have a way of their own."""
    found: dict[int, object] = {}
    waiting: list[object] = [vars(visit.steps), vars(visit.technician)]
    seen: set[int] = set()
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, type):
            continue
        seen.add(id(thing))
        if isinstance(thing, _SHARED) or (is_dataclass(thing) and thing.__dataclass_params__.frozen):
            found[id(thing)] = thing
        else:
            waiting.extend(gc.get_referents(thing))
    return found


def fresh(name: str, **changes: object) -> Encounter:
    """A visit between the same two, in the same room about the same ticket, with its own ephemeral keys."""
    visit = Encounter(device=DEVICE, keys=KEYS, chain=CHAIN, trust=TRUST, **changes)  # type: ignore[arg-type]
    visit.steps._door._handshake._make_ephemeral = ephemeral(f"device {name}")
    assert visit.technician._handshake is not None
    visit.technician._handshake._make_ephemeral = ephemeral(f"technician {name}")
    return visit


def stops_of(name: str = "laptop") -> tuple[StoppedVisit, ...]:
    """A visit with two actions, rows, a narrowing and an end; stopped before each message of either direction."""
    stops: list[StoppedVisit] = []
    counts = {TO_DEVICE: 0, TO_TECHNICIAN: 0}

    def stop(towards: str, data: bytes) -> list[bytes]:
        ends = as_it_stands(visit, shared_by(visit))
        stops.append(StoppedVisit(towards, counts[towards], data, ends, shared_by(ends)))
        counts[towards] += 1
        return [data]

    visit = fresh(name, tamper=stop)
    visit.begin()
    for sequence in (1, 2):
        assert visit.act("processes", ProcessesArguments()) == sequence
        visit.feed(Rows(sequence, ROWS, ROWS.count(b"\n")))
        visit.settle()
        visit.feed(Finished(sequence, Outcome.DONE))
        visit.settle()
    visit.feed(CustomerNarrows((Scope.PROCESSES,)))
    visit.settle()
    visit.technician.end("that was all")
    visit.flush()
    visit.settle()
    assert [run.sequence for run in visit.runs] == [1, 2]
    assert visit.broken is None
    assert visit.steps.state is SessionState.ENDED
    assert [made.close is not None for made in visit.done if isinstance(made, MakeReceipt)] == [True]
    return tuple(stops)


@cache
def stops() -> tuple[StoppedVisit, ...]:
    return stops_of()
