"""How long this server waits for others. The protocol's own numbers; tests are less patient."""

from dataclasses import dataclass

from protocol.limits import HALF_OPEN_S, LOGIN_TIMEOUT_S, RELAY_STUCK_S


@dataclass(frozen=True)
class Patience:
    """`login_s`: for a first message. `silence_s`: for a word of an agent. `stuck_s`: for a message to be taken."""

    login_s: float = LOGIN_TIMEOUT_S
    silence_s: float = HALF_OPEN_S
    stuck_s: float = RELAY_STUCK_S
