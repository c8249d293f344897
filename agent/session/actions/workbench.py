"""What an action may use: the reading half of the machine, and the redactor through which every word goes out.

Rows carry diagnostics' own models (`CheckResult`, `Finding`, `Process`, `Service`, `LogLine`, `LogFile`) as JSON; the
technician's program validates each body with the model of its kind. Personal data is replaced with the same marks as
in bundles: `anna` is `<user:7f3a91c0>` in both.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from diagnostics.history import History, MemoryHistory
from diagnostics.machine.interface import Machine, ProcessSnapshot
from diagnostics.redaction import Redactor
from diagnostics.strict_json import dump_json, encode

# Fields that are words of our own catalogue: a redactor has nothing to find there, and must not change them.
_OWN_WORDS: Final = frozenset({"code", "rule", "severity", "state", "status", "id", "kind", "fingerprint"})
# The same names and states come in every row.
_REMEMBERED_MAX: Final = 4096


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a result. `kind` names the model of `body` (JSON text)."""

    kind: str
    body: str


@dataclass
class Workbench:
    """For one action in one process. `samples`: looks at the processes that the warm host has taken before."""

    machine: Machine
    redactor: Redactor
    now: int
    samples: tuple[ProcessSnapshot, ...] = ()
    history: History = field(default_factory=MemoryHistory)
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


#: An action: its typed arguments in, rows out, one at a time. `Unreadable` means: cannot be read here, and why.
Doing = Callable[[Any, Workbench], Iterator[Row]]
