"""Pure: whose tickets and devices an account may see.

A technician sees the customers in their certificate, proven now: an expired or revoked certificate shows nothing, and
says so. The other roles see all customers, since their work is the whole desk.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from protocol.certificates import Chain, TechnicianCertificate
from protocol.errors import RemoteProtocolError
from protocol.statements import parse_payload
from protocol.trust import Trust
from server.people.rules import Role


@dataclass(frozen=True)
class Reach:
    """`customers`: none means all. `lack`: why it is less than it could be, in a sentence for the account's owner."""

    customers: frozenset[str] | None
    lack: str = ""


@dataclass(frozen=True)
class KnownTechnician:
    """A technician by their newest certificate. `holds`: it verifies now."""

    key: bytes
    name: str
    tier: int
    serial: str
    not_after: int
    holds: bool
    customers: frozenset[str]


_NOTHING = "Your account has the role technician"


def known_technicians(chains: Iterable[Chain], trust: Trust | None, now: int) -> tuple[KnownTechnician, ...]:
    """One for each signing key; `chains` newest first. What the leaf says counts only where it `holds`."""
    found: dict[bytes, KnownTechnician] = {}
    for chain in chains:
        body = parse_payload(chain.leaf, TechnicianCertificate)
        holds = _holds(chain, trust, now)
        if body.signing_key in found and (found[body.signing_key].holds or not holds):
            continue
        found[body.signing_key] = KnownTechnician(
            key=body.signing_key,
            name=body.name,
            tier=body.tier,
            serial=body.serial,
            not_after=body.not_after,
            holds=holds,
            customers=frozenset(body.customers) if holds else frozenset(),
        )
    return tuple(sorted(found.values(), key=lambda one: (one.name, one.key)))


def reach_of(role: Role, technician_key: bytes | None, technicians: Iterable[KnownTechnician]) -> Reach:
    if role is not Role.TECHNICIAN:
        return Reach(None)
    if technician_key is None:
        return Reach(frozenset(), f"{_NOTHING} and is not linked to a certificate yet. An admin links it under People.")
    for known in technicians:
        if known.key == technician_key:
            if known.holds:
                return Reach(known.customers)
            return Reach(frozenset(), f"{_NOTHING}; the certificate it is linked to has expired or was revoked.")
    return Reach(frozenset(), f"{_NOTHING}; the certificate it is linked to has expired.")


def _holds(chain: Chain, trust: Trust | None, now: int) -> bool:
    if trust is None:
        return False
    try:
        trust.technician(chain, now)
    except RemoteProtocolError:
        return False
    return True
