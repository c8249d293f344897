"""The relay behind the server's own TLS, on both event loops: whole, in order, and bounded."""

import asyncio
import os
import random
import ssl
import sys
from pathlib import Path

import pytest

from protocol.limits import RELAY_MESSAGE_MAX_BYTES, RELAY_QUEUE_BYTES
from server import serving
from server.config import ConfigError
from server.patience import Patience
from tests.benchmarks.tls_front import self_signed
from tests.server.actors import Clock
from tests.server.conftest import running_world
from tests.server.relay.test_relay import flood, visit

LOOPS = ["asyncio"] if sys.platform == "win32" else ["asyncio", "uvloop"]


@pytest.mark.parametrize("loop", LOOPS)
def test_messages_over_tls_arrive_whole_and_in_order_and_a_stopped_reader_stops_the_sender(
    tmp_path: Path, loop: str
) -> None:
    if loop == "uvloop":
        import uvloop

        factory = uvloop.new_event_loop
    else:
        factory = asyncio.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_exchange(tmp_path))


async def _exchange(folder: Path) -> None:
    certificate, key, trusted = self_signed(folder)
    context = ssl.create_default_context(cafile=str(trusted))
    chance = random.Random(3)
    sizes = (1, 125, 126, 4096, 16_384, RELAY_MESSAGE_MAX_BYTES)
    messages = [chance.randbytes(chance.choice(sizes)) for _ in range(150)]
    async with running_world(
        folder, Clock(), patience=Patience(stuck_s=60), tls=(serving.Tls(certificate, key), context)
    ) as desk:
        await desk.pin()
        async with visit(desk) as (technician, agent):

            async def send() -> None:
                for message in messages:
                    await technician.send(message)
                    await agent.send(message[:900])

            sending = asyncio.create_task(send())
            assert [await agent.recv(decode=False) for _ in messages] == messages
            assert [await technician.recv(decode=False) for _ in messages] == [each[:900] for each in messages]
            await sending

            agent.transport.pause_reading()
            flooding = asyncio.create_task(flood(technician, os.urandom(RELAY_MESSAGE_MAX_BYTES)))
            (meeting,) = desk.office.relay._meetings.values()
            device = next(seat for side, seat in meeting._seats.items() if side.value == "device")
            async with asyncio.timeout(20):
                while not device.full:  # noqa: ASYNC110 - the operating system's buffers fill first
                    await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
            assert device.queued_bytes <= RELAY_QUEUE_BYTES + 64 * 1024  # TLS's own words around it are not ours
            assert not flooding.done()
            flooding.cancel()
            agent.transport.abort()
            technician.transport.abort()


def test_files_that_make_no_certificate_are_refused_before_anything_runs(tmp_path: Path) -> None:
    certificate, key, _ = self_signed(tmp_path)
    serving.Tls(certificate, key).check()
    for files in ((key, certificate), (certificate, tmp_path / "absent.pem"), (Path(__file__), key)):
        with pytest.raises(ConfigError, match="cannot be used"):
            serving.Tls(*files).check()
