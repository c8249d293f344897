"""The technician's program at an evil server: led to other places, shown old papers, or a device that is another.

A technician's machine stands inside an organisation's network. What a server answers must not make it knock at doors
there, and must not lower what it believes.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from protocol.actions.scopes import Scope
from protocol.enrolment import DeviceKeys
from protocol.errors import ProtocolError
from protocol.trust import ForkedDocumentError
from technician.api import Api
from technician.devices import DeviceFacts, find_device
from technician.problems import Problem
from technician.session.relay_socket import relay_socket
from technician.session.visit import Visit
from technician.sign_in import Technician
from tests.agent.doubles import device_certificate
from tests.hostile.evil_server import EvilServer
from tests.hostile.machine import Machine, Time, enrolled, technicians_time
from tests.hostile.papers import KINDS, paper
from tests.hostile.test_old_papers import Archive
from tests.hostile.visitors import technician_at
from tests.making import DAY, NOW, Organisation, seed

SCOPES = (Scope.DIAGNOSE,)


@dataclass
class Inside:
    """A service of the technician's own network, which nobody outside should be able to reach through them."""

    port: int = 0
    knocks: int = 0


@pytest.fixture
async def inside() -> AsyncIterator[Inside]:
    found = Inside()

    async def knocked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found.knocks += 1
        writer.close()

    server = await asyncio.start_server(knocked, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    async with server:
        yield found


@pytest.fixture(autouse=True)
def at_now() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch, technicians_time(patch, Time()):
        yield


@contextmanager
def refused() -> Iterator[None]:
    with pytest.raises((Problem, ProtocolError)):
        yield


async def visit(technician: Technician, api: Api, device: DeviceFacts, ticket: str) -> None:
    async with Visit.open(technician, api, device, ticket, SCOPES, 15, "why") as visiting:
        await visiting.granted()


async def device_of(technician: Technician, api: Api, machine: Machine) -> DeviceFacts:
    return find_device((await api.devices()).devices, machine.device, technician.store.trust, NOW)


ELSEWHERE: dict[str, Callable[[int], str]] = {
    "as the host behind a name": lambda port: f"@127.0.0.1:{port}/relay/x",
    "as the host behind a password": lambda port: f":x@127.0.0.1:{port}/",
    "as a longer host": lambda port: f"0@localhost:{port}/",
    "as another port": lambda port: f"@localhost:{port}",
    "as a whole address": lambda port: f"ws://127.0.0.1:{port}/",
    "with a line of its own": lambda port: f"/relay/x HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n",
}


@pytest.mark.parametrize("how", ELSEWHERE)
async def test_a_room_is_at_the_organisations_server_and_nowhere_else(
    tmp_path: Path, evil: EvilServer, organisation: Organisation, inside: Inside, how: str
) -> None:
    async with (
        enrolled(tmp_path / "s", evil, organisation) as machine,
        technician_at(tmp_path / "t", evil, organisation) as technician,
        technician.signed_in() as api,
    ):
        device = await device_of(technician, api, machine)
        evil.room_path = lambda room: ELSEWHERE[how](inside.port)
        with refused():
            await visit(technician, api, device, "01890a5d-ac96-7745-bcce-b302099a8057")
        assert inside.knocks == 0


async def test_no_redirect_is_followed(
    tmp_path: Path, evil: EvilServer, organisation: Organisation, inside: Inside
) -> None:
    async with (
        enrolled(tmp_path / "s", evil, organisation) as machine,
        technician_at(tmp_path / "t", evil, organisation) as technician,
        technician.signed_in() as api,
    ):
        device = await device_of(technician, api, machine)
        room = await api.ask_session(device.device, None)
        for scheme in ("http", "ws"):
            evil.lead_away = f"{scheme}://127.0.0.1:{inside.port}/admin"
            with refused():
                await api.devices()
            with refused():
                await api.ask_session(device.device, None)
            with refused():
                async with relay_socket(technician.origin, room):
                    pass
        assert inside.knocks == 0


# --- papers -----------------------------------------------------------------------------------------------------------


async def test_older_expired_and_foreign_documents_change_nothing(
    tmp_path: Path, evil: EvilServer, organisation: Organisation
) -> None:
    archive = Archive(organisation, evil)
    evil.documents = tuple(archive.newest(kind) for kind in KINDS)
    async with technician_at(tmp_path / "t", evil, organisation) as technician:
        async with technician.signed_in():
            believed = technician.store.trust
            assert set(believed.documents) == set(KINDS)
        shows = (Archive.older, Archive.expired, Archive.nobodys, Archive.unsigned)
        evil.documents = tuple(show(archive, kind) for show in shows for kind in KINDS)
        async with technician.signed_in():
            assert technician.store.trust == believed
        assert [alarm.kind for alarm in technician.store.alarms()] == ["rollback"] * len(KINDS)


async def test_two_truths_under_one_version_stop_everything_at_that_server(
    tmp_path: Path, evil: EvilServer, organisation: Organisation
) -> None:
    evil.documents = (paper(organisation, KINDS[0], 7),)
    async with technician_at(tmp_path / "t", evil, organisation) as technician:
        async with technician.signed_in():
            pass
        evil.documents = (paper(organisation, KINDS[0], 7, not_after=NOW + DAY - 1),)
        with pytest.raises(ForkedDocumentError):
            async with technician.signed_in():
                pass
        assert [alarm.kind for alarm in technician.store.alarms()] == ["fork"]


# --- devices ----------------------------------------------------------------------------------------------------------


async def test_a_device_in_the_place_of_another_is_not_taken_for_it(
    tmp_path: Path, evil: EvilServer, organisation: Organisation
) -> None:
    """Certificates of another device, of another organisation, or with the server's own key; and none at all."""
    async with (
        enrolled(tmp_path / "s", evil, organisation) as machine,
        technician_at(tmp_path / "t", evil, organisation) as technician,
        technician.signed_in() as api,
    ):
        own = evil.certificates[machine.device]
        bad = {
            "another device's": organisation.device("another"),
            "another organisation's": device_certificate(Organisation("Evil Inc"), machine.identity),
            "with another key": own.model_copy(
                update={"leaf": organisation.certifying.sign(organisation.technician_body())}
            ),
        }
        for name, chain in bad.items():
            evil.certificates[machine.device] = chain
            device = await device_of(technician, api, machine)
            assert not device.certified, name
            assert device.customer is None, name
            assert device.doubt, name
        del evil.certificates[machine.device]
        swapped = machine.identity.signing.public
        evil.keys[machine.device] = DeviceKeys(signing=seed("evil"), noise=seed("evil noise"), witness=seed("evil"))
        device = await device_of(technician, api, machine)
        assert (device.certified, device.noise_key) == (False, None), "keys that are not this device's are not used"
        # The true signing key with the server's own Noise key: reachable, and said to be unverified.
        evil.keys[machine.device] = DeviceKeys(signing=swapped, noise=seed("evil noise"), witness=seed("evil"))
        device = await device_of(technician, api, machine)
        assert not device.certified
        assert device.doubt == "it has no certificate yet"
