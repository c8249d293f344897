"""Sign-ins of programs, and certificates of technicians.

A sign-in holds the certificate it was made with; every request proves it again under the trust of that moment, so
that a revocation or an expiry counts at once and not at the next sign-in.
"""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import delete, select

from protocol import strict_json
from protocol.certificates import Chain, TechnicianCertificate
from protocol.errors import RemoteProtocolError
from protocol.messages.api import SignedIn
from protocol.statements import Envelope
from protocol.trust import Trust
from server.clock import Clock
from server.storage.engine import Database
from server.technicians.model import sign_ins, technicians
from server.tokens import new_token, token_hash

#: A working day; the certificate may end it sooner.
SIGN_IN_S = 12 * 3600


class SignInKind(StrEnum):
    TECHNICIAN = "technician"
    ORGANISATION = "organisation"


@dataclass(frozen=True)
class Technician:
    """Who asks, as the certificate says. `certificate`: the chain as it travelled."""

    serial: str
    name: str
    tier: int
    customers: frozenset[str]
    chain: Chain


class TechnicianStore:
    def __init__(self, database: Database, now: Clock) -> None:
        self._database = database
        self._now = now

    async def keep(self, chain: Chain, body: TechnicianCertificate) -> None:
        """Remember a certificate that the caller has verified."""
        values = {
            "serial": body.serial,
            "name": body.name,
            "tier": body.tier,
            "certificate": strict_json.dump(chain).decode(),
            "not_after": body.not_after,
            "stored_at": self._now(),
        }
        async with self._database.write() as connection:
            insert = self._database.insert(technicians).values(**values)
            await connection.execute(insert.on_conflict_do_update(index_elements=["serial"], set_=values))

    async def chain_of(self, serial: str) -> Chain | None:
        """A certificate of now or before, as it was verified when it was kept."""
        async with self._database.read() as connection:
            text = await connection.scalar(select(technicians.c.certificate).where(technicians.c.serial == serial))
            return None if text is None else Chain.model_validate_json(text)

    async def newest_of(self, signing_key: bytes, name: str, trust: Trust) -> Chain | None:
        """The newest certificate in force for this very key: by its own words, then by when it came here."""
        query = (
            select(technicians.c.certificate)
            .where(technicians.c.name == name, technicians.c.not_after >= self._now())
            .order_by(technicians.c.stored_at.desc(), technicians.c.not_after.desc())
        )
        async with self._database.read() as connection:
            chains = [Chain.model_validate_json(text) for text in (await connection.execute(query)).scalars()]
        newest: tuple[int, Chain] | None = None
        for chain in chains:
            try:
                body = trust.technician(chain, self._now()).body
            except RemoteProtocolError:
                continue  # of a root or an issuer that was left, or revoked: an older one may hold
            if body.signing_key == signing_key and (newest is None or body.not_before > newest[0]):
                newest = (body.not_before, chain)
        return None if newest is None else newest[1]

    async def certificates(self) -> tuple[Chain, ...]:
        """Every technician certificate known, newest first."""
        async with self._database.read() as connection:
            rows = await connection.execute(select(technicians.c.certificate).order_by(technicians.c.stored_at.desc()))
            return tuple(Chain.model_validate_json(text) for text in rows.scalars())

    async def sign_in(self, kind: SignInKind, serial: str, certificate: Chain | Envelope, not_after: int) -> SignedIn:
        """A token for `certificate`, already verified; ends with it, or after a working day."""
        now, token = self._now(), new_token()
        expires_at = min(now + SIGN_IN_S, not_after)
        async with self._database.write() as connection:
            await connection.execute(delete(sign_ins).where(sign_ins.c.expires_at < now))
            await connection.execute(
                sign_ins.insert().values(
                    token_hash=token_hash(token),
                    kind=kind,
                    serial=serial,
                    certificate=strict_json.dump(certificate).decode(),
                    made_at=now,
                    expires_at=expires_at,
                )
            )
        return SignedIn(token=token, expires_at=expires_at)

    async def technician(self, token: str, trust: Trust) -> Technician | None:
        """Whose token this is, proven again now; None when unknown, expired or its certificate no longer holds."""
        text = await self._certificate(token, SignInKind.TECHNICIAN)
        if text is None:
            return None
        chain = Chain.model_validate_json(text)
        try:
            body = trust.technician(chain, self._now()).body
        except RemoteProtocolError:
            return None
        return Technician(body.serial, body.name, body.tier, frozenset(body.customers), chain)

    async def is_organisation(self, token: str, trust: Trust) -> bool:
        text = await self._certificate(token, SignInKind.ORGANISATION)
        if text is None:
            return False
        try:
            trust.issuer(Envelope.parse(text.encode()), self._now())
        except RemoteProtocolError:
            return False
        return True

    async def _certificate(self, token: str, kind: SignInKind) -> str | None:
        async with self._database.read() as connection:
            row = await connection.execute(
                select(sign_ins.c.certificate).where(
                    sign_ins.c.token_hash == token_hash(token),
                    sign_ins.c.kind == kind,
                    sign_ins.c.expires_at >= self._now(),
                )
            )
            found: str | None = row.scalar_one_or_none()
            return found
