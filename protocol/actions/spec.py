"""The shape of one catalogue line: what an action is called, what it needs, what it may be told."""

from dataclasses import dataclass
from enum import StrEnum

from protocol.actions.scopes import MEANINGS, Scope
from protocol.strict_json import WireModel


class Output(StrEnum):
    ITEMS = "items"  # a stream of `{id, kind, body}` JSON texts, one a line
    BYTES = "bytes"


@dataclass(frozen=True)
class ActionSpec:
    """`sentence`: what the customer reads while it happens. `changes`: the machine differs afterwards."""

    name: str
    scope: Scope
    arguments: type[WireModel]
    sentence: str
    output: Output = Output.ITEMS
    changes: bool = False

    @property
    def risk(self) -> int:
        return MEANINGS[self.scope].risk
