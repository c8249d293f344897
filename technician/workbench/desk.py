"""What the workbench's pages share: the technician with opened keys, the server kept signed in, the one live visit."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from technician.api import Api, SignInNeeded
from technician.bundles import JudgedBundle
from technician.clock import now_s
from technician.keys.technician_keys import TechnicianKeys
from technician.notes import ReadNote
from technician.sign_in import Technician
from technician.workbench.live import LiveVisit

#: How often newer documents and the log's newest checkpoint are fetched while pages are used.
REFRESH_S: Final = 60
#: A sign-in about to end is renewed before it is used.
SPARE_S: Final = 120


@dataclass
class Desk:
    """One per process. `live`: the visit under way or the last one that ended."""

    technician: Technician
    keys: TechnicianKeys
    live: LiveVisit | None = None
    bundle: tuple[tuple[str, str], JudgedBundle] | None = None  # (ticket, id) of the one last opened
    notes: dict[str, tuple[float, list[ReadNote]]] = field(default_factory=dict)  # by ticket, with when they were read
    _api: Api | None = None
    _expires_at: int = 0
    _refreshed_at: int = 0
    _signing_in: asyncio.Lock = field(default_factory=asyncio.Lock)

    @classmethod
    def open(cls, technician: Technician) -> "Desk":
        """Asks for the passphrase, before any page is served."""
        return cls(technician, technician.keys())

    @asynccontextmanager
    async def server(self) -> AsyncIterator[Api]:
        """The server, signed in; what the organisation published meanwhile is taken now and then."""
        async with self._signing_in:
            api = await self._signed_in()
        try:
            yield api
        except SignInNeeded:
            self._expires_at = 0  # the next page signs in again
            raise

    async def _signed_in(self) -> Api:
        if self._api is None:
            self._api = Api(self.technician.origin)
        now = now_s()
        if now > self._expires_at - SPARE_S:
            self._expires_at = (await self.technician.sign_in(self._api)).expires_at
            self._refreshed_at = now
        elif now > self._refreshed_at + REFRESH_S:
            await self.technician.refresh(self._api)
            self._refreshed_at = now
        return self._api

    async def close(self) -> None:
        api, self._api, self._expires_at = self._api, None, 0
        if api is not None:
            await api.__aexit__(None, None, None)
