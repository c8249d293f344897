"""Files and a terminal over the whole way: device's disk ─ host ─ service ─ sealed ─ relay ─ technician ─ disk.

Every program real, on loopback, without TLS between. A download is timed from the technician's asking until the file
has its name here, synced and hashed at both ends; an upload until the device says that it is in its place. An echo is
timed from one key typed until the terminal has shown it, one key at a time.
"""

import asyncio
import os
import tempfile
import time
from pathlib import Path

from protocol.actions.scopes import Scope
from protocol.actions.terminal import TerminalArguments
from protocol.limits import RISK3_WAIT_S
from protocol.visit import Item
from technician.session.files import download, upload
from technician.session.run import Run
from technician.session.visit import Visit
from tests.benchmarks.contract import Better, NotRun, Row, percentile, spread
from tests.benchmarks.visiting import certified_device, open_visit
from tests.benchmarks.world import World, start_agent_again, world

_SCOPES = (Scope.FILES_READ, Scope.FILES_WRITE, Scope.TERMINAL)
_MB = 1_000_000
_DOWNLOAD_AIM_MB_S = 150.0
_ECHO_AIM_MS = 20.0


def run(quick: bool) -> list[Row]:
    size, rounds, keys = (100 * _MB, 2, 200) if quick else (300 * _MB, 5, 2000)
    with world() as made, tempfile.TemporaryDirectory(prefix="bellpull-files-") as name:
        folder = Path(name)
        (folder / "there").mkdir()
        (folder / "here").mkdir()
        (made.state / "config.toml").write_text(f'[files]\nfolders = ["{folder / "there"}"]\n', "utf-8")
        start_agent_again(made)
        made.local("terminal-set", enabled=True)
        with (folder / "there" / "file.bin").open("wb") as file:
            for _ in range(size // _MB):
                file.write(os.urandom(_MB))
        down, up, echoes = asyncio.run(_measure(made, folder, size, rounds, keys))
    return [
        Row(
            "download of a file, median",
            percentile(down, 0.5),
            "MB/s",
            _DOWNLOAD_AIM_MB_S,
            Better.MORE,
            f"{spread(down, 'MB/s', digits=0)}; {size // _MB} MB each; four programs on {os.cpu_count()} cores",
        ),
        Row("upload of a file, median", percentile(up, 0.5), "MB/s", detail=spread(up, "MB/s", digits=0)),
        Row(
            "terminal: a key until it is shown, p99",
            percentile(echoes, 0.99),
            "ms",
            _ECHO_AIM_MS,
            detail=f"{spread(echoes, 'ms', digits=2)}, p90 {percentile(echoes, 0.9):.2f}",
        ),
    ]


async def _measure(
    made: World, folder: Path, size: int, rounds: int, keys: int
) -> tuple[list[float], list[float], list[float]]:
    technician = made.technician()
    technician.keys()
    await asyncio.to_thread(made.ask_for_help)
    async with technician.signed_in() as api:
        device = await certified_device(made, technician, api)
        async with open_visit(made, technician, api, device, scopes=_SCOPES) as opened:
            await asyncio.to_thread(made.local, "consent-show", id=opened.question["id"])
            await asyncio.sleep(RISK3_WAIT_S + 0.5)  # from when it was shown: the time in which yes does not count
            await opened.say_yes()
            await opened.visit.granted()
            down = [await _download(opened.visit, folder, size, number) for number in range(rounds)]
            up = [await _upload(opened.visit, folder, size, number) for number in range(max(1, rounds // 2))]
            echoes = await _echoes(opened.visit, keys)
            await opened.visit.end()
    return down, up, echoes


async def _download(visit: Visit, folder: Path, size: int, number: int) -> float:
    here = folder / "here" / f"{number}.bin"
    began = time.perf_counter()
    carried = await download(visit, "there/file.bin", here, lambda far: None)
    took_s = time.perf_counter() - began
    if carried.size_bytes != size:
        raise NotRun(f"{carried.size_bytes} of {size} bytes came")
    here.unlink()
    return size / _MB / took_s


async def _upload(visit: Visit, folder: Path, size: int, number: int) -> float:
    began = time.perf_counter()
    await upload(visit, folder / "there" / "file.bin", f"there/up-{number}.bin", lambda far: None)
    return size / _MB / (time.perf_counter() - began)


async def _echoes(visit: Visit, keys: int) -> list[float]:
    """Milliseconds of each key, typed into `cat`, which says it again: a program there, not only the terminal."""
    run = await visit.run("terminal", TerminalArguments())
    shown = _Shown(run)
    reading = asyncio.create_task(shown.read())
    try:
        await run.write(b"stty -icanon -echo; echo rea''dy; cat\n")
        await shown.until(b"ready")
        took: list[float] = []
        for number in range(keys):
            key = bytes([ord("a") + number % 26])
            shown.forget()
            began = time.perf_counter()
            await run.write(key)
            await shown.until(key)
            took.append((time.perf_counter() - began) * 1000)
            await asyncio.sleep(0.002)  # nobody types faster than 500 keys a second
        await run.close_input()
        await asyncio.wait_for(reading, 10)
        return took
    finally:
        reading.cancel()


class _Shown:
    """What the terminal has shown since the last `forget`."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._bytes = bytearray()
        self._news = asyncio.Event()

    def forget(self) -> None:
        self._bytes.clear()

    async def read(self) -> None:
        async for piece in self._run.pieces():
            if not isinstance(piece, Item):
                self._bytes += piece
                self._news.set()

    async def until(self, wanted: bytes) -> None:
        async with asyncio.timeout(10):
            while wanted not in self._bytes:
                self._news.clear()
                await self._news.wait()
