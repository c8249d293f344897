"""Uploads: granted on the link, carried over HTTP, resumed after any cut.

The offset in the database is the truth and is raised only after the file was flushed: what an agent was told is stored,
is stored, also after a power cut. A complete file's SHA-256 must be the announced one, or the upload starts anew.
"""

import asyncio
import hmac
from collections.abc import Set
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, select, update

from protocol.limits import UPLOAD_TOKEN_S
from protocol.messages.api import BundleRow
from protocol.messages.uploads import UploadGranted, UploadRefused, UploadRequest
from server.bundles.files import BundleFiles
from server.bundles.model import bundles
from server.bundles.rules import AGE_HEADER, Upload, fault_of_chunk, starts_like_ciphertext
from server.clock import Clock
from server.devices.model import devices
from server.logs import log
from server.refusal import Refusal, not_found
from server.storage.engine import Database
from server.tickets.store import TicketStore
from server.tokens import new_token, token_hash

_DAY_S = 86_400
#: An unfinished upload is kept this long: a laptop on a journey goes on where it stopped.
ABANDONED_S = 14 * _DAY_S


class BundleStore:
    def __init__(
        self, database: Database, now: Clock, directory: Path, tickets: TicketStore, *, a_day_max: int, bytes_max: int
    ) -> None:
        self._database = database
        self._now = now
        self._tickets = tickets
        self._a_day_max = a_day_max
        self._bytes_max = bytes_max
        self.files = BundleFiles(directory)
        self._busy: dict[str, asyncio.Lock] = {}

    async def grant(self, device: str, request: UploadRequest) -> UploadGranted | UploadRefused:
        """A token for this one blob. Asking again about the same blob goes on where it stopped."""
        token, now = new_token(), self._now()
        fresh = {"token_hash": token_hash(token), "token_expires_at": now + UPLOAD_TOKEN_S}
        async with self._database.write() as connection:
            ticket = await self._tickets.resolve(connection, request.ticket)
            if ticket is None or ticket.device != device:
                return UploadRefused(id=request.id, reason="there is no such ticket of this device")
            known = (await connection.execute(select(bundles).where(bundles.c.id == request.id))).one_or_none()
            if known is None:
                if reason := await self._over_cap(connection, device, request.size_bytes):
                    return UploadRefused(id=request.id, reason=reason)
                await connection.execute(
                    bundles.insert().values(
                        id=request.id,
                        device=device,
                        ticket=ticket.ticket,
                        case_id=request.case,
                        size_bytes=request.size_bytes,
                        sha256=request.sha256,
                        offset_bytes=0,
                        complete=False,
                        asked_at=now,
                        **fresh,
                    )
                )
            elif (known.device, known.size_bytes, known.sha256) != (device, request.size_bytes, request.sha256):
                return UploadRefused(id=request.id, reason="this id is in use for another upload")
            else:
                await connection.execute(update(bundles).where(bundles.c.id == request.id).values(**fresh))
        return UploadGranted(id=request.id, path=f"/uploads/{request.id}", token=token, expires_at=now + UPLOAD_TOKEN_S)

    async def open(self, upload: str, token: str) -> Upload:
        """The upload that `token` is for; 404 for an unknown one, 401 for a wrong or expired token."""
        found = await self._get(upload)
        if found is None:
            raise not_found("upload")
        right = hmac.compare_digest(found.token_hash, token_hash(token))
        if not right or self._now() > found.token_expires_at:
            raise Refusal(
                401,
                "this upload token is not valid",
                expected=f"the token of upload-granted for this upload, within {UPLOAD_TOKEN_S} s",
                hint="Ask again on the link: upload-request with the same id goes on where it stopped.",
            )
        return found

    async def write(self, upload: str, offset_bytes: int, chunk: bytes) -> Upload:
        """Store one chunk. A wrong offset is answered 409 with the true one."""
        async with self._busy.setdefault(upload, asyncio.Lock()):
            current = await self._get(upload)
            if current is None:
                raise not_found("upload")
            if offset_bytes != current.offset_bytes:
                raise WrongOffset(current)
            if fault := fault_of_chunk(current, chunk):
                raise Refusal(422, fault, got=f"{len(chunk)} bytes at {offset_bytes}")
            try:
                await asyncio.to_thread(self.files.write_at, upload, offset_bytes, chunk)
            except OSError as error:
                log.error("bundle-not-written", what=error.strerror or "")
                raise Refusal(
                    507, "the server could not store this chunk", hint="Nothing is lost: send it again later."
                ) from None
            reached = offset_bytes + len(chunk)
            if reached < current.size_bytes:
                await self._set(upload, offset_bytes=reached)
            else:
                await self._finish(current)
        self._busy.pop(upload, None)
        done = await self._get(upload)
        if done is None:
            raise not_found("upload")
        return done

    async def _finish(self, upload: Upload) -> None:
        digest = await asyncio.to_thread(self.files.digest, upload.id)
        head = await asyncio.to_thread(self.files.head, upload.id, len(AGE_HEADER))
        if digest != upload.sha256 or not (starts_like_ciphertext(head) and len(head) == len(AGE_HEADER)):
            await asyncio.to_thread(self.files.discard, upload.id)
            await self._set(upload.id, offset_bytes=0)
            raise Refusal(
                422,
                "the bundle is not the one that was announced",
                expected=f"an age file with sha256 {upload.sha256.hex()}",
                got=f"sha256 {digest.hex()}",
                hint="It was damaged on its way: send it again from its beginning.",
            )
        await asyncio.to_thread(self.files.finish, upload.id)
        await self._set(upload.id, offset_bytes=upload.size_bytes, complete=True, completed_at=self._now())

    async def recover(self) -> None:
        """At start: a file that got its final name before its row was marked is complete."""
        async with self._database.read() as connection:
            unfinished = (await connection.execute(select(bundles).where(~bundles.c.complete))).all()
        for row in unfinished:
            if self.files.whole(row.id).exists() and self.files.digest(row.id) == row.sha256:
                await self._set(row.id, offset_bytes=row.size_bytes, complete=True, completed_at=self._now())

    async def sweep(self) -> None:
        """Give up uploads that nobody went on with."""
        async with self._database.write() as connection:
            old = bundles.c.asked_at < self._now() - ABANDONED_S
            stale = list((await connection.execute(select(bundles.c.id).where(~bundles.c.complete, old))).scalars())
            await connection.execute(delete(bundles).where(bundles.c.id.in_(stale[:500])))
        for upload in stale[:500]:
            await asyncio.to_thread(self.files.discard, upload)

    # --- reading -------------------------------------------------------------------------------------------

    async def of_ticket(self, ticket: str) -> tuple[BundleRow, ...]:
        query = select(bundles).where(bundles.c.ticket == ticket).order_by(bundles.c.asked_at)
        async with self._database.read() as connection:
            return tuple(
                BundleRow(
                    id=row.id,
                    sha256=row.sha256,
                    size_bytes=row.size_bytes,
                    complete=row.complete,
                    at=row.completed_at or row.asked_at,
                )
                for row in await connection.execute(query)
            )

    async def complete_file(self, upload: str, customers: Set[str]) -> Path | None:
        """The file of a complete bundle of a device of `customers`."""
        query = select(bundles.c.complete, devices.c.state, devices.c.customer, devices.c.asked_customer).join(
            devices, devices.c.device == bundles.c.device
        )
        async with self._database.read() as connection:
            row = (await connection.execute(query.where(bundles.c.id == upload))).one_or_none()
        if row is None or not row.complete:
            return None
        owner = row.customer if row.state == "approved" else row.asked_customer if row.state == "pending" else None
        return self.files.whole(upload) if owner in customers else None

    async def _over_cap(self, connection: Any, device: str, size_bytes: int) -> str:
        own = bundles.c.device == device
        held = await connection.scalar(select(func.sum(bundles.c.size_bytes)).where(own))
        if (held or 0) + size_bytes > self._bytes_max:
            return f"this device keeps {self._bytes_max} bytes of bundles here already"
        recent = await connection.scalar(
            select(func.count()).select_from(bundles).where(own, bundles.c.asked_at > self._now() - _DAY_S)
        )
        return f"at most {self._a_day_max} bundles a day" if (recent or 0) >= self._a_day_max else ""

    async def _get(self, upload: str) -> Upload | None:
        async with self._database.read() as connection:
            row = (await connection.execute(select(bundles).where(bundles.c.id == upload))).one_or_none()
        if row is None:
            return None
        return Upload(
            id=row.id,
            device=row.device,
            ticket=row.ticket,
            size_bytes=row.size_bytes,
            sha256=row.sha256,
            offset_bytes=row.offset_bytes,
            complete=row.complete,
            token_hash=row.token_hash,
            token_expires_at=row.token_expires_at,
        )

    async def _set(self, upload: str, **values: object) -> None:
        async with self._database.write() as connection:
            await connection.execute(update(bundles).where(bundles.c.id == upload).values(**values))


class WrongOffset(Exception):
    """The chunk does not follow what is stored; `upload` says how much is."""

    def __init__(self, upload: Upload) -> None:
        super().__init__(upload.id)
        self.upload = upload
