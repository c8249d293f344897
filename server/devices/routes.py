"""Enrolling; and devices as a technician sees them."""

from collections.abc import Sequence

from fastapi import APIRouter, Request

from protocol.enrolment import EnrolmentRequest
from protocol.messages.api import DeviceDetail, DeviceList, DeviceRow, EnrolReply, MetricSeries
from server.asking import OfficeOf, Reader, body
from server.devices.rules import Device, check_enrolment
from server.office import Office
from server.openapi import refuses, takes

router = APIRouter()

_SERIES_S = 30 * 86_400


@router.post("/api/enrol", status_code=202, responses=refuses(401, 403, 409), **takes(EnrolmentRequest))
async def enrol(request: Request, office: OfficeOf) -> EnrolReply:
    asked = await body(request, EnrolmentRequest)
    office.organisation.check_token_root(asked.token)
    token = check_enrolment(asked, office.organisation.require_trust(), office.config.origin, office.now())
    await office.devices.enrol(asked, token)
    return EnrolReply(device=asked.keys.device)


@router.get("/api/devices")
async def devices(office: OfficeOf, reader: Reader) -> DeviceList:
    return await device_list(office, await office.devices.visible(reader.customers))


@router.get("/api/devices/{device}")
async def device_detail(device: str, office: OfficeOf, reader: Reader) -> DeviceDetail:
    found = await office.devices.require(device, reader.customers)
    (row,) = (await device_list(office, (found,))).devices
    return DeviceDetail(
        **{name: getattr(row, name) for name in DeviceRow.model_fields},
        reported=await office.findings.of_device(device),
        metrics=await office.findings.metric_names(device),
    )


@router.get("/api/devices/{device}/metrics/{name}")
async def metric_series(device: str, name: str, office: OfficeOf, reader: Reader) -> MetricSeries:
    await office.devices.require(device, reader.customers)
    return MetricSeries(metrics=await office.findings.series(device, name, since=office.now() - _SERIES_S))


async def device_list(office: Office, found: Sequence[Device]) -> DeviceList:
    ids = [device.device for device in found]
    counts = await office.findings.counts(ids)
    trusts, successors = await office.devices.trusts(ids), await office.devices.successors(ids)
    return DeviceList(
        devices=tuple(
            DeviceRow(
                device=device.device,
                label=device.label,
                customer=device.customer,
                certificate=device.certificate,
                connected=office.hub.connected(device.device),
                last_seen=device.last_seen,
                findings=counts.get(device.device, {}),
                keys=device.request.keys,
                trust=trusts.get(device.device),
                replaces=device.request.replaces,
                replaced_by=successors.get(device.device),
            )
            for device in found
        )
    )
