"""The file an organisation hands a technician: the certificate, the root that proves it, and where the server is.

It travels outside the server. Installing it pins the root: the technician compares the printed fingerprint with the
one the organisation says (on the phone, on paper). Another root later is refused, unless rotations lead there.
"""

from dataclasses import replace
from typing import Literal

from protocol import strict_json
from protocol.certificates import Chain, TechnicianCertificate
from protocol.enrolment import LogName
from protocol.errors import RemoteProtocolError
from protocol.fields import Origin, PersonName, PublicKey
from protocol.statements import Envelope, Verified, VerifyKey
from protocol.strict_json import WireModel
from protocol.trust import Trust, rotation_chain
from technician.keys.technician_keys import TechnicianRequest
from technician.problems import Problem


class _Rooted(WireModel):
    """`root_key`: of now. `first_root_key` and `rotations`: how it came from the one before all rotations."""

    organisation: PersonName
    root_key: PublicKey
    first_root_key: PublicKey | None = None
    rotations: tuple[Envelope, ...] = ()

    def trust(self) -> Trust:
        """The root of now, with those left before it proven by both signatures of each rotation."""
        trust = rotation_chain(VerifyKey(self.first_root_key or self.root_key), self.rotations)
        if trust.root.public != self.root_key:
            raise RemoteProtocolError(
                "the rotations in this file lead to another root than the one it names",
                expected=f"root {VerifyKey(self.root_key).key_id}",
                got=f"root {trust.root.key_id}",
            )
        return trust


class CertificateFile(_Rooted):
    format: Literal["bellpull technician certificate 1"] = "bellpull technician certificate 1"
    chain: Chain
    server_origin: Origin
    log_name: LogName
    log_key: PublicKey


class RootFile(_Rooted):
    """What an auditor is given beforehand: whose word counts, and which key signs the server's log."""

    format: Literal["bellpull root 1"] = "bellpull root 1"
    log_name: LogName | None
    log_key: PublicKey | None


def read_certificate(data: bytes) -> CertificateFile:
    return strict_json.parse(data, CertificateFile, what="technician's certificate file")


def read_root(data: bytes) -> RootFile:
    return strict_json.parse(data, RootFile, what="root file")


def check_certificate(file: CertificateFile, request: TechnicianRequest, now: int) -> Verified[TechnicianCertificate]:
    """The certificate in `file`, once it holds under its root and names exactly the keys of `request`.

    Whether it or its issuer was revoked is not known from a file: every sign-in and visit judges that.
    """
    certificate = replace(file.trust(), floors={}).technician(file.chain, now)
    body = certificate.body
    for what, own, certified in (
        ("signing key", request.signing_key, body.signing_key),
        ("Noise key", request.noise_key, body.noise_key),
        ("age recipient", request.age_recipient, body.age_recipient),
    ):
        if own != certified:
            raise Problem(
                f"this certificate names another {what} than yours",
                expected="the keys made here by bellpull keys init",
                got="others",
                hint="It was made for somebody else, or for keys that were replaced since. Nothing was installed.",
            )
    return certificate
