"""What passes between the service and the remedy worker: one JSON object a line, each way in turn.

    service                                   worker
    Order ─────────────────────────────────►   (preview | begin | carry-on)
              ◄──────────────────────── {"record": Record}      before and after every step
    {"kept": true} ────────────────────────►   it is on the disk: go on
              ◄──────────────────────── {"question": Question}  the exact steps, as they would be done now
    {"yes": bool, "by": text} ─────────────►
              ◄──────────────────────── {"preview": Question} | {"ending": Ending} | {"not_needed": reason}

The worker goes no further than the last `kept`. When either side ends, the other stops where it is; the journal says
how the run goes on.
"""

import os
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from diagnostics.remedies.journal import Record

LINE_MAX_BYTES: Final = 16 * 1024 * 1024  # a plan names up to 5 000 files
#: One order, from preview to the beginning of the watch.
ORDER_TIMEOUT_S: Final = 900.0


class Act(StrEnum):
    PREVIEW = "preview"
    BEGIN = "begin"
    CARRY_ON = "carry-on"
    ROLL_BACK = "roll-back"


@dataclass(frozen=True)
class Order:
    """`records`: of this run so far. `fingerprint` and `check`: what to look at again after the change.
    `agent_pid`: the service, which may not be the worker's parent (remedy_process.py)."""

    act: Act
    remedy: str
    run: str
    now: int
    quarantine: str
    records: tuple[Record, ...] = ()
    fingerprint: str | None = None
    check: str | None = None
    not_now: str | None = None
    agent_pid: int = field(default_factory=os.getpid)


@dataclass(frozen=True)
class Shown:
    """A question as it crosses the pipe: the remedy's words, and the steps that a person agrees to."""

    remedy: str
    risk: int
    title: str
    text: str
    steps: tuple[str, ...]
