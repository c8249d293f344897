"""A technician at the server: who they are, what they trust, and a session token that saves typing the passphrase.

    Technician.open(home)      certificate and trust, no private key yet
      .keys()                  asks for the passphrase, once
      .signed_in()             the cached token, or a fresh login with the signing key
      .refresh(api)            newer documents and the newest checkpoint, each verified
      .renew(api)              a newer certificate for these very keys, and the root where it is now

The token opens what the server shows to this technician anyway; it signs nothing and opens nothing sealed.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Literal

from protocol import strict_json
from protocol.certificates import Chain, TechnicianCertificate
from protocol.checkpoints import LogVerifier
from protocol.enrolment import TechnicianLogin
from protocol.errors import RemoteProtocolError
from protocol.fields import Origin, UnixSeconds
from protocol.messages.api import BearerToken
from protocol.statements import Envelope, Verified, parse_payload
from protocol.strict_json import WireModel
from protocol.trust import ForkedDocumentError
from technician.api import Api, ServerAway, SignInNeeded
from technician.audit.checkpoints import follow_checkpoint
from technician.certificate_file import CertificateFile, check_certificate, read_certificate
from technician.clock import now_s
from technician.home import Home
from technician.keys.passphrase import Passphrases
from technician.keys.technician_keys import TechnicianKeys, open_keys
from technician.private_files import read_private, write_private
from technician.problems import Problem
from technician.trust_store import TrustStore

#: Enough to reach somebody who certifies, over a weekend and a holiday.
_WARN_BEFORE_S: Final = 14 * 86_400
_RENEW_BEFORE_S: Final = 7 * 86_400
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

    def now(self) -> int:
        """By this computer's clock, and never before what the organisation's documents have shown to be past."""
        return self.store.now(now_s())

    @property
    def certificate_body(self) -> TechnicianCertificate:
        """What our certificate says. Verified when it was installed; `certificate` says whether it still holds."""
        return parse_payload(self.chain.leaf, TechnicianCertificate)

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
        """A fresh login; the token is kept in a file of mode 0600. A certificate about to end is renewed if it can be.

        Renewal goes first also when ours no longer holds: the organisation may have moved its root or its issuer.
        """
        if self.needs_renewal(self.now()):
            await self._renewed(api)
        certificate = self.certificate(self.now()).body
        try:
            answer = await api.sign_in_technician(self.chain, await self._login(api, certificate))
        except SignInNeeded:
            # The server knows of a new root or issuer that we have not heard of.
            if not await self._renewed(api):
                raise
            answer = await api.sign_in_technician(self.chain, await self._login(api, self.certificate(self.now()).body))
        saved = SavedSignIn(origin=self.origin, token=answer.token, expires_at=answer.expires_at)
        write_private(self.home.sign_in, strict_json.dump(saved))
        api.token = saved.token
        await self.refresh(api)
        return saved

    async def _renewed(self, api: Api) -> bool:
        """`renew`, where a server that has nothing for us, or something that does not hold, is only doubted."""
        try:
            return await self.renew(api)
        except ForkedDocumentError:
            raise
        except (Problem, RemoteProtocolError) as error:
            if isinstance(error, ServerAway):
                raise
            self.doubts.append(f"no newer certificate: {error}")
            return False

    async def _login(self, api: Api, certificate: TechnicianCertificate) -> Envelope:
        return self.keys().sign(
            TechnicianLogin(
                serial=certificate.serial,
                root=certificate.root,
                origin=self.origin,
                nonce=await api.challenge(),
                issued_at=self.now(),
            )
        )

    def needs_renewal(self, now: int) -> bool:
        """Whether it no longer holds, or its last tenth (a week at most) has begun: time to ask for the next."""
        body = self.certificate_body
        try:
            self.certificate(now)
        except RemoteProtocolError:
            return True
        return body.not_after - now < min(_RENEW_BEFORE_S, (body.not_after - body.not_before) // 10)

    def expiry(self, now: int) -> str:
        """What to tell the technician about their certificate's end; empty while it is far."""
        body = self.certificate_body
        left_s = body.not_after - now
        if left_s >= min(_WARN_BEFORE_S, (body.not_after - body.not_before) // 3):
            return ""
        if left_s <= 0:
            return "Your certificate has expired. Ask for a new one: bellpull keys renew"
        days, hours = divmod(left_s // 3600, 24)
        span = f"{days * 24 + hours} hours" if left_s >= 7200 else f"{left_s // 60} minutes"
        if days >= 2:
            span = f"{days} days"
        return f"Your certificate expires in {span}. Ask for a new one: bellpull keys renew"

    async def renew(self, api: Api) -> bool:
        """Follow the root, and take the newest certificate for our own keys. True when it is another than before.

        The certificate is proven under the root we have followed to, and must name exactly our keys: the server can
        withhold it, and nothing else.
        """
        answer = await api.renewal(await self._login(api, self.certificate_body))
        self.store.follow(answer.rotations, self.now())
        if answer.issuers is not None:
            self.store.accept(answer.issuers, self.now())
        if answer.chain is None or answer.chain == self.chain:
            return False
        trust = self.store.trust
        trust.technician(answer.chain, self.now())
        file = self.file.model_copy(
            update={
                "root_key": trust.root.public,
                "first_root_key": trust.roots[-1].public,
                "rotations": tuple(left.rotation for left in trust.left),
                "chain": answer.chain,
            }
        )
        check_certificate(file, self.keys().request(self.certificate_body.name, self.now()), self.now())
        if parse_payload(answer.chain.leaf, TechnicianCertificate).not_before < self.certificate_body.not_before:
            return False  # an older one than ours
        write_private(self.home.certificate, strict_json.dump(file))
        self.file = file
        return True

    async def refresh(self, api: Api) -> None:
        """Follow the root, take newer documents and the log's newest checkpoint. A split view or a fork raises."""
        now = self.now()
        offered = await api.documents()
        self.store.follow(offered.rotations, now)
        for document in sorted(offered.documents, key=lambda each: each.issuer is not None):
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
        current = saved.origin == self.origin and saved.expires_at > self.now() + _TOKEN_SPARE_S
        return saved if current else None
