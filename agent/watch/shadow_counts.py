"""How often known issues on trial would have spoken on this device: kept, shown to whoever asks, told to nobody.

    kept value `shadow-issues`    {"docker-fills-disk": {"looks": 12, "first_at": 1795000000, "last_at": 1795003600}}

A look counts once an issue, however many findings it would have explained.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from agent.store.database import Database
from agent.store.kept_values import KeptValues
from diagnostics.strict_json import decode, dump_json, encode, load_json

NAME: Final = "shadow-issues"
# A pack holds a thousand issues at most; those of packs long gone fall out first.
ISSUES_MAX: Final = 1000


@dataclass(frozen=True, slots=True)
class Fired:
    looks: int
    first_at: int
    last_at: int


class ShadowCounts:
    def __init__(self, database: Database) -> None:
        self._values = KeptValues(database)

    def all(self) -> Mapping[str, Fired]:
        kept = self._values.get(NAME)
        return {} if kept is None else decode(dict[str, Fired], load_json(kept))

    def count(self, issues: Iterable[str], now: int) -> None:
        """One look in which these would have spoken. Raises NotWritten."""
        counts = dict(self.all())
        for issue in (named := tuple(dict.fromkeys(issues))):
            before = counts.pop(issue, Fired(0, now, now))
            counts[issue] = Fired(before.looks + 1, before.first_at, now)
        if named:
            kept = dict(sorted(counts.items(), key=lambda item: item[1].last_at)[-ISSUES_MAX:])
            self._values.put(NAME, dump_json(encode(kept)))
