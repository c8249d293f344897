"""Bundles from the service's side: prepare (a child holds the plan), show, write with our signature, or let go.

A prepared bundle waits for the customer at most KEPT_S; then its child is ended and nothing of it was ever written.
"""

import asyncio
import base64
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agent.bundles.talk import LINE_MAX_BYTES, BundleRequest, WriteOrder, Written
from agent.children import child_argv, child_environment
from agent.event_log import EventLog
from agent.refusal import Refusal
from diagnostics.strict_json import StrictJsonError, decode, dump_json, encode, load_json

# Collectors stop at 240 s; redaction of 30 MiB adds seconds.
PREPARE_TIMEOUT_S: Final = 300.0
WRITE_TIMEOUT_S: Final = 120.0
# A customer reads the preview and thinks about it.
KEPT_S: Final = 15 * 60.0
# Each holds up to 25 MiB; a second one is for a second window on the page.
PREPARED_MAX: Final = 2

#: 32 bytes of a bundle's root and its id → the bytes of signature.json.
Sign = Callable[[str, bytes], bytes]


@dataclass
class Prepared:
    """A plan in a child's memory, and what it would send."""

    id: str
    preview: dict[str, Any]
    process: asyncio.subprocess.Process
    expiry: asyncio.TimerHandle | None = None


class BundleWriter:
    def __init__(self, *, log: EventLog) -> None:
        self._log = log
        self._prepared: dict[str, Prepared] = {}
        self._turn = asyncio.Lock()

    async def prepare(self, request: BundleRequest) -> Prepared:
        """Collect and redact in a child; its preview. Refusal when it could not be done."""
        async with self._turn:
            while len(self._prepared) >= PREPARED_MAX:
                await self.drop(next(iter(self._prepared)))
            process = await asyncio.create_subprocess_exec(
                *child_argv("agent.bundles.worker"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
                env=child_environment(),
                limit=LINE_MAX_BYTES,
            )
            try:
                async with asyncio.timeout(PREPARE_TIMEOUT_S):
                    answer = await _ask(process, encode(request))
                preview = answer["preview"]
                if not isinstance(preview, dict):
                    raise Refusal("the bundle worker answered nonsense", got=type(preview).__name__)
            except TimeoutError:
                await _end(process)
                raise Refusal(
                    "collecting took too long", expected=f"at most {PREPARE_TIMEOUT_S:g} s", got="more"
                ) from None
            except BaseException:
                await _end(process)
                raise
            prepared = Prepared(request.id, preview, process)
            self._prepared[request.id] = prepared
            loop = asyncio.get_running_loop()
            prepared.expiry = loop.call_later(KEPT_S, lambda: asyncio.ensure_future(self.drop(request.id)))
            return prepared

    async def show(self, bundle: str, path: str) -> str:
        """One file exactly as it would be sent, escaped for a screen."""
        answer = await _ask(self._get(bundle).process, {"show": path})
        return str(answer["content"])

    async def write(self, bundle: str, order: WriteOrder, sign: Sign | None) -> Written:
        """Write it as ordered; the prepared bundle is over then, whether it worked or not."""
        prepared = self._get(bundle)
        try:
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                answer = await _ask(prepared.process, {"write": encode(order)})
                if "sign" in answer and sign is not None:
                    signed = sign(bundle, bytes.fromhex(str(answer["sign"])))
                    answer = await _ask(prepared.process, {"signature": base64.b64encode(signed).decode()})
            return decode(Written, answer["written"])
        except (TimeoutError, KeyError, StrictJsonError) as error:
            raise Refusal("the bundle could not be written", got=str(error) or type(error).__name__) from None
        finally:
            await self.drop(bundle)

    async def drop(self, bundle: str) -> None:
        prepared = self._prepared.pop(bundle, None)
        if prepared is None:
            return
        if prepared.expiry is not None:
            prepared.expiry.cancel()
        await _end(prepared.process)

    async def close(self) -> None:
        for bundle in list(self._prepared):
            await self.drop(bundle)

    def _get(self, bundle: str) -> Prepared:
        prepared = self._prepared.get(bundle)
        if prepared is None:
            raise Refusal(
                "this preview is over",
                expected=f"one made within {KEPT_S / 60:.0f} minutes",
                got="none of that id",
                hint="Make a new preview: nothing of the old one was kept or sent.",
            )
        return prepared


async def _ask(process: asyncio.subprocess.Process, value: object) -> dict[str, Any]:
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("a bundle worker without pipes")
    try:
        process.stdin.write(dump_json(value).encode() + b"\n")
        await process.stdin.drain()
        line = await process.stdout.readline()
    except (ConnectionError, ValueError) as error:
        raise Refusal("the bundle worker ended", got=type(error).__name__) from None
    if not line:
        raise Refusal("the bundle worker ended", expected="an answer", got=f"exit code {await process.wait()}")
    answer = load_json(line)
    if not isinstance(answer, dict):
        raise Refusal("the bundle worker answered nonsense", got=type(answer).__name__)
    refused = answer.get("refused")
    if isinstance(refused, dict):
        raise Refusal(**{name: str(refused.get(name, "")) for name in ("what", "expected", "got", "hint")})
    return answer


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    try:
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return  # it ended between the two lines
    await process.wait()


def remove_leftovers(folder: Path, known: set[str]) -> int:
    """Sealed files of a crash between writing and queueing: ciphertext that nobody will send. Returns how many."""
    removed = 0
    for file in folder.iterdir():
        if file.is_file() and str(file) not in known:
            file.unlink(missing_ok=True)
            removed += 1
    return removed
