"""The owner's policy: which fixes may run without asking, when, how often; and the stop for all of them.

    bellpull-agent mend policy --alone yes --quiet 08:00-19:00 --runs-a-day 4      --stop / --go

Nobody but the owner sets it, at this machine: it has no message on the wire and no session may change it. Without one
nothing runs alone.

What may start a fix by itself is narrower than what may be offered. Only a finding that a check of this very program
raised from what it read on this machine, only a remedy that the catalogue in this program names for that finding, only
risk 1. Known issues, whose packs come from outside, are offered to people and never start anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from diagnostics.remedies.budget import NotNow
from diagnostics.remedies.profile import Profile, Risk, policy_allows
from protocol.strict_json import WireModel

#: Who agreed to a run that nobody was asked about.
BY_POLICY: Final = "the owner's policy"
#: What these change is named by a finding (which service, which printer); without one there is nothing to offer.
NEEDS_A_FINDING: Final = frozenset(
    {
        "set-dead-proxy-aside",
        "restart-failed-service",
        "stop-restart-loop",
        "end-program",
        "arm-timer",
        "renew-address",
        "reconnect-interface",
        "resume-printer",
        "clear-print-queue",
    }
)
_DAY_MINUTES: Final = 24 * 60
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


def _hours(value: str) -> str:
    if value and _HOURS.fullmatch(value) is None:
        raise ValueError("expected HH:MM-HH:MM")
    return value


QuietHours = Annotated[str, AfterValidator(_hours)]
RunsADay = Annotated[int, Field(ge=1, le=50)]


class MendingPolicy(WireModel):
    """`quiet`: hours of the local day in which nothing runs alone, empty for none. `runs_a_day`: of all fixes that ran
    alone, in any 24 hours; each remedy has its own budget besides. `stop`: nothing runs at all, asked or not."""

    alone: bool = False
    quiet: QuietHours = ""
    runs_a_day: RunsADay = 4
    stop: bool = False


@dataclass(frozen=True)
class Raised:
    """A finding that is shown now, as this machine's own checks raised it."""

    fingerprint: str
    code: str


def is_quiet(quiet: str, minute_of_day: int) -> bool:
    """`22:00-07:00` goes over midnight; `08:00-08:00` is the whole day. Pure."""
    found = _HOURS.fullmatch(quiet)
    if found is None:
        return False
    hours = [int(part) for part in found.groups()]
    begin, end = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
    return (minute_of_day - begin) % _DAY_MINUTES < ((end - begin) % _DAY_MINUTES or _DAY_MINUTES)


def may_run_alone(
    policy: MendingPolicy,
    remedy: Profile,
    raised: Raised,
    *,
    minute_of_day: int,
    ran_alone: int,
    administrator: bool,
) -> NotNow | None:
    """None: go ahead. `ran_alone`: how many ran alone in the last 24 hours; `administrator`: whether
    this agent has such rights. Pure; the remedy's own budget is another
    question (`budget.may_run`)."""
    if policy.stop:
        return NotNow("the owner has stopped all fixes", None)
    if not policy_allows(remedy.risk, alone_up_to=Risk.ALONE if policy.alone else Risk.GUIDE):
        return NotNow("the owner wants to be asked", None)
    if raised.code not in remedy.cures:
        return NotNow("this fix is not meant for this finding", None)
    if "administrator" in remedy.needs and not administrator:
        return NotNow("this agent has no administrator's rights", None)
    if is_quiet(policy.quiet, minute_of_day):
        return NotNow(f"these are quiet hours ({policy.quiet})", None)
    if ran_alone >= policy.runs_a_day:
        return NotNow(f"{ran_alone} fixes have run alone in 24 hours, {policy.runs_a_day} are allowed", None)
    return None
