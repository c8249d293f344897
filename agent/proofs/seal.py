"""Sealing a copy to the organisation: age, to the recipients its content issuer has signed, and to nobody else."""

from agent.identity.trust_store import TrustStore


def seal_to_organisation(data: bytes, trust: TrustStore, now: int) -> bytes | None:
    """`data` sealed to the recipients in force; None when there are none, and then nothing is sent."""
    recipients = trust.trust.recipients(now)
    if recipients is None:
        return None
    import pyrage  # only needed at the end of a visit

    keys = [pyrage.x25519.Recipient.from_str(recipient.age) for recipient in recipients.recipients]
    sealed: bytes = pyrage.encrypt(data, keys)
    return sealed
