"""Tells connected devices of new checkpoints, so that they can witness them. Coalesced: a burst is one message."""

import asyncio

from protocol.messages.documents import NewCheckpoint
from server.audit.store import AuditLog
from server.link.hub import Connection, Hub

#: A visit writes several entries a second; a witness needs only the newest.
COALESCE_S = 2.0


class Announcer:
    def __init__(self, log: AuditLog, hub: Hub) -> None:
        self._log = log
        self._hub = hub

    async def run(self) -> None:
        while True:
            await self._log.changed.wait()
            self._log.changed.clear()
            for at, connection in enumerate(self._hub):
                self.tell(connection)
                if at % 100 == 99:
                    await asyncio.sleep(0)
            # Each announcement costs every device a signature: a large fleet hears less often.
            await asyncio.sleep(max(COALESCE_S, len(self._hub) / 200))

    def announce(self) -> None:
        """To every connected device that has not heard of the newest tree."""
        for connection in self._hub:
            self.tell(connection)

    def tell(self, connection: Connection) -> None:
        """The newest checkpoint, with the proof from the tree this device cosigned last."""
        if connection.announced_size == self._log.size:
            return
        connection.announced_size = self._log.size
        size = connection.cosigned_size
        connection.push(NewCheckpoint(note=self._log.note, from_size=size, consistency=self._log.consistency(size)))
