"""What is known of a device, and by whose word: its certificate under the pinned root, or the server's alone.

A device without a certificate can be reached (its keys come from the server) but is unverified until the customer has
read words of the phrase to the technician.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from protocol.certificates import Chain
from protocol.errors import RemoteProtocolError
from protocol.fields import device_id
from protocol.messages.api import DeviceRow
from protocol.trust import Trust
from technician.problems import Problem

#: `d-` and five characters: shorter beginnings are typing mistakes.
_ID_BEGINNING_CHARS: Final = 7


@dataclass(frozen=True)
class DeviceFacts:
    """`certified`: customer and keys are proven by the organisation. `doubt`: why they are not."""

    device: str
    label: str
    certified: bool
    customer: str | None
    signing_key: bytes | None
    noise_key: bytes | None
    doubt: str = ""


def know_device(row: DeviceRow, trust: Trust, now: int) -> DeviceFacts:
    """Judge what the server says about a device. A broken certificate counts as none and says why."""
    doubt = "it has no certificate yet"
    if row.certificate is not None:
        try:
            return certified_facts(row.certificate, row.device, row.label, trust, now)
        except (RemoteProtocolError, Problem) as error:
            doubt = str(error)
    if row.keys is None or device_id(row.keys.signing) != row.device:
        return DeviceFacts(row.device, row.label, False, None, None, None, doubt)
    return DeviceFacts(row.device, row.label, False, None, row.keys.signing, row.keys.noise, doubt)


def certified_facts(chain: Chain, device: str, label: str, trust: Trust, now: int) -> DeviceFacts:
    """From the device's certificate; RemoteProtocolError when it does not hold or is another device's."""
    body = trust.device(chain, now).body
    if body.device != device:
        raise Problem("the certificate is of another device", expected=device, got=body.device)
    return DeviceFacts(device, label, True, body.customer, body.signing_key, body.noise_key)


def find_device(rows: Iterable[DeviceRow], wanted: str, trust: Trust, now: int) -> DeviceFacts:
    """By id, the beginning of an id, or label; exactly one must fit."""
    rows = list(rows)
    found = (
        [row for row in rows if row.device == wanted]
        or [row for row in rows if row.label == wanted]
        or [row for row in rows if len(wanted) >= _ID_BEGINNING_CHARS and row.device.startswith(wanted)]
    )
    if len(found) != 1:
        raise Problem(
            "no device fits this" if not found else "several devices fit this",
            expected="a device id, its beginning, or its label",
            got=wanted,
            hint="bellpull devices lists those you may visit.",
        )
    return know_device(found[0], trust, now)
