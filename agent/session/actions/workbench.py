"""What an action may use: the reading half of the machine, and the redactor through which every word goes out.

Rows carry diagnostics' own models (`CheckResult`, `Finding`, `Process`, `Service`, `LogLine`, `LogFile`) as JSON; the
technician's program validates each body with the model of its kind. Personal data is replaced with the same marks as
in bundles: `anna` is `<user:7f3a91c0>` in both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from agent.session.host_wire import SessionSettings
from diagnostics.machine.interface import Machine, ProcessSnapshot
from diagnostics.redaction import Redactor
from diagnostics.strict_json import dump_json, encode
from protocol.visit import PROGRESS_KIND, Progress

if TYPE_CHECKING:
    from agent.session.actions.own_pipe import OwnPipe

# Fields that are words of our own catalogue: a redactor has nothing to find there, and must not change them.
_OWN_WORDS: Final = frozenset({"code", "rule", "severity", "state", "status", "id", "kind", "fingerprint"})
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")  # of runs and previews, made by ourselves
# The same names and states come in every row.
_REMEMBERED_MAX: Final = 4096


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a result. `kind` names the model of `body` (JSON text)."""

    kind: str
    body: str


@dataclass
class Workbench:
    """For one action in one process. `samples`: looks at the processes that the warm host has taken before.

    `pipe`: the action's own, where its line of the catalogue says that it streams; input is read from it. `settings`:
    what the owner of this machine allows. `last_word`: the result's detail when all went well. `told`: what the service
    has brought for this action, raw; `failed`: why its part did not work.
    """

    machine: Machine
    redactor: Redactor
    now: int
    samples: tuple[ProcessSnapshot, ...] = ()
    settings: SessionSettings = field(default_factory=SessionSettings)
    confined: bool = False
    pipe: OwnPipe | None = None
    last_word: str = ""
    told: tuple[Row, ...] = ()
    failed: str = ""
    _seen: dict[str, str] = field(default_factory=dict)

    def redacted(self, text: str) -> str:
        """`text` without personal data; the whole is withheld where that cannot be promised."""
        if not text or text.isdigit():
            return text
        found = self._seen.get(text)
        if found is None:
            found = self.redactor.text(text)
            if len(self._seen) < _REMEMBERED_MAX:
                self._seen[text] = found
        return found

    def row(self, kind: str, observation: object) -> Row:
        """A row of one of diagnostics' frozen models, with every text in it redacted."""
        return Row(kind, dump_json(self._clean(encode(observation))))

    def clean_row(self, kind: str, value: object) -> Row:
        """A row of plain JSON values, not all of which are our own words: every text is redacted, but for ids."""
        if isinstance(value, dict):  # the names of its fields are the model's
            return Row(kind, dump_json({name: self.clean(item) for name, item in value.items()}))
        return Row(kind, dump_json(self.clean(value)))

    def clean(self, value: object) -> object:
        """Plain JSON values with every text redacted, names of fields too; ids of our own making stay."""
        match value:
            case str():
                return value if _UUID.fullmatch(value) else self.redacted(value)
            case list():
                return [self.clean(item) for item in value]
            case dict():
                return {self.redacted(name): self.clean(item) for name, item in value.items()}
            case _:
                return value

    def progress(self, done: int, total: int = 0, unit: str = "bytes", text: str = "") -> Row:
        """How far it is, for the technician's screen. `text` is redacted."""
        said = Progress(done=done, total=total, unit=unit, text=self.redacted(text)[:200])
        return Row(PROGRESS_KIND, said.model_dump_json())

    def _clean(self, value: object) -> object:
        match value:
            case str():
                return self.redacted(value)
            case list():
                return [self._clean(item) for item in value]
            case dict():
                return {name: item if name in _OWN_WORDS else self._clean(item) for name, item in value.items()}
            case _:
                return value


#: An action: its typed arguments in; rows, or for actions of bytes also bytes, out, one at a time. `Unreadable` means:
#: cannot be read here, and why.
Doing = Callable[[Any, Workbench], Iterator[Row]] | Callable[[Any, Workbench], Iterator["Row | bytes | memoryview"]]
