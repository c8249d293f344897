"""Files damaged as disks damage them, and one life of the agent on what is left.

A life ends well in one of two ways: the service says in words why it does not start, or it runs, answers at its local
door, and believes nothing that it did not believe before. Anything else is a fault, told by `life_on`.
"""

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from agent.local.verbs import NoArguments, Peer
from agent.paths import StateFolder
from agent.refusal import Refusal
from diagnostics.strict_json import StrictJsonError
from protocol.errors import ProtocolError
from tests.faults.lived_in import LATER, Belief
from tests.hostile.machine import Machine, Time

#: What a person asks first when something is wrong; none of these changes anything.
ASKED = (
    "status", "findings", "known-issues", "watches", "tickets", "consent-list", "session-list", "session-settings",
    "question-list", "chat-list", "receipts", "abuse-list", "policy-show", "unattended-visits", "remedies", "outbox",
    "dead-letters",
)  # fmt: skip


#: Errors that say what was expected, what came, and what to do.
CLEAR: Final = (Refusal, ProtocolError, StrictJsonError)


@dataclass(frozen=True)
class Damage:
    """`where`: for the message of a failed test."""

    where: str
    data: bytes


def damages(data: bytes, chance: random.Random, flips: int) -> Iterator[Damage]:
    """Truncated to nothing, to half and by one byte; garbage at the end; single bits flipped."""
    yield Damage("emptied", b"")
    if len(data) > 1:
        yield Damage("half", data[: len(data) // 2])
        yield Damage("one byte short", data[:-1])
    yield Damage("a tail of garbage", data + chance.randbytes(40))
    for _ in range(flips if data else 0):
        at, bit = chance.randrange(len(data)), chance.randrange(8)
        flipped = bytearray(data)
        flipped[at] ^= 1 << bit
        yield Damage(f"bit {bit} of byte {at} of {len(data)}", bytes(flipped))


async def life_on(folder: StateFolder, sound: Belief, where: str) -> str:
    """`refused: why` or `lives`. AssertionError for what must never be."""
    try:
        machine = Machine(folder, Time(wall_s=LATER))
    except CLEAR as clear:
        if len(str(clear)) > 20:
            return f"refused: {clear}"
        raise AssertionError(f"{where}: refuses to start and does not say why") from clear
    except Exception as defect:
        raise AssertionError(f"{where}: died at its start of {type(defect).__name__}: {defect}") from defect
    try:
        return await _live(machine, sound, where)
    finally:
        machine.agent.ground.database.close()


async def _live(machine: Machine, sound: Belief, where: str) -> str:
    try:
        believed = Belief.of(machine)
    except CLEAR:
        believed = sound  # it says so, to whoever asks: below
    except Exception as defect:
        raise AssertionError(f"{where}: reading died of {type(defect).__name__}: {defect}") from defect
    faults = believed.faults_of(sound)
    assert faults == [], f"{where}: trusts what was damaged: {faults}"
    try:
        running = asyncio.create_task(machine.agent.run())
        try:
            await machine.until(lambda: machine.member.link.view().trouble or running.done())
            for name in ASKED if not running.done() else ():
                await _ask(machine, name, where)
        finally:
            machine.agent.stop()
            await running
        defects = [line for line in machine.log.lines if line[0] == "defect"]
        assert defects == [], f"{where}: {defects}"
    except AssertionError:
        raise
    except Exception as ended:
        causes = list(_leaves(ended))
        if all(isinstance(cause, CLEAR) for cause in causes):
            return f"refused: {causes}"
        raise AssertionError(f"{where}: died of {causes!r}") from ended
    return "lives"


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if not isinstance(error, BaseExceptionGroup):
        yield error
        return
    for inner in error.exceptions:
        yield from _leaves(inner)


async def _ask(machine: Machine, name: str, where: str) -> Any:
    verb = machine.agent.ground.catalogue.verbs[name]
    peer = Peer(uid=0, pid=1, is_administrator=True, in_session=False)
    try:
        return await verb.handle(NoArguments(), peer)
    except CLEAR as clear:
        return clear
    except Exception as defect:
        raise AssertionError(f"{where}: {name} died of {type(defect).__name__}: {defect}") from defect
