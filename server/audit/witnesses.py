"""Keeps each device's newest cosignature. Only certified devices count, under the key in their certificate."""

import asyncio

from sqlalchemy import select

from protocol import strict_json
from protocol.certificates import Chain, DeviceCertificate
from protocol.checkpoints import WitnessVerifier, verify_cosignature
from protocol.messages.api import WitnessLine
from protocol.messages.documents import Cosigned
from protocol.statements import parse_payload
from server.audit.model import cosignatures
from server.audit.store import AuditLog
from server.clock import Clock
from server.devices.model import devices
from server.devices.rules import Device
from server.storage.engine import Database


class WitnessStore:
    def __init__(self, database: Database, log: AuditLog, now: Clock) -> None:
        self._database = database
        self._log = log
        self._now = now
        self.taken = asyncio.Condition()

    async def take(self, device: Device, cosigned: Cosigned) -> bool:
        """Keep a line that verifies and is newer than the last. False: not certified, or not newer.

        Raises RemoteProtocolError when a certified device signed another tree than ours: one of us is wrong.
        """
        if device.certificate is None:
            return False
        checkpoint = self._log.checkpoint_at(cosigned.size)
        if checkpoint is None:
            return False
        # Verified by the organisation's chain when it was stored; here it only names the key.
        key = parse_payload(device.certificate.leaf, DeviceCertificate).witness_key
        verify_cosignature(checkpoint, cosigned.line, WitnessVerifier(device.device, key))
        values = {"size": cosigned.size, "line": cosigned.line, "received_at": self._now()}
        async with self._database.write() as connection:
            insert = self._database.insert(cosignatures).values(device=device.device, **values)
            done = await connection.execute(
                insert.on_conflict_do_update(
                    index_elements=["device"], set_=values, where=cosignatures.c.size <= cosigned.size
                )
            )
            taken = bool(done.rowcount == 1)
        async with self.taken:
            self.taken.notify_all()
        return taken

    async def size_of(self, device: str) -> int:
        """The largest tree a device has cosigned; 0 when none."""
        async with self._database.read() as connection:
            query = select(cosignatures.c.size).where(cosignatures.c.device == device)
            return int(await connection.scalar(query) or 0)

    async def lines(self) -> tuple[WitnessLine, ...]:
        """Every certified device's newest line."""
        query = (
            select(cosignatures.c.device, cosignatures.c.size, cosignatures.c.line, devices.c.certificate)
            .join(devices, devices.c.device == cosignatures.c.device)
            .where(devices.c.certificate.is_not(None))
            .order_by(cosignatures.c.size.desc(), cosignatures.c.device)
        )
        async with self._database.read() as connection:
            return tuple(
                WitnessLine(
                    device=row.device,
                    certificate=strict_json.parse(row.certificate.encode(), Chain, what="certificate"),
                    size=row.size,
                    line=row.line,
                )
                for row in await connection.execute(query)
            )
