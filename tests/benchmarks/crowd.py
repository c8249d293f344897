"""Many agents in one process: the whole of what each carries for its organisation, short of looking at a machine.

    {"connect": 1000, "from": 0, …} → {"connected": 1000, "took_s": 9.1, "rss_bytes": …, "before_bytes": …}
    {"cut": true}                   → {"back_s": [0.4, …]}     seconds from the cut to each one's next welcome
    {"wait": true}                  → the same, for a cut that the server made

One JSON line in, one out. Each agent is agent.app's own `Member` on a database of its own, with its link running; its
keys live in memory only, as writing five thousand key files measures a disk. One report waits in each outbox at every
cut, as it would after five minutes.
"""

import asyncio
import json
import os
import resource
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx2
import psutil

from agent.app import Ground, Member
from agent.config import Config
from agent.identity.identity import DeviceSecrets, Identity
from agent.paths import Mode, StateFolder
from agent.uuid7 import uuid7
from protocol.checkpoints import WitnessKey
from protocol.enrolment import EnrolmentRequest, EnrolmentToken, enrolment_proof
from protocol.fields import device_id
from protocol.messages.api import CertificatePush
from protocol.messages.items import ReportItem
from protocol.messages.login import Welcome
from protocol.messages.report import Report
from protocol.statements import SigningKey, parse_payload
from tests.agent.doubles import MemoryLog, device_certificate
from tests.making import DAY, Organisation, seed
from tests.running import PLAIN
from tests.server.actors import Clock, World, log_verifier

#: At one time: more would measure the client's own crowding.
_ENROLLING: Final = 16
_FILES_AN_AGENT: Final = 6


@dataclass(eq=False)
class One:
    """One agent. `welcomed_s`: when it was last let in."""

    member: Member
    log: MemoryLog
    task: "asyncio.Task[None] | None" = None
    welcomed_s: float = 0.0
    welcomes: int = 0

    async def welcomed(self, welcome: Welcome) -> None:
        self.welcomed_s = time.monotonic()
        self.welcomes += 1


@dataclass
class Crowd:
    """`folder`: where their databases lie."""

    world: World
    folder: Path
    agents: list[One] = field(default_factory=list)

    # --- making them -----------------------------------------------------------------------------------------

    async def enrol(self, count: int) -> list[Identity]:
        """Enrolled and certified at the server as anybody is."""
        facts = log_verifier((await self.world.get("/api/server")).json())
        names = {"log_name": facts.name, "log_key": facts.public_key}
        desk, room = await self.world.organisation_token(), asyncio.Semaphore(_ENROLLING)

        async def one() -> Identity:
            secrets = _fresh_secrets()
            async with room:
                token = self.world.token(secrets.device, **names)
                body = parse_payload(token.leaf, EnrolmentToken)
                keys = secrets.public()
                request = EnrolmentRequest(
                    token=token,
                    keys=keys,
                    label="one of many",
                    proof=enrolment_proof(seed("secret"), keys, body.root, body.customer),
                    requested_at=self.world.clock.now,
                )
                done = await self.world.post("/api/enrol", request)
                assert done.status_code == 202, done.text
                identity = Identity.of(secrets, body)
                now = self.world.clock.now
                chain = device_certificate(
                    self.world.organisation, identity, not_before=now - DAY, not_after=now + 30 * DAY
                )
                done = await self.world.post("/api/organisation/certificates", CertificatePush(chain=chain), desk)
                assert done.status_code == 200, done.text
            return identity

        return await asyncio.gather(*(one() for _ in range(count)))

    def add(self, identity: Identity) -> None:
        log = MemoryLog()
        folder = StateFolder(self.folder / identity.device, Mode.USER)
        agent = One(Member(Ground(folder, Config(), log), identity), log)
        agent.member.link.on(Welcome, agent.welcomed)
        self.agents.append(agent)

    # --- living ----------------------------------------------------------------------------------------------

    async def connect(self, timeout_s: float = 300) -> float:
        """Start all links; seconds until each was let in."""
        began = time.monotonic()
        for agent in self.agents:
            agent.task = asyncio.create_task(agent.member.link.run())
        await self._until(lambda agent: agent.member.link.connected, timeout_s)
        return time.monotonic() - began

    async def cut(self, timeout_s: float = 180) -> list[float]:
        """The network of all is gone for a moment; how long after it each was let in again, and had sent its report."""
        self.report()
        began, before = time.monotonic(), [agent.welcomes for agent in self.agents]
        for agent in self.agents:
            connection = agent.member.link._connection
            assert connection is not None
            connection._websocket.transport.abort()
        return await self._back(began, before, timeout_s)

    async def wait(self, timeout_s: float = 180) -> list[float]:
        """As `cut`, where somebody else cuts: counted from the moment in which the first one loses its link."""
        self.report()
        before = [agent.welcomes for agent in self.agents]
        while all(agent.member.link.connected for agent in self.agents):  # noqa: ASYNC110 - no event for this
            await asyncio.sleep(0.005)
        return await self._back(time.monotonic(), before, timeout_s)

    async def _back(self, began: float, before: list[int], timeout_s: float) -> list[float]:
        welcomes = dict(zip(map(id, self.agents), before, strict=True))
        await self._until(
            lambda agent: agent.welcomes > welcomes[id(agent)] and agent.member.outbox.numbers().items == 0, timeout_s
        )
        return sorted(agent.welcomed_s - began for agent in self.agents)

    async def _until(self, holds: Any, timeout_s: float) -> None:
        waiting, until = list(self.agents), time.monotonic() + timeout_s
        while waiting:
            waiting = [agent for agent in waiting if not holds(agent)]
            if time.monotonic() > until:
                raise TimeoutError(f"{len(waiting)} of {len(self.agents)} did not make it: {self._why(waiting)}")
            await asyncio.sleep(0.02)

    def _why(self, agents: list[One]) -> list[str]:
        return sorted({agent.member.link.view().trouble for agent in agents})[:5]

    def report(self) -> None:
        for agent in self.agents:
            now = self.world.clock.now
            agent.member.outbox.put(ReportItem(id=uuid7(), report=Report(at=now, gap_count=0)), now)

    async def close(self) -> None:
        for agent in self.agents:
            if agent.task is not None:
                agent.task.cancel()
        await asyncio.gather(*(agent.task for agent in self.agents if agent.task), return_exceptions=True)
        for agent in self.agents:
            agent.member.ground.database.close()


def _fresh_secrets() -> DeviceSecrets:
    signing = SigningKey(os.urandom(32))
    witness = WitnessKey.from_raw(device_id(signing.public), os.urandom(32))
    return DeviceSecrets(signing=signing, noise_raw=os.urandom(32), witness=witness, secret=os.urandom(32))


def organisation_of(now: int) -> Organisation:
    """The one that all processes of a measurement mean; its keys come from its name."""
    return Organisation(not_before=now - 10 * DAY, not_after=now + 100 * DAY)


async def _serve(facts: dict[str, Any]) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, facts["count"] * _FILES_AN_AGENT + 500)), hard))
    loop, process = asyncio.get_running_loop(), psutil.Process()
    async with httpx2.AsyncClient(verify=PLAIN, base_url=facts["origin"], timeout=60, trust_env=False) as http:
        clock = Clock(facts["now"])
        world = World(facts["origin"], "", http, clock, organisation_of(facts["now"]))
        crowd = Crowd(world, Path(facts["folder"]))
        identities = await crowd.enrol(facts["count"])
        before = process.memory_info().rss
        for identity in identities:
            crowd.add(identity)
        _say(enrolled=len(identities))
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            match json.loads(line):
                case {"connect": True}:
                    took_s = await crowd.connect()
                    _say(took_s=took_s, bytes=process.memory_info().rss - before)
                case {"cut": True}:
                    _say(back_s=await crowd.cut())
                case {"wait": True}:
                    _say(back_s=await crowd.wait())
                case other:
                    raise ValueError(f"not a command: {other}")
        await crowd.close()


def _say(**values: object) -> None:
    print(json.dumps(values), flush=True)


if __name__ == "__main__":
    asyncio.run(_serve(json.loads(sys.stdin.readline())))
