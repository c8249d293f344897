"""Which checks wait for a better moment: on battery, on a paid link, while somebody works, just after a start. Pure.

| cost      | waits on battery        | on a metered link | while the machine is busy | after a start or resume |
|-----------|-------------------------|-------------------|---------------------------|-------------------------|
| cheap     | no                      | no                | no                        | no                      |
| moderate  | below a fifth of charge | no                | no                        | no                      |
| costly    | yes                     | no                | yes                       | 10 min                  |
| network   | no                      | yes, 4 × as long  | no                        | 2 min                   |

Nothing waits for ever: what is overdue by a day, or by four of its intervals where that is longer, runs in any case
once the machine has settled; what never ran waits for an hour. A person who asks for a look gets all of it at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from diagnostics.checks.contract import CheckSpec
from diagnostics.collectors.contract import Cost

LOW_CHARGE: Final = 0.2
# Work waits for a processor: more runs than there are processors for.
BUSY_LOAD_A_CPU: Final = 0.8
# Caches fill, updates unpack, the desktop starts.
SETTLING_COSTLY_S: Final = 600
# Networks need a moment, and a sign-in, after a lid was opened.
SETTLING_NETWORK_S: Final = 120
METERED_TIMES: Final = 4
OVERDUE_S: Final = 86_400
OVERDUE_INTERVALS: Final = 4
# What never ran is not known to be overdue: a laptop that is always on battery is looked at all the same.
NEVER_RAN_S: Final = 3600


@dataclass(frozen=True, slots=True)
class Situation:
    """None: this machine does not tell, and then nothing waits for it. `awake_s`: since start or resume."""

    on_battery: bool | None = None
    charge_fraction: float | None = None
    metered: bool | None = None
    load_a_cpu: float | None = None
    awake_s: int | None = None


def waits_for(check: CheckSpec, situation: Situation, *, ran_s_ago: int | None) -> str:
    """What it waits for, in words; empty when it may run now. `ran_s_ago` None: it never ran."""
    awake_s = OVERDUE_S if situation.awake_s is None else situation.awake_s
    match check.cost:
        case Cost.COSTLY if awake_s < SETTLING_COSTLY_S:
            return "the machine has just started"
        case Cost.NETWORK if awake_s < SETTLING_NETWORK_S:
            return "the machine has just started"
        case _:
            pass
    if ran_s_ago is None:
        overdue = awake_s >= NEVER_RAN_S
    else:
        overdue = ran_s_ago >= max(OVERDUE_S, OVERDUE_INTERVALS * check.interval_s)
    if overdue:
        return ""
    match check.cost:
        case Cost.COSTLY if situation.on_battery:
            return "mains power"
        case Cost.COSTLY if situation.load_a_cpu is not None and situation.load_a_cpu >= BUSY_LOAD_A_CPU:
            return "the machine to be idle"
        case Cost.MODERATE if (
            situation.on_battery and situation.charge_fraction is not None and situation.charge_fraction < LOW_CHARGE
        ):
            return "a charged battery"
        case Cost.NETWORK if (
            situation.metered and ran_s_ago is not None and ran_s_ago < METERED_TIMES * check.interval_s
        ):
            return "a link that is not paid by volume"
        case _:
            return ""


def not_waiting(
    checks: Sequence[CheckSpec], situation: Situation, ran_s_ago: dict[str, int]
) -> tuple[list[CheckSpec], dict[str, str]]:
    """(those that may run now, the others with what they wait for)."""
    waiting = {check.id: waits_for(check, situation, ran_s_ago=ran_s_ago.get(check.id)) for check in checks}
    return [check for check in checks if not waiting[check.id]], {name: why for name, why in waiting.items() if why}
