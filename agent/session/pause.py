"""The connection of a visit is lost, its grant is in force: who may come back into it, how often, for how long.

    the same technician (certificate serial, proven in a new handshake), asking for this grant, within the scopes still
    in force, within RESUME_WINDOW_S of the loss, at most RESUMES_MAX times a visit: a successor grant, no question
    anybody else, or a return that fails on its way: this return is refused, the visit goes on waiting
    the same technician who asks for more than is allowed now, or for a new visit: the visit is over

Stop, suspend, a revoked certificate and the end of the minutes end a waiting visit as they end any other (steps.py); an
agent or a computer that was started again knows no waiting visits at all. Pure.
"""

import math
from dataclasses import dataclass

from agent.session.arrival import Visitor
from agent.session.effects import Moment
from protocol.errors import RemoteProtocolError
from protocol.limits import RESUME_WINDOW_S, RESUMES_MAX
from protocol.session_rules import GrantState, check_return
from protocol.visit import RefusalReason


@dataclass(frozen=True)
class NoReturn:
    """Why this visitor is not let in again. `for_ever`: and why the visit need not wait any longer."""

    reason: RefusalReason
    why: str
    for_ever: bool = False


class Pauses:
    """The losses of one visit. Times by the clock that counts suspend."""

    def __init__(self) -> None:
        self._count = 0
        self._until_boot_s = 0.0

    def begin(self, moment: Moment) -> bool:
        """The connection is lost now. False: too often, nobody is waited for."""
        self._count += 1
        self._until_boot_s = moment.boot_s + RESUME_WINDOW_S
        return self._count <= RESUMES_MAX

    def over(self, moment: Moment) -> bool:
        return moment.boot_s > self._until_boot_s


def judge_return(state: GrantState, visitor: Visitor) -> NoReturn | None:
    """`visitor` is proven in a handshake of its own. None: they may go on without a question."""
    request = visitor.request.body
    if request.serial != state.grant.body.serial:
        # Also the same person under a renewed certificate: the customer said yes to the other one.
        return NoReturn(RefusalReason.BUSY, "another technician came while one is waited for")
    if request.resumes is None:
        return NoReturn(RefusalReason.BUSY, "the technician asks for a new visit", for_ever=True)
    try:
        check_return(state, request)
    except RemoteProtocolError as error:
        return NoReturn(RefusalReason.NOT_RESUMED, str(error), for_ever=request.resumes == state.grant.hash)
    return None


def minutes_of(left_s: float) -> int:
    """What a successor grant names: whole minutes, begun ones included; `not_after` says it to the second."""
    return max(1, math.ceil(left_s / 60))
