"""Noise handshake patterns as data (revision 34, sections 7 and 9), and the parser of their names.

Sample name: `Noise_XKpsk3_25519_AESGCM_SHA256`. A pattern lists the tokens of each message in turn; adding
one is adding a row to `PATTERNS`. Which of them a session uses is not decided here: `noise.SESSION_PROTOCOL`.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from protocol.errors import LocalProtocolError


class Token(StrEnum):
    """One step inside a handshake message, in the specification's own letters."""

    E = "e"
    S = "s"
    EE = "ee"
    ES = "es"
    SE = "se"
    SS = "ss"
    PSK = "psk"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A handshake as data. `initiator_known` and `responder_known`: static keys exchanged beforehand."""

    messages: tuple[tuple[Token, ...], ...]  # alternating, the initiator's first
    initiator_known: bool = False
    responder_known: bool = False
    psk_count: int = 0

    def needs_static(self, *, initiator: bool) -> bool:
        """Whether this side must bring a static key of its own."""
        known = self.initiator_known if initiator else self.responder_known
        return known or any(Token.S in tokens for tokens in self.messages[0 if initiator else 1 :: 2])


_E, _S, _EE, _ES, _SE, _SS = Token.E, Token.S, Token.EE, Token.ES, Token.SE, Token.SS

PATTERNS: Final = {
    "NN": Pattern(((_E,), (_E, _EE))),
    "NK": Pattern(((_E, _ES), (_E, _EE)), responder_known=True),
    "KK": Pattern(((_E, _ES, _SS), (_E, _EE, _SE)), initiator_known=True, responder_known=True),
    "XK": Pattern(((_E, _ES), (_E, _EE), (_S, _SE)), responder_known=True),
    "IK": Pattern(((_E, _ES, _S, _SS), (_E, _EE, _SE)), responder_known=True),
    "XX": Pattern(((_E,), (_E, _EE, _S, _ES), (_S, _SE))),
}

_PROTOCOL_NAME: Final = re.compile(
    r"Noise_(?P<pattern>NN|NK|KK|XK|IK|XX)(?P<psks>(?:psk[0-3](?:\+psk[0-3])*)?)"
    r"_25519_(?P<cipher>AESGCM|ChaChaPoly)_SHA256"
)


def parse_name(protocol_name: str) -> tuple[Pattern, str]:
    """The pattern with its psk tokens in place, and the cipher's name (`AESGCM` or `ChaChaPoly`)."""
    match = _PROTOCOL_NAME.fullmatch(protocol_name)
    if match is None:
        raise LocalProtocolError(
            "this Noise protocol is not one we speak",
            expected="Noise_XK_25519_AESGCM_SHA256 or its kin",
            got=protocol_name,
        )
    base = PATTERNS[match["pattern"]]
    places = [int(modifier.removeprefix("psk")) for modifier in match["psks"].split("+") if modifier]
    if len(set(places)) != len(places) or any(place > len(base.messages) for place in places):
        raise LocalProtocolError("a psk modifier has no place in this pattern", got=protocol_name)
    messages = [list(tokens) for tokens in base.messages]
    for place in places:
        if place == 0:
            messages[0].insert(0, Token.PSK)  # psk0: before the first message's tokens
        else:
            messages[place - 1].append(Token.PSK)  # pskN: after the N-th message's tokens
    pattern = Pattern(
        tuple(tuple(tokens) for tokens in messages),
        base.initiator_known,
        base.responder_known,
        len(places),
    )
    return pattern, match["cipher"]
