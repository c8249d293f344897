"""Keeps enrolment requests and certificates; says who is who. Certificates arrive verified."""

import json
from collections.abc import Iterable, Mapping, Set
from typing import Any

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from protocol import strict_json
from protocol.certificates import Chain, DeviceCertificate
from protocol.enrolment import EnrolmentRequest, EnrolmentToken
from protocol.messages.api import DeviceTrust, EnrolmentRow, EnrolmentState
from server.clock import Clock
from server.devices.model import device_trust, devices, used_tokens
from server.devices.rules import Device
from server.refusal import Refusal, not_found
from server.storage.engine import Database


class DeviceStore:
    def __init__(self, database: Database, now: Clock, *, pending_max: int) -> None:
        self._database = database
        self._now = now
        self._pending_max = pending_max

    async def enrol(self, request: EnrolmentRequest, token: EnrolmentToken) -> bool:
        """Keep a request whose token was proven. True when it is new; False when the same was said before."""
        device = request.keys.device
        async with self._database.write() as connection:
            used_by = await connection.scalar(
                select(used_tokens.c.device).where(used_tokens.c.token_id == token.token_id)
            )
            known = await self._get(connection, device)
            same_keys = known is not None and known.request.keys == request.keys
            if used_by is not None and not (used_by == device and same_keys):
                raise Refusal(
                    409,
                    "this enrolment token was used already",
                    expected="a token that no other device has used",
                    hint="Ask the support organisation for a new one: bellpull org enrol-token --customer NAME",
                )
            if known is not None and not same_keys:
                raise Refusal(409, "this device has enrolled with other keys", hint="Remove its state and enrol anew.")
            if used_by is not None:
                return False
            if known is None:
                await self._check_room(connection)
                await connection.execute(devices.insert().values(device=device, **self._row(request, token)))
            elif known.state is not EnrolmentState.APPROVED:
                changed = self._row(request, token)
                await connection.execute(update(devices).where(devices.c.device == device).values(**changed))
            await connection.execute(
                used_tokens.insert().values(token_id=token.token_id, device=device, used_at=self._now())
            )
            return True

    async def get(self, device: str) -> Device | None:
        async with self._database.read() as connection:
            return await self._get(connection, device)

    async def require(self, device: str, customers: Set[str] | None = None) -> Device:
        """The device, or 404: also when it belongs to none of `customers`."""
        found = await self.get(device)
        if found is None or (customers is not None and not found.visible_to(customers)):
            raise not_found("device")
        return found

    async def visible(self, customers: Set[str] | None, *, limit: int = 10_000) -> tuple[Device, ...]:
        """All devices, or those of `customers`, by label."""
        query = select(devices).order_by(devices.c.label, devices.c.device).limit(limit)
        if customers is not None:
            names = sorted(customers)
            query = query.where(
                or_(
                    and_(devices.c.state == EnrolmentState.APPROVED, devices.c.customer.in_(names)),
                    and_(devices.c.state == EnrolmentState.PENDING, devices.c.asked_customer.in_(names)),
                )
            )
        async with self._database.read() as connection:
            return tuple(_device(row) for row in await connection.execute(query))

    async def enrolments(self, state: EnrolmentState | None = None) -> tuple[EnrolmentRow, ...]:
        query = select(devices.c.request, devices.c.received_at, devices.c.state, devices.c.last_seen).order_by(
            devices.c.received_at
        )
        if state is not None:
            query = query.where(devices.c.state == state)
        async with self._database.read() as connection:
            return tuple(
                EnrolmentRow(
                    request=EnrolmentRequest.model_validate_json(row.request),
                    received_at=row.received_at,
                    state=EnrolmentState(row.state),
                    last_seen=row.last_seen,
                )
                for row in await connection.execute(query)
            )

    async def successors(self, wanted: Iterable[str]) -> dict[str, str]:
        """Device → the approved one that the same machine became when its keys were made anew."""
        query = (
            select(devices.c.replaces, devices.c.device)
            .where(devices.c.replaces.in_(sorted(wanted)), devices.c.state == EnrolmentState.APPROVED)
            .order_by(devices.c.received_at)
        )
        async with self._database.read() as connection:
            return {row.replaces: row.device for row in await connection.execute(query)}

    async def trusts(self, wanted: Iterable[str]) -> dict[str, DeviceTrust]:
        """What these devices last said they trust; those that never said anything are absent."""
        query = select(device_trust).where(device_trust.c.device.in_(sorted(wanted)))
        async with self._database.read() as connection:
            return {
                row.device: DeviceTrust(root=row.root, versions=json.loads(row.versions), at=row.at)
                for row in await connection.execute(query)
            }

    async def trusting(
        self, connection: AsyncConnection, device: str, root: bytes | None, versions: Mapping[str, int], at: int
    ) -> None:
        """What a device says it trusts, inside the batch writer's transaction."""
        values = {"device": device, "root": root, "versions": json.dumps(dict(versions), sort_keys=True), "at": at}
        insert = self._database.insert(device_trust).values(**values)
        await connection.execute(insert.on_conflict_do_update(index_elements=["device"], set_=values))

    async def check_certificate(self, body: DeviceCertificate) -> None:
        """Its keys must be those the device enrolled with."""
        keys = (await self.require(body.device)).request.keys
        if (body.signing_key, body.noise_key, body.witness_key) != (keys.signing, keys.noise, keys.witness):
            raise Refusal(409, "the certificate names other keys than the device enrolled with", hint="Approve anew.")

    async def certify(self, chain: Chain, body: DeviceCertificate) -> None:
        """Keep a certificate that the caller verified and checked."""
        async with self._database.write() as connection:
            await connection.execute(
                update(devices)
                .where(devices.c.device == body.device)
                .values(
                    state=EnrolmentState.APPROVED,
                    customer=body.customer,
                    certificate=strict_json.dump(chain).decode(),
                    serial=body.serial,
                )
            )

    async def refuse(self, device: str) -> None:
        async with self._database.write() as connection:
            changed = await connection.execute(
                update(devices)
                .where(devices.c.device == device, devices.c.state == EnrolmentState.PENDING)
                .values(state=EnrolmentState.REFUSED)
            )
            if changed.rowcount != 1:
                raise not_found("pending enrolment")

    async def seen(self, connection: AsyncConnection, device: str, at: int, queued: int) -> None:
        """A heartbeat, inside the batch writer's transaction."""
        await connection.execute(
            update(devices).where(devices.c.device == device).values(last_seen=at, queued=min(queued, 1 << 31 - 1))
        )

    async def _check_room(self, connection: AsyncConnection) -> None:
        pending = await connection.scalar(
            select(func.count()).select_from(devices).where(devices.c.state == EnrolmentState.PENDING)
        )
        if (pending or 0) >= self._pending_max:
            raise Refusal(
                429, "too many enrolments wait for approval", hint="The organisation approves or refuses some."
            )

    def _row(self, request: EnrolmentRequest, token: EnrolmentToken) -> dict[str, Any]:
        return {
            "signing_key": request.keys.signing,
            "witness_key": request.keys.witness,
            "label": request.label,
            "request": strict_json.dump(request).decode(),
            "received_at": self._now(),
            "state": EnrolmentState.PENDING,
            "asked_customer": token.customer,
            "replaces": request.replaces,
        }

    async def _get(self, connection: AsyncConnection, device: str) -> Device | None:
        row = (await connection.execute(select(devices).where(devices.c.device == device))).one_or_none()
        return None if row is None else _device(row)


def _device(row: Any) -> Device:
    return Device(
        device=row.device,
        signing_key=row.signing_key,
        witness_key=row.witness_key,
        label=row.label,
        state=EnrolmentState(row.state),
        asked_customer=row.asked_customer,
        customer=row.customer,
        certificate=None if row.certificate is None else Chain.model_validate_json(row.certificate),
        serial=row.serial,
        request=EnrolmentRequest.model_validate_json(row.request),
        received_at=row.received_at,
        last_seen=row.last_seen,
    )
