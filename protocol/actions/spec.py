"""The shape of one catalogue line: what an action is called, what it needs, what it may be told, what it may use.

    rows      OPEN ─► … ◄─ DATA (rows, one JSON text a line) ◄─ CLOSE (result)
    bytes     OPEN ─► … ◄─ DATA (pieces: bytes and rows mixed, protocol/pieces.py) ◄─ CLOSE
    input     OPEN ─► DATA (pieces) ─► … CLOSE ─► (no more input) … ◄─ CLOSE (result)

An action that gives bytes, takes input or lasts has a pipe of its own from its process to the service (`streams`), so
that a slow technician holds back that action and no other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from protocol.actions.scopes import MEANINGS, Scope
from protocol.strict_json import WireModel

MIB: Final = 1 << 20


class Output(StrEnum):
    ITEMS = "items"  # a stream of `{id, kind, body}` JSON texts, one a line
    BYTES = "bytes"  # pieces: bytes, and items between them


@dataclass(frozen=True)
class ActionSpec:
    """`sentence`: what the customer reads while it happens. `changes`: the machine differs afterwards.

    `input`: the technician may send pieces after OPEN. `lasting`: it may run as long as the grant; otherwise it is
    ended after `timeout_s`. `memory_bytes`: of all the processes it started. `output_bytes`: what it may say in all.
    `finishes`: begun and with all its input there, it runs to its end also when the connection is lost.
    `kept_bytes`: so much of what went each way is kept beside the journal and goes into the sealed transcript.
    `argument_risk`: the risk of these arguments where it is higher than the scope's (a remedy has one of its own).
    """

    name: str
    scope: Scope
    arguments: type[WireModel]
    sentence: str
    output: Output = Output.ITEMS
    changes: bool = False
    input: bool = False
    lasting: bool = False
    finishes: bool = False
    timeout_s: float = 60.0
    memory_bytes: int = 256 * MIB
    output_bytes: int = 8 * MIB
    kept_bytes: int = 0
    argument_risk: Callable[[Any], int] | None = None

    @property
    def risk(self) -> int:
        return MEANINGS[self.scope].risk

    def risk_of(self, arguments: WireModel) -> int:
        """The risk of running it with these arguments: never below the scope's."""
        return self.risk if self.argument_risk is None else max(self.risk, self.argument_risk(arguments))

    @property
    def streams(self) -> bool:
        """It has a pipe of its own, with flow control: it gives bytes, takes input, or lasts."""
        return self.output is Output.BYTES or self.input or self.lasting
