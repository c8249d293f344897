"""Who this device is: its keys, and the organisation it answers to. Read from the state folder, never changed here.

identity/signing.key   Ed25519: login, tickets, grants, receipts
identity/noise.key     X25519: sessions
identity/witness.key   Ed25519: cosigns checkpoints only
identity/secret.key    pseudonyms of this device
identity/keys.check    what the four key files must hash to: a flipped bit would else be another device
identity/enrolment.json  the signed token that was used (without its secret): root, origin, customer, log, floors
"""

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from agent.identity.key_files import read_key, read_or_make_key, read_private, write_private
from agent.refusal import Refusal
from protocol import strict_json
from protocol.certificates import Chain, IssuerCertificate, OrganisationPolicy
from protocol.checkpoints import LogVerifier, WitnessKey
from protocol.enrolment import DeviceKeys, EnrolmentToken
from protocol.fields import device_id, sha256
from protocol.statements import SigningKey, VerifyKey, parse_payload, verify

KEY_NAMES: Final = ("signing", "noise", "witness", "secret")
_ENROLMENT_MAX_BYTES: Final = 64 * 1024
_KEYS_CHECK: Final = "keys.check"


@dataclass(frozen=True)
class DeviceSecrets:
    """The private halves, as they lie in the files."""

    signing: SigningKey
    noise_raw: bytes = field(repr=False)
    witness: WitnessKey
    secret: bytes = field(repr=False)

    @property
    def device(self) -> str:
        return device_id(self.signing.public)

    def public(self) -> DeviceKeys:
        return DeviceKeys(
            signing=self.signing.public,
            noise=X25519PrivateKey.from_private_bytes(self.noise_raw).public_key().public_bytes_raw(),
            witness=self.witness.verifier.public_key,
        )


def device_secrets(folder: Path, *, make: bool) -> DeviceSecrets | None:
    """The keys of the folder; made when absent and `make` says so. All of them or none."""
    read = read_or_make_key if make else read_key
    found = {name: read(folder / f"{name}.key") for name in KEY_NAMES}
    signing, noise, witness, secret = (found[name] for name in KEY_NAMES)
    if signing is None or noise is None or witness is None or secret is None:
        return None
    key = SigningKey(signing)
    return DeviceSecrets(
        signing=key,
        noise_raw=noise,
        witness=WitnessKey.from_raw(device_id(key.public), witness),
        secret=secret,
    )


@dataclass(frozen=True)
class Identity:
    """An enrolled device. `customer_hint`: what the token said; the customer that counts stands in the certificate."""

    device: str
    signing: SigningKey
    noise_raw: bytes = field(repr=False)
    witness: WitnessKey
    secret: bytes = field(repr=False)
    origin: str
    organisation: str
    customer_hint: str
    log_name: str
    log_verifier: LogVerifier
    root_key: VerifyKey
    token: EnrolmentToken

    @cached_property
    def noise(self) -> X25519PrivateKey:
        """The key of sessions, made at the first visit: for X25519 alone `cryptography` loads 0.6 MB of bindings."""
        return X25519PrivateKey.from_private_bytes(self.noise_raw)

    @classmethod
    def load(cls, folder: Path) -> Self | None:
        """The identity in `folder`, or None when this device is not enrolled. Refuses half an identity."""
        _finish_taking_place(folder)
        stored = read_private(folder / "enrolment.json", max_bytes=_ENROLMENT_MAX_BYTES + 1)
        if stored is None:
            return None
        token = _read_enrolment(stored)
        secrets = device_secrets(folder, make=False)
        if secrets is None:
            raise Refusal(
                "this device is enrolled, but its keys are not there",
                expected=", ".join(f"{name}.key" for name in KEY_NAMES) + f" in {folder}",
                got="at least one is missing",
                hint="Restore the state folder from a backup, or start with an empty one and a new token.",
            )
        _check_keys(folder)
        return cls.of(secrets, token)

    @classmethod
    def of(cls, secrets: DeviceSecrets, token: EnrolmentToken) -> Self:
        return cls(
            device=secrets.device,
            signing=secrets.signing,
            noise_raw=secrets.noise_raw,
            witness=secrets.witness,
            secret=secrets.secret,
            origin=token.server_origin,
            organisation=token.organisation,
            customer_hint=token.customer,
            log_name=token.log_name,
            log_verifier=LogVerifier(token.log_name, token.log_key),
            root_key=VerifyKey(token.root_key),
            token=token,
        )

    def following(self, policy: OrganisationPolicy | None) -> Self:
        """The same device where the organisation's signed policy says the server and its log are now.

        The organisation's newest word counts: a device that was enrolled anew after that policy follows its token.
        """
        if policy is None or policy.issued_at < self.token.issued_at:
            return self
        return replace(
            self,
            origin=policy.server_origin,
            log_name=policy.log_name,
            log_verifier=LogVerifier(policy.log_name, policy.log_key),
        )

    def pseudonym(self, instance: str) -> str:
        """16 hex digits for `disk:/home/anna`: a server can tell two apart, and no more."""
        import hashlib
        import hmac

        return hmac.digest(self.secret, b"bellpull instance v1\0" + instance.encode(), hashlib.sha256).hex()[:16]


def next_identity(folder: Path) -> Path:
    """Where new keys are made while those in `folder` still count."""
    return folder.with_name(f"{folder.name}.next")


def take_place(folder: Path, device: str) -> None:
    """The enrolled identity beside `folder` takes its place; the one of `device` is kept under its name."""
    try:
        folder.replace(folder.with_name(f"{folder.name}.was-{device}"))
        next_identity(folder).replace(folder)
    except OSError as error:
        raise Refusal(
            "the new keys could not take the place of the old ones",
            expected=f"a folder {folder.parent} that can be written",
            got=error.strerror or str(error),
            hint="Run the command again.",
        ) from error


def _finish_taking_place(folder: Path) -> None:
    """A stop between the two steps of `take_place` left no identity and a complete one beside it."""
    new = next_identity(folder)
    if (folder / "enrolment.json").exists() or not (new / "enrolment.json").exists():
        return
    if folder.exists():
        if any(folder.iterdir()):
            return  # keys of an enrolment that has not ended: not ours to throw away
        folder.rmdir()
    new.replace(folder)


def keep_enrolment(folder: Path, chain: Chain) -> None:
    """The last step of enrolment: from here on this device answers to the root in the token, and to no other."""
    write_private(folder / _KEYS_CHECK, _check_lines(folder))
    write_private(folder / "enrolment.json", strict_json.dump(chain))


def _check_lines(folder: Path) -> bytes:
    """`signing 3f0a…` and so on. Each key is 256 random bits: its hash helps nobody to find it."""
    lines = []
    for name in KEY_NAMES:
        key = read_key(folder / f"{name}.key")
        lines.append(f"{name} {'' if key is None else sha256(key).hex()}\n")
    return "".join(lines).encode()


def _check_keys(folder: Path) -> None:
    """Refusal when a key file is not what it was at the enrolment. Enrolments of older versions kept no check."""
    kept = read_private(folder / _KEYS_CHECK, max_bytes=_ENROLMENT_MAX_BYTES)
    if kept is None:
        return
    now = _check_lines(folder)
    if now == kept:
        return
    was = kept.decode("utf-8", "replace").splitlines()
    changed = [line.partition(" ")[0] for line in now.decode().splitlines() if line not in was]
    raise Refusal(
        "the keys of this device are damaged",
        expected="key files as they were when this device was enrolled",
        got=f"another {', '.join(changed)}.key" if changed else f"another {_KEYS_CHECK}",
        hint=f"Restore {folder} from a backup, or enrol this device anew with an empty state folder.",
    )


def _read_enrolment(stored: bytes) -> EnrolmentToken:
    """The token as it was accepted. Its signatures are checked again (a flipped bit must not move the pin);
    its end is not: it was used in time."""
    chain = strict_json.parse(stored, Chain, what="enrolment.json", max_bytes=_ENROLMENT_MAX_BYTES)

    claimed = parse_payload(chain.leaf, EnrolmentToken)
    issuer = verify(chain.issuer, IssuerCertificate, VerifyKey(claimed.root_key)).body
    return verify(chain.leaf, EnrolmentToken, VerifyKey(issuer.key)).body
