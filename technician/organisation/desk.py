"""The organisation at its server: signing in with the certifying key, approving devices, publishing.

The shell around the pure parts beside it: it opens keys, talks HTTP, and keeps the books in step. A server that has
not heard of a new root is told by `publish`, which signs in as it knows us, shows the rotations, and goes on as we are.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from protocol.certificates import Chain, IssuerRole
from protocol.enrolment import OrganisationLogin
from protocol.fields import root_hash
from protocol.messages.api import DeviceRow, EnrolmentRow, EnrolmentState, TrialRow
from protocol.statements import SigningKey
from technician.api import Api, ServerAway, ServerRefusal, SignInNeeded
from technician.clock import now_s
from technician.keys.passphrase import Passphrases
from technician.organisation import enrolment, issuers, publish
from technician.organisation.certify import holds, newest_in_force, recertify
from technician.organisation.enrolment import Approval
from technician.organisation.issuers import Identity
from technician.organisation.records import CertificateRecord, Records
from technician.organisation.server_pin import PinnedServer, check_server, pin_server, pinned_server
from technician.private_files import private_folder
from technician.problems import Problem

#: How often `approve --watch` looks: a person waits at the new device.
WATCH_S: Final = 2.0
#: A server that is away is asked again this often.
AWAY_S: Final = 10.0


@dataclass(frozen=True)
class Renewed:
    """One certificate signed anew. `trouble`: why the server did not take it."""

    record: CertificateRecord
    chain: Chain
    trouble: str = ""


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

    def reopened(self) -> "Desk":
        """The same folder after root or issuers were replaced in it."""
        return Desk(self.folder, self.records, issuers.read_identity(self.records), self.passphrases)

    def key(self, role: IssuerRole) -> SigningKey:
        return issuers.open_issuer(self.folder, role, self.passphrases, self.identity)

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
                rotations = len(self.identity.left)
                await api.pin(setup_code, self.identity.root_key, issuer, self.identity.name, rotations)
            return pin_server(self.records, info)

    @asynccontextmanager
    async def signed_in(self, certifying: SigningKey) -> AsyncIterator[Api]:
        """At the pinned server, and at no other; it must know our root of now."""
        server = pinned_server(self.records)
        async with Api(server.origin) as api:
            info = await api.server()
            if self.identity.left_root(info.root_key) is not None:
                raise Problem(
                    "the server has not heard of the new root yet",
                    expected=f"root {self.identity.root_hash.hex()[:16]}",
                    got=f"root {root_hash(info.root_key or b'').hex()[:16]}, which was left",
                    hint="Tell it first: bellpull org publish",
                )
            check_server(server, info, self.identity.root_key)
            await self._sign_in(api, certifying, self.identity.root_hash)
            yield api

    async def _sign_in(self, api: Api, certifying: SigningKey, root: bytes) -> None:
        issuer = self.identity.issuers[IssuerRole.CERTIFYING]
        for left in self.identity.left:
            if root_hash(left.root_key) == root:
                issuer = left.certifying
        login = OrganisationLogin(root=root, origin=api.origin, nonce=await api.challenge(), issued_at=now_s())
        api.token = (await api.sign_in_organisation(issuer, certifying.sign(login))).token

    async def publish(self) -> dict[str, int]:
        """Sign everything afresh, keep it, hand it to the server, with every rotation it has not heard of."""
        keys = {role: self.key(role) for role in IssuerRole}
        server = pinned_server(self.records)
        async with Api(server.origin) as api:
            info = await api.server()
            left = self.identity.left_root(info.root_key)
            known = self.identity.root_key if left is None else left.root_key
            check_server(server, info, known)
            await self._sign_in(api, keys[IssuerRole.CERTIFYING], root_hash(known))
            if left is not None:
                documents = publish.make_documents(self.identity, self.records, server, keys, now_s())
                rotations = self.identity.rotations[left.sequence - 1 :]
                await api.push_documents(tuple(document for _, document in documents), rotations)
                await self._sign_in(api, keys[IssuerRole.CERTIFYING], self.identity.root_hash)
            for record in newest_in_force(self.records, now_s()):
                if record.kind == "technician" and holds(record, self.identity.trust, now_s()):
                    await api.push_certificate(record.chain)
            if left is None:
                documents = publish.make_documents(self.identity, self.records, server, keys, now_s())
                await api.push_documents(tuple(document for _, document in documents))
        return self.records.floors()

    async def published(self) -> dict[str, int]:
        """Floor name → the version that the server holds."""
        async with self.signed_in(self.key(IssuerRole.CERTIFYING)) as api:
            return (await api.push_documents(())).versions

    async def trials(self) -> tuple[TrialRow, ...]:
        """What devices counted of known issues on trial, as the server has it."""
        async with self.signed_in(self.key(IssuerRole.CERTIFYING)) as api:
            return (await api.trials()).trials

    async def devices(self) -> tuple[DeviceRow, ...]:
        async with self.signed_in(self.key(IssuerRole.CERTIFYING)) as api:
            return (await api.organisation_devices()).devices

    # --- certificates ------------------------------------------------------------------------------------

    def to_recertify(self, names: Sequence[str]) -> list[CertificateRecord]:
        """Those named; without names all in force that another issuer or root signed than those of now."""
        in_force = newest_in_force(self.records, now_s())
        if not names:
            issuer = self.identity.issuers[IssuerRole.CERTIFYING]
            return [record for record in in_force if record.chain.issuer != issuer]
        found = [record for record in in_force if record.subject in names or record.serial in names]
        missing = set(names) - {record.subject for record in found} - {record.serial for record in found}
        if missing:
            raise Problem(
                "no certificate in force by this name",
                expected="a serial, a technician's name or a device id",
                got=", ".join(sorted(missing)),
                hint="One that is over or revoked is not renewed; certify the request again: bellpull org certify",
            )
        return found

    async def recertify(self, wanted: Sequence[CertificateRecord], seconds: int | None) -> list[Renewed]:
        """Sign each anew and hand it to the server: devices get it at once or when they are back, technicians ask."""
        certifying = self.key(IssuerRole.CERTIFYING)
        renewed = []
        async with self.signed_in(certifying) as api:
            for record in wanted:
                chain = recertify(
                    record,
                    identity=self.identity,
                    certifying=certifying,
                    records=self.records,
                    now=now_s(),
                    seconds=seconds,
                )
                try:
                    await api.push_certificate(chain)
                except SignInNeeded:
                    raise
                except ServerRefusal as error:  # a device that the server no longer knows: the others go on
                    renewed.append(Renewed(record, chain, str(error)))
                else:
                    renewed.append(Renewed(record, chain))
        return renewed

    # --- devices -----------------------------------------------------------------------------------------

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
        refused, retired = 0, False
        rows: tuple[EnrolmentRow, ...] = (await api.enrolments()).enrolments
        for row in rows:
            if row.state is not EnrolmentState.PENDING:
                continue
            approval = enrolment.approve(
                row.request,
                identity=self.identity,
                certifying=certifying,
                records=self.records,
                secret_of=self.secret_of(),
                now=now_s(),
                others=rows,
            )
            await self._tell(api, approval)
            report(approval)
            refused += approval.chain is None
            retired |= any(each.said for each in approval.replaced)
        if retired:
            keys = {IssuerRole.CERTIFYING: certifying}
            revocations = publish.make_documents(
                self.identity, self.records, pinned_server(self.records), keys, now_s()
            )
            await api.push_documents(tuple(document for _, document in revocations))
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
