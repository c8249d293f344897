"""How often known issues on trial would have spoken on this device, and how often not. Told to nobody here.

    kept value `shadow-issues`   {"docker-fills-disk": {"version": 2, "fired": 12, "quiet": 900, "last_at": 1795003600}}

A look counts once an issue, however many findings it would have explained. Another version of an issue is another
trial: its counts begin anew. The organisation hears the numbers among the metrics (counters.py).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from agent.store.database import Database
from agent.store.kept_values import KeptValues
from agent.watch.look import Trial
from diagnostics.strict_json import StrictJsonError, decode, dump_json, encode, load_json

NAME: Final = "shadow-issues"
#: A pack may hold a thousand; what one device counts, and reports, stays small. By name.
TRIALS_MAX: Final = 32


@dataclass(frozen=True, slots=True)
class Counted:
    """`last_at`: when it would have spoken last; None when never."""

    version: int
    fired: int = 0
    quiet: int = 0
    last_at: int | None = None

    def after(self, trial: Trial, now: int) -> "Counted":
        before = self if trial.version == self.version else Counted(trial.version)
        if trial.fired:
            return Counted(trial.version, before.fired + 1, before.quiet, now)
        return Counted(trial.version, before.fired, before.quiet + 1, before.last_at)


class ShadowCounts:
    def __init__(self, database: Database) -> None:
        self._values = KeptValues(database)

    def all(self) -> Mapping[str, Counted]:
        kept = self._values.get(NAME)
        try:
            return {} if kept is None else decode(dict[str, Counted], load_json(kept))
        except StrictJsonError:
            return {}  # counted in another way before: a trial begins anew

    def count(self, trials: Iterable[Trial], now: int) -> None:
        """One look; what is on trial no more is forgotten. Raises NotWritten."""
        before = self.all()
        here = sorted(trials, key=lambda trial: trial.issue)[:TRIALS_MAX]
        counts = {trial.issue: before.get(trial.issue, Counted(trial.version)).after(trial, now) for trial in here}
        if counts != before:
            self._values.put(NAME, dump_json(encode(counts)))
