"""Uploads: resumed after any cut, never more than a chunk again, ciphertext only, one token for one blob."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx2
import pytest

from protocol.fields import sha256
from protocol.limits import BUNDLE_HARD_CAP_BYTES, UPLOAD_CHUNK_BYTES, UPLOAD_TOKEN_S
from protocol.messages.items import Stored, TicketItem
from protocol.messages.login import Welcome
from protocol.messages.uploads import UploadGranted, UploadRefused, UploadRequest
from protocol.tickets import TicketStatement
from tests.server.actors import AgentLink, DeviceActor, World, bearer, case, sealed_bytes, uuid


@dataclass
class Sender:
    """A device with a ticket, and the HTTP side of its upload."""

    desk: World
    device: DeviceActor
    link: AgentLink
    statement: TicketStatement

    def request(self, data: bytes, name: str = "bundle", **changes: object) -> UploadRequest:
        body = UploadRequest(
            id=uuid(name), ticket=self.statement.ticket, case=case("help"), size_bytes=len(data), sha256=sha256(data)
        )
        return body.model_copy(update=changes)

    async def ask(self, request: UploadRequest) -> UploadGranted | UploadRefused:
        await self.link.say(request)
        while True:
            heard = await self.link.hear_any()
            if isinstance(heard, UploadGranted | UploadRefused):
                return heard

    async def granted(self, data: bytes, name: str = "bundle") -> UploadGranted:
        answer = await self.ask(self.request(data, name))
        assert isinstance(answer, UploadGranted), answer
        return answer

    async def create(self, granted: UploadGranted, size: int) -> httpx2.Response:
        return await self.desk.http.post(granted.path, headers={**bearer(granted.token), "upload-length": str(size)})

    async def head(self, granted: UploadGranted) -> httpx2.Response:
        return await self.desk.http.head(granted.path, headers=bearer(granted.token))

    async def patch(self, granted: UploadGranted, offset: int, chunk: bytes) -> httpx2.Response:
        return await self.desk.http.patch(
            granted.path,
            content=chunk,
            headers={
                **bearer(granted.token),
                "upload-offset": str(offset),
                "content-type": "application/offset+octet-stream",
            },
        )

    async def send_all(self, granted: UploadGranted, data: bytes) -> list[int]:
        await self.create(granted, len(data))
        codes = []
        for offset in range(0, len(data), UPLOAD_CHUNK_BYTES):
            codes.append((await self.patch(granted, offset, data[offset : offset + UPLOAD_CHUNK_BYTES])).status_code)
        return codes


@asynccontextmanager
async def sender(desk: World, name: str = "laptop") -> AsyncIterator[Sender]:
    device = await desk.approved(name)
    async with desk.link(device) as link:
        await link.hear(Welcome)
        statement = device.ticket(f"ticket of {name}")
        await link.say(TicketItem(id=uuid(f"item of {name}"), ticket=device.key.sign(statement)))
        await link.hear(Stored)
        yield Sender(desk, device, link, statement)


async def test_a_bundle_in_chunks_becomes_one_file_that_its_technician_fetches(desk: World) -> None:
    data = sealed_bytes("bundle", 2 * UPLOAD_CHUNK_BYTES + 17)
    async with sender(desk) as one:
        granted = await one.granted(data)
        assert await one.send_all(granted, data) == [204, 204, 204]
        done = await one.head(granted)
        assert (done.headers["upload-offset"], done.headers["upload-complete"]) == (str(len(data)), "1")
    mine = await desk.get(f"/api/blobs/{granted.id}", await desk.technician_token())
    assert (mine.status_code, mine.content) == (200, data)
    others = await desk.get(f"/api/blobs/{granted.id}", await desk.technician_token("Zoe", customers=("Zenith",)))
    assert others.status_code == 404
    assert desk.data is not None
    assert [file.name for file in (desk.data / "bundles").iterdir()] == [f"{granted.id}.age"]


async def test_a_cut_upload_goes_on_where_it_stopped_with_a_new_token(desk: World) -> None:
    data = sealed_bytes("bundle", UPLOAD_CHUNK_BYTES + 5)
    async with sender(desk) as one:
        first = await one.granted(data)
        await one.create(first, len(data))
        await one.patch(first, 0, data[:UPLOAD_CHUNK_BYTES])
        second = await one.granted(data)
        assert (await one.head(first)).status_code == 401  # only the newest token works
        offset = int((await one.head(second)).headers["upload-offset"])
        assert offset == UPLOAD_CHUNK_BYTES
        assert (await one.patch(second, offset, data[offset:])).status_code == 204


async def test_a_chunk_at_a_wrong_offset_is_answered_with_the_true_one_and_changes_nothing(desk: World) -> None:
    data = sealed_bytes("bundle", 3000)
    async with sender(desk) as one:
        granted = await one.granted(data)
        await one.patch(granted, 0, data[:1000])
        for offset in (0, 500, 1001, 2999, 10**11):
            answer = await one.patch(granted, offset, data[1000:2000])
            assert (answer.status_code, answer.headers["upload-offset"]) == (409, "1000")
        assert (await one.patch(granted, 1000, data[1000:])).status_code == 204


async def test_a_repeated_last_chunk_is_told_that_all_is_there(desk: World) -> None:
    data = sealed_bytes("bundle", 3000)
    async with sender(desk) as one:
        granted = await one.granted(data)
        await one.send_all(granted, data)
        again = await one.patch(granted, 0, data)
        assert (again.status_code, again.headers["upload-complete"]) == (409, "1")


@pytest.mark.parametrize("offset", ["", "-1", "1e3", "0x0", "9" * 40, "one"])
async def test_offsets_that_are_no_numbers_are_refused(desk: World, offset: str) -> None:
    data = sealed_bytes("bundle", 300)
    async with sender(desk) as one:
        granted = await one.granted(data)
        headers = {**bearer(granted.token), "content-type": "application/offset+octet-stream"}
        if offset:
            headers["upload-offset"] = offset
        assert (await desk.http.patch(granted.path, content=data, headers=headers)).status_code == 400
        assert (await one.head(granted)).headers["upload-offset"] == "0"


async def test_an_upload_with_a_wrong_hash_is_refused_at_its_end_and_starts_anew(desk: World) -> None:
    data = sealed_bytes("bundle", 3000)
    async with sender(desk) as one:
        granted = await one.granted(data)
        damaged = data[:-1] + bytes([data[-1] ^ 1])
        refused = await one.patch(granted, 0, damaged)
        assert (refused.status_code, (await one.head(granted)).headers["upload-offset"]) == (422, "0")
        assert desk.data is not None
        assert list((desk.data / "bundles").iterdir()) == []
        assert (await one.patch(granted, 0, data)).status_code == 204


@pytest.mark.parametrize("start", [b"PK\x03\x04", b"\x28\xb5\x2f\xfd", b"age-encryption.org/v2\n", b"a", b"<script>"])
async def test_what_does_not_begin_like_ciphertext_is_not_kept(desk: World, start: bytes) -> None:
    data = start + b"x" * 100
    async with sender(desk) as one:
        granted = await one.granted(data)
        assert (await one.patch(granted, 0, data)).status_code == 422
        # Nor does it help to send the beginning in small pieces.
        codes = []
        for at in range(len(data)):
            codes.append((await one.patch(granted, at, data[at : at + 1])).status_code)
            if codes[-1] != 204:
                break
        assert codes[-1] in (409, 422)
        assert not await desk.office.bundles.complete_file(granted.id, {"Acme"})


async def test_chunks_beyond_the_announced_size_or_the_chunk_limit_are_refused(desk: World) -> None:
    data = sealed_bytes("bundle", UPLOAD_CHUNK_BYTES + 5)
    async with sender(desk) as one:
        granted = await one.granted(data)
        assert (await one.patch(granted, 0, data)).status_code == 413
        assert (await one.create(granted, len(data) + 1)).status_code == 409
        small = await one.granted(data[:100], "small")
        assert (await one.patch(small, 0, data[:101])).status_code == 422
        assert (await one.patch(small, 0, b"")).status_code == 422


async def test_a_token_opens_its_own_upload_only_and_for_minutes_only(desk: World) -> None:
    data = sealed_bytes("bundle", 300)
    async with sender(desk) as one:
        first, second = await one.granted(data, "first"), await one.granted(data, "second")
        crossed = first.model_copy(update={"token": second.token})
        assert (await one.patch(crossed, 0, data)).status_code == 401
        assert (await desk.http.head(first.path)).status_code == 401
        desk.clock.now += UPLOAD_TOKEN_S + 1
        assert (await one.patch(first, 0, data)).status_code == 401


async def test_uploads_for_tickets_of_others_and_ids_in_use_are_refused(desk: World) -> None:
    data = sealed_bytes("bundle", 300)
    async with sender(desk, "one") as one, sender(desk, "two") as two:
        for request in (
            two.request(data, ticket=one.statement.ticket),
            two.request(data, ticket=uuid("no such")),
        ):
            assert isinstance(await two.ask(request), UploadRefused)
        await one.granted(data, "same id")
        assert isinstance(await two.ask(two.request(data, "same id")), UploadRefused)
        assert isinstance(await one.ask(one.request(data + b"x", "same id")), UploadRefused)


async def test_a_device_may_not_fill_the_servers_disk(desk: World) -> None:
    most = desk.office.config.settings.caps.bundle_bytes_per_device
    async with sender(desk) as one:
        answers = [
            await one.ask(one.request(b"x", f"bundle {at}", size_bytes=BUNDLE_HARD_CAP_BYTES))
            for at in range(most // BUNDLE_HARD_CAP_BYTES + 1)
        ]
        assert [type(answer) for answer in answers] == [UploadGranted] * (len(answers) - 1) + [UploadRefused]


async def test_a_file_that_cannot_be_written_is_said_and_the_upload_goes_on_later(
    desk: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = sealed_bytes("bundle", 300)

    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    async with sender(desk) as one:
        granted = await one.granted(data)
        with monkeypatch.context() as broken:
            broken.setattr(desk.office.bundles.files, "write_at", full)
            assert (await one.patch(granted, 0, data)).status_code == 507
        assert (await one.head(granted)).headers["upload-offset"] == "0"
        assert (await one.patch(granted, 0, data)).status_code == 204


async def test_what_a_crash_left_beyond_the_stored_offset_is_not_believed(desk: World) -> None:
    data = sealed_bytes("bundle", 3000)
    async with sender(desk) as one:
        granted = await one.granted(data)
        await one.patch(granted, 0, data[:1000])
        assert desk.data is not None
        with (desk.data / "bundles" / f"{granted.id}.part").open("ab") as file:
            file.write(b"\0" * 700)  # written, not flushed, not acknowledged
        assert (await one.head(granted)).headers["upload-offset"] == "1000"
        assert (await one.patch(granted, 1000, data[1000:])).status_code == 204
        assert (await one.head(granted)).headers["upload-complete"] == "1"


async def test_uploads_that_nobody_goes_on_with_are_given_up(desk: World) -> None:
    data = sealed_bytes("bundle", 3000)
    async with sender(desk) as one:
        granted = await one.granted(data)
        await one.patch(granted, 0, data[:1000])
        desk.clock.now += 15 * 86_400
        await desk.office.bundles.sweep()
        assert await desk.office.bundles.of_ticket(one.statement.ticket) == ()
        assert desk.data is not None
        assert list((desk.data / "bundles").iterdir()) == []
