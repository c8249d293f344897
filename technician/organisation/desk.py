"""The organisation at its server: signing in with the certifying key, approving devices, publishing.

The shell around the pure parts beside it: it opens keys, talks HTTP, and keeps the books in step.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from protocol.certificates import Chain, IssuerRole
from protocol.enrolment import OrganisationLogin
from protocol.messages.api import EnrolmentState
from protocol.statements import SigningKey
from technician.api import Api, ServerAway, SignInNeeded
from technician.clock import now_s
from technician.keys.passphrase import Passphrases
from technician.organisation import enrolment, issuers, publish
from technician.organisation.enrolment import Approval
from technician.organisation.issuers import Identity
from technician.organisation.records import Records
from technician.organisation.server_pin import PinnedServer, check_server, pin_server, pinned_server
from technician.private_files import private_folder

#: How often `approve --watch` looks: a person waits at the new device.
WATCH_S: Final = 2.0
#: A server that is away is asked again this often.
AWAY_S: Final = 10.0


@dataclass(frozen=True)
class Desk:
    """One organisation's folder, opened. Keys are opened when first needed."""

    folder: Path
    records: Records
    identity: Identity
    passphrases: Passphrases

    @classmethod
    def open(cls, folder: Path, passphrases: Passphrases) -> "Desk":
        private_folder(folder)
        records = Records(folder / "organisation.db")
        return cls(folder, records, issuers.read_identity(records), passphrases)

    def key(self, role: IssuerRole) -> SigningKey:
        return issuers.open_issuer(self.folder, role, self.passphrases)

    def secret_of(self) -> Callable[[str], bytes]:
        return partial(_secret, self.folder, self.passphrases)

    async def pin(self, origin: str, setup_code: str) -> PinnedServer:
        """Give the server our root, once for ever, and keep its log key, once for ever."""
        async with Api(origin) as api:
            info = await api.server()
            if self.records.fact("log_key") is not None:
                pin_server(self.records, info)  # another server than before is refused before it hears of us
            if info.root_key != self.identity.root_key:
                issuer = self.identity.issuers[IssuerRole.CERTIFYING]
                await api.pin(setup_code, self.identity.root_key, issuer, self.identity.name)
            return pin_server(self.records, info)

    @asynccontextmanager
    async def signed_in(self, certifying: SigningKey) -> AsyncIterator[Api]:
        """At the pinned server, and at no other."""
        server = pinned_server(self.records)
        async with Api(server.origin) as api:
            check_server(server, await api.server(), self.identity.root_key)
            login = OrganisationLogin(
                root=self.identity.root_hash,
                origin=server.origin,
                nonce=await api.challenge(),
                issued_at=now_s(),
            )
            issuer = self.identity.issuers[IssuerRole.CERTIFYING]
            api.token = (await api.sign_in_organisation(issuer, certifying.sign(login))).token
            yield api

    async def publish(self) -> dict[str, int]:
        """Sign everything afresh, keep it, hand it to the server. Floor name → version."""
        keys = {role: self.key(role) for role in IssuerRole}
        server = pinned_server(self.records)
        async with self.signed_in(keys[IssuerRole.CERTIFYING]) as api:
            for record in self.records.certificates("technician"):
                if record.revoked_at is None and record.not_after > now_s():
                    await api.push_certificate(record.chain)
            documents = publish.make_documents(self.identity, self.records, server, keys, now_s())
            await api.push_documents(tuple(document for _, document in documents))
        return self.records.floors()

    async def approve(self, *, watch: bool, report: Callable[[Approval], None], away: Callable[[str], None]) -> int:
        """Approve what deserves it; with `watch` until interrupted. Returns how many were refused.

        While watching, a sign-in that ran out is renewed, and a server that is away is waited for (`away` is told).
        """
        certifying = self.key(IssuerRole.CERTIFYING)
        if not watch:
            async with self.signed_in(certifying) as api:
                return await self._approve_waiting(api, certifying, report)
        while True:
            try:
                async with self.signed_in(certifying) as api:
                    while True:
                        await self._approve_waiting(api, certifying, report)
                        await asyncio.sleep(WATCH_S)
            except SignInNeeded:
                continue
            except ServerAway as error:
                away(str(error))
                await asyncio.sleep(AWAY_S)

    async def _approve_waiting(self, api: Api, certifying: SigningKey, report: Callable[[Approval], None]) -> int:
        refused = 0
        for row in (await api.enrolments()).enrolments:
            if row.state is not EnrolmentState.PENDING:
                continue
            approval = enrolment.approve(
                row.request,
                identity=self.identity,
                certifying=certifying,
                records=self.records,
                secret_of=self.secret_of(),
                now=now_s(),
            )
            await self._tell(api, approval)
            report(approval)
            refused += approval.chain is None
        return refused

    async def _tell(self, api: Api, approval: Approval) -> None:
        if approval.chain is None:
            await api.refuse_enrolment(approval.device)
        else:
            await api.push_certificate(approval.chain)

    async def push(self, chain: Chain) -> None:
        async with self.signed_in(self.key(IssuerRole.CERTIFYING)) as api:
            await api.push_certificate(chain)


def _secret(folder: Path, passphrases: Passphrases, token_id: str) -> bytes:
    return issuers.enrolment_secret(folder, token_id, passphrases)
