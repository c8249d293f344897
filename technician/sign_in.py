"""A technician at the server: who they are, what they trust, and a session token that saves typing the passphrase.

    Technician.open(home)      certificate and trust, no private key yet
      .keys()                  asks for the passphrase, once
      .signed_in()             the cached token, or a fresh login with the signing key
      .refresh(api)            newer documents and the newest checkpoint, each verified

The token opens what the server shows to this technician anyway; it signs nothing and opens nothing sealed.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

from protocol import strict_json
from protocol.certificates import Chain, TechnicianCertificate
from protocol.checkpoints import LogVerifier
from protocol.enrolment import TechnicianLogin
from protocol.errors import RemoteProtocolError
from protocol.fields import Origin, UnixSeconds
from protocol.messages.api import BearerToken
from protocol.statements import Verified
from protocol.strict_json import WireModel
from protocol.trust import ForkedDocumentError
from technician.api import Api, SignInNeeded
from technician.audit.checkpoints import follow_checkpoint
from technician.certificate_file import CertificateFile, read_certificate
from technician.clock import now_s
from technician.home import Home
from technician.keys.passphrase import Passphrases
from technician.keys.technician_keys import TechnicianKeys, open_keys
from technician.private_files import read_private, write_private
from technician.trust_store import TrustStore

#: A token about to end would end in the middle of what it is used for.
_TOKEN_SPARE_S = 60


class SavedSignIn(WireModel):
    format: Literal["bellpull sign-in 1"] = "bellpull sign-in 1"
    origin: Origin
    token: BearerToken
    expires_at: UnixSeconds


@dataclass
class Technician:
    """One technician's folder, opened. Private keys stay shut until something has to be signed or unsealed."""

    home: Home
    file: CertificateFile
    store: TrustStore
    passphrases: Passphrases
    doubts: list[str] = field(default_factory=list)  # about documents the server offered and we did not take
    _keys: TechnicianKeys | None = field(default=None, repr=False)

    @classmethod
    def open(cls, home: Home, passphrases: Passphrases) -> "Technician":
        hint = "Give request.json to the organisation, then: bellpull keys install CERTIFICATE"
        file = read_certificate(read_private(home.certificate, what="technician's certificate", hint=hint))
        return cls(home, file, TrustStore.open(home), passphrases)

    @property
    def origin(self) -> str:
        return self.file.server_origin

    @property
    def chain(self) -> Chain:
        return self.file.chain

    def certificate(self, now: int) -> Verified[TechnicianCertificate]:
        """Our own certificate as the pinned root proves it now: expired or revoked ones raise."""
        return self.store.trust.technician(self.file.chain, now)

    def log(self) -> LogVerifier:
        """The log's key: from the organisation's newest policy, else from the certificate file. Never the server's."""
        policy = self.store.trust.policy()
        if policy is not None:
            return LogVerifier(policy.log_name, policy.log_key)
        return LogVerifier(self.file.log_name, self.file.log_key)

    def keys(self) -> TechnicianKeys:
        if self._keys is None:
            self._keys = open_keys(self.home, self.passphrases)
        return self._keys

    @asynccontextmanager
    async def signed_in(self) -> AsyncIterator[Api]:
        async with Api(self.origin) as api:
            saved = self._saved()
            if saved is None:
                await self.sign_in(api)
            else:
                api.token = saved.token
                try:
                    await self.refresh(api)
                except SignInNeeded:
                    await self.sign_in(api)
            yield api

    async def sign_in(self, api: Api) -> SavedSignIn:
        """A fresh login; the token is kept in a file of mode 0600."""
        certificate = self.certificate(now_s()).body
        statement = self.keys().sign(
            TechnicianLogin(
                serial=certificate.serial,
                root=certificate.root,
                origin=self.origin,
                nonce=await api.challenge(),
                issued_at=now_s(),
            )
        )
        answer = await api.sign_in_technician(self.chain, statement)
        saved = SavedSignIn(origin=self.origin, token=answer.token, expires_at=answer.expires_at)
        write_private(self.home.sign_in, strict_json.dump(saved))
        api.token = saved.token
        await self.refresh(api)
        return saved

    async def refresh(self, api: Api) -> None:
        """Take newer documents and the log's newest checkpoint. A split view or a forked document raises."""
        now = now_s()
        for document in (await api.documents()).documents:
            try:
                self.store.accept(document, now)
            except ForkedDocumentError:
                raise  # two truths under one issuer key: nothing of this server is used until somebody looked
            except RemoteProtocolError as error:
                # Older than ours, expired, or not the organisation's: what we hold stays in force.
                self.doubts.append(str(error))
        await follow_checkpoint(api, self.store, self.log(), now)

    def _saved(self) -> SavedSignIn | None:
        if not self.home.sign_in.exists():
            return None
        data = read_private(self.home.sign_in, what="sign-in token")
        try:
            saved = strict_json.parse(data, SavedSignIn, what="sign-in token")
        except RemoteProtocolError:
            return None  # of an older version of this program: sign in again
        current = saved.origin == self.origin and saved.expires_at > now_s() + _TOKEN_SPARE_S
        return saved if current else None
